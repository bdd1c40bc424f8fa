//! Files of relays, read.

use super::*;

const SMALL: &str = "[[relay]]\nlisten = \"/a\"\ntarget = \"/b\"\n";

#[track_caller]
fn problem(text: &str) -> String {
    parse("r.toml", text).unwrap_err().to_string()
}

#[test]
fn a_table_says_what_flags_say() {
    let text = r#"
[process]
log = "json"
threads = 3
drain = 5

[[relay]]
name = "web"
listen = "/run/web.sock"
target = ["tcp:localhost:80", "-"]
mode = "660"
max-clients = 10
allow = ["uid:1000", "group:docker"]
deny = "uid:7"
force = true
dgram = false
idle-timeout = "1m"
connect-timeout = 0.5
fault = ["up:latency,delay=1s"]
balance = "first-alive"
"#;
    let file = parse("r.toml", text).unwrap();
    assert_eq!(file.process.threads.map(usize::from), Some(3));
    assert_eq!(file.process.drain, Some(std::time::Duration::from_secs(5)));
    let [(place, relay)] = &file.relays[..] else {
        panic!("{file:?}")
    };
    assert_eq!(place.to_string(), "r.toml line 7");
    assert_eq!(relay.name.as_deref(), Some("web"));
    assert_eq!(relay.target, ["tcp:localhost:80", "-"]);
    assert_eq!(
        relay.bound.mode.map(sockeye_address::Mode::bits),
        Some(0o660)
    );
    assert_eq!(relay.max_clients.map(usize::from), Some(10));
    assert_eq!((relay.allow.len(), relay.deny.len()), (2, 1));
    assert!(relay.bound.force);
    assert!(!relay.kind.dgram);
    let timeout = std::time::Duration::from_millis(500);
    assert_eq!(relay.connect_timeout, Some(timeout));
    assert_eq!(relay.fault.len(), 1);
}

#[test]
fn the_first_thing_that_is_wrong_is_told_with_its_line() {
    let with = |line: &str| problem(&format!("{SMALL}{line}\n"));
    assert_eq!(
        with("mode = \"9\""),
        "read r.toml line 4: mode = \"9\": expected octal permission bits such as 660"
    );
    assert_eq!(
        with("balance = \"best\""),
        "read r.toml line 4: balance = \"best\": expected one of round-robin, first-alive"
    );
    assert_eq!(
        with("force = 1"),
        "read r.toml line 4: force: expected true or false"
    );
    assert_eq!(
        with("mode = [\"660\"]"),
        "read r.toml line 4: mode: expected one value, not a list"
    );
    assert_eq!(
        with("allow = [\"uid:1\", \"uid\"]"),
        "read r.toml line 4: allow = \"uid\": read rule \"uid\": expected uid:, user:, gid:, group: or exe: and a \
         value, or all"
    );
    let unknown = with("mod = \"660\"");
    assert!(
        unknown.starts_with(
            "read r.toml line 4: unknown key mod: expected one of listen, target, name, "
        ),
        "{unknown}"
    );
    assert!(unknown.contains("retry-interval"), "{unknown}");
    let conflict = with("dgram = true\nstream = true");
    assert!(conflict.contains("exclude each other"), "{conflict}");
}

#[test]
fn what_is_no_file_of_relays_is_refused() {
    assert_eq!(
        problem("").lines().next(),
        Some("read r.toml: there is no relay in it")
    );
    assert_eq!(
        problem("[[relay]]\nlisten = \"/a\"\n"),
        "read r.toml line 1: a relay without target = \"ADDRESS\""
    );
    assert_eq!(
        problem("[relay]\nlisten = \"/a\"\n"),
        "read r.toml line 1: relay is a list of tables: [[relay]]"
    );
    assert_eq!(
        problem(&format!("{SMALL}[other]\nx = 1\n")),
        "read r.toml line 4: unknown key other: expected [process] or [[relay]]"
    );
    let syntax = problem(&format!("{SMALL}mode = \n"));
    assert!(syntax.starts_with("read r.toml line 4: "), "{syntax}");
    assert_eq!(syntax.lines().count(), 1, "{syntax}");
    let twice = problem(&format!("{SMALL}listen = \"/c\"\n"));
    assert!(twice.starts_with("read r.toml line 4: "), "{twice}");
    let process = problem(&format!("{SMALL}[process]\nmode = \"660\"\n"));
    assert!(
        process.starts_with("read r.toml line 5: unknown key mode: expected one of log, "),
        "{process}"
    );
}

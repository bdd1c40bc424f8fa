//! What happens, what passes and what there was.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;

use serde_json::Value;

use crate::program::Ended;
use crate::stage::{Stage, Unheard, exchange};

/// One client says this and leaves.
fn one_client(stage: &Stage, text: &[u8]) {
    let mut client = stage.connect();
    exchange(&mut client, text);
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
}

/// All but how many were left at the end: a client that has just ended may be among them or not.
fn events(ended: &Ended) -> Vec<Value> {
    let lines = ended.stderr.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|event: &Value| event["event"] != "draining")
        .collect()
}

#[test]
fn a_person_reads_who_came_where_they_went_and_why_it_ended() {
    let stage = Stage::new();
    let program = stage.serve([""; 0]);
    one_client(&stage, b"hello");
    program.says(" ended ");
    let ended = program.stop().succeeded();
    let uid = rustix::process::getuid().as_raw();
    let (input, echo) = (stage.text("in.sock"), stage.text("echo.sock"));
    // A client that has just ended may be told to be waited for.
    let told = |line: &&str| !line.contains("no more clients are accepted");
    let lines: Vec<&str> = ended.stderr.lines().filter(told).collect();
    let [ready, connected, left, summary] = lines[..] else {
        panic!("{ended:?}")
    };
    assert_eq!(ready, format!("sockeye: relay {input} -> {echo}: ready"));
    let who = format!("[{}] uid {uid}", std::process::id());
    let way = format!(" -> {echo} ");
    for line in [connected, left] {
        let (moment, rest) = line.split_once(' ').unwrap();
        assert!(moment.ends_with('Z') && moment.len() == 24, "{line}");
        assert!(
            rest.starts_with("#1 ") && rest.contains(&who) && rest.contains(&way),
            "{line}"
        );
    }
    assert!(connected.contains(" connected in "), "{connected}");
    assert!(left.ends_with(", 5 B up, 5 B down: complete"), "{left}");
    let counts =
        format!("sockeye: relay {input}: 1 client, 0 refused, 0 failed, 5 B up, 5 B down in ");
    assert!(summary.starts_with(&counts), "{summary}");
    assert!(summary.contains(", longest #1 with "), "{summary}");
}

#[test]
fn a_program_reads_an_object_in_each_line() {
    let stage = Stage::new();
    let program = stage.serve(["--log", "json", "--name", "web", "--deny", "uid:4294967294"]);
    one_client(&stage, b"hello");
    program.says("\"ended\"");
    let events = events(&program.stop().succeeded());
    let schema: Value =
        serde_json::from_str(include_str!("../../docs/schema/relay-log.v1.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for event in &events {
        let problems: Vec<_> = schema
            .iter_errors(event)
            .map(|error| error.to_string())
            .collect();
        assert!(problems.is_empty(), "{event}: {problems:?}");
        assert_eq!(event["relay"], "web");
    }
    let names: Vec<&str> = events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["ready", "accepted", "connected", "ended", "summary"]
    );
    assert_eq!(events[1]["client"]["pid"], std::process::id());
    assert_eq!(events[3]["end"], "complete");
    assert_eq!(events[3]["up_bytes"], 5);
    assert_eq!(events[3]["failed"], false);
    assert_eq!(events[4]["clients"], 1);
}

#[test]
fn who_is_refused_is_told_with_the_rule() {
    let stage = Stage::new();
    let uid = rustix::process::getuid().as_raw();
    let program = stage.serve(["--log", "json", "--deny", &format!("uid:{uid}")]);
    assert_eq!(stage.connect().read(&mut [0]).unwrap(), 0);
    program.says("\"refused\"");
    let events = events(&program.stop().succeeded());
    assert_eq!(events[1]["event"], "refused");
    assert_eq!(events[1]["reason"], format!("denied by uid:{uid}"));
    assert_eq!(events[1]["client"]["uid"], uid);
    assert_eq!(events.last().unwrap()["refused"], 1);
}

#[test]
fn nothing_is_said_where_nothing_is_wanted() {
    let stage = Stage::new();
    let mut command = stage.relay(["--log", "none"]);
    command
        .arg(stage.path("in.sock"))
        .arg(stage.path("echo.sock"));
    let program = crate::program::Program::start(&mut command);
    drop(stage.connect_when_ready());
    one_client(&stage, b"hello");
    assert_eq!(program.stop().succeeded().stderr, "");
}

#[test]
fn what_passes_is_shown_line_by_line() {
    let stage = Stage::new();
    let program = stage.serve(["--dump", "text"]);
    let mut client = stage.connect();
    exchange(&mut client, b"GET /\r\n\\\n");
    exchange(&mut client, b"no end\x1b");
    program.says("1 < no end");
    drop(client);
    let ended = program.stop().succeeded();
    let shown: Vec<&str> = ended
        .stderr
        .lines()
        .filter(|line| line.starts_with("1 "))
        .collect();
    let up: Vec<&str> = shown
        .iter()
        .filter_map(|line| line.strip_prefix("1 > "))
        .collect();
    let down: Vec<&str> = shown
        .iter()
        .filter_map(|line| line.strip_prefix("1 < "))
        .collect();
    assert_eq!(up, [r"GET /\x0d", r"\\", r"no end\x1b\"]);
    assert_eq!(down, up);
}

#[test]
fn what_passes_is_written_to_a_file_in_rows_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let stage = Stage::new();
    let file = stage.text("dump");
    let program = stage.serve(["--dump", "hex", "--dump-file", &file, "--log", "json"]);
    one_client(&stage, b"0123456789abcdefg");
    program.says("\"ended\"");
    program.stop().succeeded();
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let rows = std::fs::read_to_string(&file).unwrap();
    let first =
        "1 > 00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|\n";
    assert!(rows.contains(first), "{rows}");
    assert!(rows.contains("1 > 00000010  67 "), "{rows}");
    assert!(rows.contains("1 < 00000010  67 "), "{rows}");
}

#[test]
fn a_log_that_nobody_reads_stops_nobody() {
    let stage = Stage::new();
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = stage.relay([stage.path("in.sock"), stage.path("echo.sock")]);
    let relay = Unheard::start(&mut command, writer);
    drop(stage.connect_when_ready());
    // A pipe holds 64 KiB: far less than what is said of so many clients.
    for _ in 0..1000 {
        let mut client = stage.connect();
        client.write_all(b"x").unwrap();
        client.read_exact(&mut [0]).unwrap();
    }
    relay.stop_successfully();
    drop(reader);
}

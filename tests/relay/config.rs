//! A file of relays.

use std::io::Read as _;

use crate::program::{Program, run, sockeye};
use crate::stage::{Stage, bind, connect, exchange};

#[test]
fn a_file_is_checked_without_opening_anything() {
    let stage = Stage::new();
    let file = stage.write(
        "relays.toml",
        "[process]\nlog = \"json\"\n\n[[relay]]\nname = \"web\"\nlisten = \"/no/a.sock\"\n\
         target = [\"tcp:localhost:1\", \"/no/b.sock\"]\n\n[[relay]]\nlisten = \"@x\"\ntarget = \"/no/c\"\n",
    );
    let file = file.to_str().unwrap();
    let ended = run(["relay", "--config", file, "--check"]).succeeded();
    assert_eq!(
        ended.text(),
        "web: /no/a.sock -> tcp:localhost:1 /no/b.sock\n@x -> /no/c\n"
    );
    assert_eq!(ended.stderr, "");
}

#[test]
fn what_cannot_be_is_told_with_its_line() {
    let stage = Stage::new();
    let check = |text: &str| {
        let file = stage.write("relays.toml", text);
        let ended = run(["relay", "--check", "--config", file.to_str().unwrap()]);
        assert_eq!(ended.status, Some(2), "{ended:?}");
        let first = ended.stderr.lines().next().unwrap().to_owned();
        first
            .replace(file.to_str().unwrap(), "FILE")
            .replace("sockeye: ", "")
    };
    let one = "[[relay]]\nlisten = \"/a\"\ntarget = \"/b\"\n";
    let unknown = check(&format!("{one}nonsense = 1\n"));
    assert!(
        unknown.starts_with(
            "read FILE line 4: unknown key nonsense: expected one of listen, target, "
        ),
        "{unknown}"
    );
    assert_eq!(
        check("\n[[relay]]\nlisten = \"tcp::1\"\ntarget = \"udp:b:1\"\n"),
        "read FILE line 2: relay tcp::1 to udp:b:1: tcp::1 carries bytes, udp:b:1 messages"
    );
    assert_eq!(
        check(&format!("{one}{one}")),
        "read FILE line 4: the relay of FILE line 1 is called /a, too"
    );
    assert_eq!(
        check(&format!("{one}name = \"x\"\n{one}")),
        "read FILE line 5: the relay of FILE line 1 listens on /a, too"
    );
    assert_eq!(
        check(
            "[[relay]]\nlisten = \"-\"\ntarget = \"/b\"\n[[relay]]\nlisten = \"/c\"\ntarget = \"-\"\n"
        ),
        "read FILE line 4: standard input and output belong to the relay of FILE line 1"
    );
}

#[test]
fn a_file_that_is_not_there_is_a_failure() {
    let ended = run(["relay", "--config", "/no/such.toml"]);
    assert_eq!(ended.status, Some(3));
    assert_eq!(
        ended.stderr,
        "sockeye: read /no/such.toml: No such file or directory (os error 2)\n"
    );
}

#[test]
fn the_example_in_packaging_is_right() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/examples/web.toml");
    run(["relay", "--check", "--config", example]).succeeded();
}

#[test]
fn several_relays_run_in_one_process_each_by_its_name() {
    let stage = Stage::new();
    let text = |name: &str| stage.text(name);
    let other = bind(&stage.path("other.sock"));
    let file = stage.write(
        "relays.toml",
        &format!(
            "[process]\ncontrol = \"{}\"\n[[relay]]\nname = \"one\"\nlisten = \"{}\"\ntarget = \"{}\"\n\
             [[relay]]\nname = \"two\"\nlisten = \"{}\"\ntarget = \"{}\"\nmode = 600\n",
            text("relays.ctl"),
            text("in.sock"),
            text("echo.sock"),
            text("in2.sock"),
            text("other.sock")
        ),
    );
    let program = Program::start(sockeye(["relay", "--config"]).arg(file));
    program.says_lines(2, ": ready");
    exchange(&mut stage.connect(), b"one");
    let client = connect(&stage.path("in2.sock"));
    client.shutdown(std::net::Shutdown::Write).unwrap();
    let (mut server, _) = other.accept().unwrap();
    assert_eq!(server.read(&mut [0]).unwrap(), 0);
    program.says(" two #1 ");
    drop((server, client));
    let ended = program.stop().succeeded();
    for name in ["one", "two"] {
        let summary = format!("sockeye: relay {name}: 1 client, 0 refused, 0 failed, ");
        assert!(ended.stderr.contains(&summary), "{ended:?}");
    }
    for name in ["in.sock", "in2.sock", "relays.ctl"] {
        assert!(!stage.path(name).exists(), "{name}");
    }
}

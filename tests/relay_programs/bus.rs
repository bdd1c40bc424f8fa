//! Clients of D-Bus, in three implementations of it: of libdbus, of systemd and of `GLib`.

use std::process::Command;

use rstest::rstest;

use crate::program::Program;
use crate::scenario::Ready;
use crate::server::Running;
use crate::stage::{AS_NOBODY, Stage};

/// A bus that lets everybody in who is who he says.
const CONFIGURATION: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={path}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
"#;

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/relay_programs");

/// The bus at `bus.sock`.
fn server(stage: &Stage) -> Running {
    let path = stage.text("bus.sock");
    stage.write("bus.conf", CONFIGURATION.replace("{path}", &path));
    let file = format!("--config-file={}", stage.text("bus.conf"));
    let run = ["dbus-daemon", "--nofork", "--nopidfile", &file];
    stage.server_when(&run, Ready::Accepts(path))
}

/// One of our Python programs at the bus, by the Python that has the packages of the system.
fn python(stage: &Stage, program: &str, socket: &str) -> Command {
    let path = format!("{SCRIPTS}/{program}");
    // -B: leaves no compiled files beside it.
    stage.command(&["/usr/bin/python3", "-B", &path, socket])
}

/// The service is a client of the bus, too: both it and who calls it can be behind the relay.
#[rstest]
#[case::of_the_caller("bus.sock", "in.sock")]
#[case::of_the_service("in.sock", "bus.sock")]
#[case::of_both("in.sock", "in.sock")]
fn a_method_takes_and_gives_descriptors(#[case] service_at: &str, #[case] caller_at: &str) {
    let stage = Stage::new();
    let _server = server(&stage);
    let relay = stage.relay(&["./in.sock", "./bus.sock"]);
    let service = Program::start(&mut python(&stage, "bus_service.py", service_at));
    service.prints("serving\n");
    let caller = Program::start(&mut python(&stage, "bus_caller.py", caller_at));
    assert_eq!(
        caller.end().succeeded().text(),
        "through mine: a word for you\nthrough theirs: 3000000 bytes\n"
    );
    service.end().succeeded();
    relay.stop_without_failure();
}

#[test]
fn clients_without_descriptors_get_their_answers() {
    let stage = Stage::new();
    let _server = server(&stage);
    let relay = stage.relay(&["./in.sock", "./bus.sock"]);
    let address = "unix:path=./in.sock";
    let bus = "org.freedesktop.DBus";
    let names = stage.run(&[
        "busctl",
        &format!("--address={address}"),
        "call",
        bus,
        "/org/freedesktop/DBus",
        bus,
        "ListNames",
    ]);
    assert!(names.contains(r#""org.freedesktop.DBus""#), "{names}");
    let names = stage.run(&[
        "dbus-send",
        &format!("--bus={address}"),
        "--print-reply",
        "--dest=org.freedesktop.DBus",
        "/org/freedesktop/DBus",
        "org.freedesktop.DBus.ListNames",
    ]);
    assert!(
        names.contains(r#"string "org.freedesktop.DBus""#),
        "{names}"
    );
    relay.stop_without_failure();
}

/// The bus compares whom a client says to be with what the kernel says of the other end.
#[test]
#[ignore = "needs root"]
fn a_client_of_another_user_is_that_user_with_its_own_credentials() {
    let stage = Stage::for_all();
    let _server = server(&stage);
    let options = ["--mode", "666", "--credentials", "client"];
    let ends = ["./in.sock", "./bus.sock"];
    let relay = stage.relay(&[&options[..], &ends].concat());
    let path = stage.text("in.sock");
    let address = format!("--bus=unix:path={path}");
    let send = ["dbus-send", &address, "--print-reply", "--type=method_call"];
    let who = [
        "--dest=org.freedesktop.DBus",
        "/org/freedesktop/DBus",
        "org.freedesktop.DBus.GetConnectionUnixUser",
        "string:org.example.Sockeye",
    ];
    // Who runs the tests may have them where nobody else can read.
    for file in ["bus_connection.py", "bus_name.py"] {
        std::fs::copy(format!("{SCRIPTS}/{file}"), stage.path(file)).unwrap();
    }
    let script = stage.text("bus_name.py");
    let words = ["/usr/bin/python3", "-B", &script, &path];
    let named = stage.start_with_input(&[&AS_NOBODY[..], &words].concat());
    named.prints("named\n");
    let answer = stage.run(&[&send[..], &who].concat());
    assert!(answer.contains("uint32 65534"), "{answer}");
    drop(named);
    relay.stop_without_failure();
}

#[test]
#[ignore = "needs root"]
fn a_client_of_another_user_is_not_believed_with_those_of_the_relay() {
    let stage = Stage::for_all();
    let _server = server(&stage);
    let relay = stage.relay(&["--mode", "666", "./in.sock", "./bus.sock"]);
    let address = format!("--bus=unix:path={}", stage.text("in.sock"));
    let send = [
        "dbus-send",
        &address,
        "--print-reply",
        "--dest=org.freedesktop.DBus",
        "/org/freedesktop/DBus",
        "org.freedesktop.DBus.ListNames",
    ];
    let ended = stage.start(&[&AS_NOBODY[..], &send].concat()).end();
    assert_eq!(ended.status, Some(1), "{ended:?}");
    relay.stop();
}

//! As a service: signals, word for the service manager, sockets from it, the unit.

use std::io::Read as _;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::program::{Program, sockeye};
use crate::stage::{Stage, Unheard, connect, exchange};

#[test]
fn sigterm_lets_a_client_finish_and_nobody_else_in() {
    let stage = Stage::new();
    let program = stage.serve([""; 0]);
    let mut client = stage.connect();
    exchange(&mut client, b"before");
    program.signal(Signal::TERM);
    program.says("no more clients are accepted, 1 connection may finish");
    assert!(!stage.path("in.sock").exists());
    exchange(&mut client, b"after");
    client.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    let ended = program.end().succeeded();
    assert!(ended.stderr.contains("down: complete\n"), "{ended:?}");
}

#[test]
fn a_second_signal_and_the_end_of_the_time_cut_who_does_not_finish() {
    let stage = Stage::new();
    let program = stage.serve([""; 0]);
    let mut client = stage.connect();
    exchange(&mut client, b"before");
    program.signal(Signal::INT);
    program.says("no more clients are accepted");
    program.signal(Signal::INT);
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    program.end().succeeded();

    let program = stage.serve(["--drain", "50ms"]);
    let mut client = stage.connect();
    exchange(&mut client, b"before");
    program.signal(Signal::TERM);
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    let ended = program.end().succeeded();
    assert!(
        ended.stderr.contains("down: the relay stopped\n"),
        "{ended:?}"
    );
}

#[test]
fn the_service_manager_is_told_of_start_reload_and_end() {
    let stage = Stage::new();
    let manager = UnixDatagram::bind(stage.path("notify")).unwrap();
    manager
        .set_read_timeout(Some(std::time::Duration::from_mins(1)))
        .unwrap();
    let hear = || {
        let mut buffer = [0; 256];
        let length = manager.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    let mut command = stage.relay([stage.path("in.sock"), stage.path("echo.sock")]);
    let program = Program::start(command.env("NOTIFY_SOCKET", stage.path("notify")));
    assert_eq!(hear(), "READY=1\nSTATUS=serving 1 relay");
    exchange(&mut stage.connect(), b"ready means that it serves");
    program.signal(Signal::HUP);
    let reloading = hear();
    assert!(
        reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="),
        "{reloading}"
    );
    assert_eq!(hear(), "READY=1\nSTATUS=serving 1 relay");
    program.says("certificates are read again");
    program.signal(Signal::TERM);
    let stopping = hear();
    assert!(
        stopping.starts_with("STOPPING=1\nSTATUS=clients may finish, for "),
        "{stopping}"
    );
    program.end().succeeded();
}

#[test]
fn the_socket_of_the_service_manager_is_served_and_left() {
    let stage = Stage::new();
    let input = stage.path("in.sock");
    let mut command = Command::new("systemd-socket-activate");
    command
        .arg(format!("--listen={}", input.display()))
        .arg("--fdname=web")
        .arg(env!("CARGO_BIN_EXE_sockeye"))
        .args(["relay", "activation:web"])
        .arg(stage.path("echo.sock"))
        .arg("--control")
        .arg(stage.path("relay.ctl"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let program = Program::start(&mut command);
    program.says("Listening on ");
    // The first client starts it.
    let mut client = connect(&input);
    exchange(&mut client, b"hello");
    drop(client);
    program.says(" ended ");
    program.stop().succeeded();
    assert!(input.exists(), "the file belongs to the service manager");
}

/// The unit as it would be for one file, with a program that is there.
fn unit(stage: &Stage) -> std::path::PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/systemd");
    let template = std::fs::read_to_string(format!("{folder}/sockeye-relay@.service")).unwrap();
    let socket = std::fs::read_to_string(format!("{folder}/sockeye-relay-example.socket")).unwrap();
    stage.write("sockeye-relay-web.socket", &socket);
    let program = env!("CARGO_BIN_EXE_sockeye");
    stage.write(
        "sockeye-relay@web.service",
        &template.replace("/usr/bin/sockeye", program),
    )
}

#[test]
fn the_units_are_ones_that_systemd_understands() {
    let stage = Stage::new();
    let unit = unit(&stage);
    let output = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .arg(&unit)
        .arg(stage.path("sockeye-relay-web.socket"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let own: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("sockeye"))
        .collect();
    assert!(own.is_empty(), "{said}");
    assert!(output.status.success(), "{said}");
}

#[test]
fn the_unit_leaves_little_exposed() {
    let stage = Stage::new();
    let output = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager", "--threshold=30"])
        .arg(unit(&stage))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("Overall exposure level"), "{output:?}");
    assert!(output.status.success(), "more than 3.0: {said}");
}

#[test]
fn a_pipe_that_is_closed_is_no_reason_to_stop() {
    let stage = Stage::new();
    let mut command = sockeye(["relay", "--control"]);
    command
        .arg(stage.path("relay.ctl"))
        .args([stage.path("in.sock"), stage.path("echo.sock")]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let relay = Unheard::start(&mut command, writer);
    drop(stage.connect_when_ready());
    exchange(&mut stage.connect(), b"hello");
    relay.stop_successfully();
}

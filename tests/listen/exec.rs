use std::io::{Read as _, Write as _};
use std::path::Path;

use rustix::process::{Pid, test_kill_process};

use crate::program::{Place, Program, run, run_with};
use crate::stranger::connect;

#[test]
fn a_command_talks_to_its_client() {
    let place = Place::new();
    let server = Program::serve(["listen", "--exec", "tr a-z A-Z", &place.address(false)]);
    for text in ["one", "two"] {
        let answer = run_with(["connect", &place.address(false)], text.as_bytes()).succeeded();
        assert_eq!(answer.text(), text.to_uppercase());
    }
    server.stop().succeeded();
}

#[test]
fn the_command_is_told_who_its_client_is() {
    let place = Place::new();
    let server = Program::serve([
        "listen",
        "--exec",
        "env | grep ^SOCKEYE_ | sort",
        &place.address(false),
    ]);
    let mut told = String::new();
    connect(&place.path()).read_to_string(&mut told).unwrap();
    let value = |name: &str| {
        let line = told
            .lines()
            .find_map(|line| line.strip_prefix(&format!("SOCKEYE_{name}=")));
        line.unwrap_or_else(|| panic!("no {name} in {told}"))
            .to_owned()
    };
    assert_eq!(value("ADDRESS"), place.address(false));
    assert_eq!(value("KIND"), "stream");
    assert_eq!(value("CLIENT"), "1");
    assert_eq!(value("PEER_PID"), std::process::id().to_string());
    assert_eq!(
        value("PEER_UID"),
        rustix::process::geteuid().as_raw().to_string()
    );
    assert_eq!(
        value("PEER_GID"),
        rustix::process::getegid().as_raw().to_string()
    );
    let name = std::fs::read_to_string("/proc/self/comm").unwrap();
    assert_eq!(value("PEER_NAME"), name.trim_end());
    if rustix::process::geteuid().is_root() {
        assert_eq!(value("PEER_USER"), "root");
    }
    server.stop().succeeded();
}

#[test]
fn commands_and_what_they_started_end_with_the_server() {
    let place = Place::new();
    let script = "trap '' TERM; sleep 1000 & echo $$ $!; cat";
    let server = Program::serve(["listen", "--exec", script, &place.address(false)]);
    let mut client = connect(&place.path());
    let mut pids = String::new();
    while !pids.ends_with('\n') {
        let mut byte = [0; 1];
        client.read_exact(&mut byte).unwrap();
        pids.push(char::from(byte[0]));
    }
    server.stop().succeeded();
    assert!(place.is_empty());
    for pid in pids.split_whitespace() {
        let is_gone = || {
            let pid = Pid::from_raw(pid.parse().unwrap()).unwrap();
            // An orphan that is dead may wait for init to notice.
            let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            test_kill_process(pid).is_err() || state.contains(") Z ")
        };
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while !is_gone() {
            assert!(std::time::Instant::now() < deadline, "{pid} still runs");
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_client_that_leaves_is_told_with_the_status_of_its_command() {
    let place = Place::new();
    let server = Program::serve(["listen", "--exec", "exit 7", &place.address(false)]);
    drop(connect(&place.path()));
    server.says("left: exit status: 7");
    server.stop().succeeded();
}

#[test]
fn with_once_a_command_that_fails_is_a_failure() {
    let place = Place::new();
    for (script, status) in [("exit 0", 0), ("exit 7", 3)] {
        let server = Program::serve(["listen", "--once", "--exec", script, &place.address(false)]);
        drop(connect(&place.path()));
        assert_eq!(server.end().status, Some(status));
    }
}

#[test]
fn the_server_holds_no_end_of_the_connection() {
    let place = Place::new();
    let server = Program::serve(["listen", "--exec", "echo bye", &place.address(false)]);
    let mut client = connect(&place.path());
    let mut answer = String::new();
    // Ends only when nobody holds the other end.
    client.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "bye\n");
    server.stop().succeeded();
}

#[test]
fn commands_count_as_clients() {
    let place = Place::new();
    let server = Program::serve([
        "listen",
        "--max-clients",
        "1",
        "--exec",
        "cat",
        &place.address(false),
    ]);
    let first = connect(&place.path());
    server.says("connected");
    let mut second = connect(&place.path());
    second.write_all(b"x").unwrap();
    drop(first);
    second.read_exact(&mut [0; 1]).unwrap();
    server.says_lines(2, "connected");
    server.stop().succeeded();
}

#[test]
fn the_documents_name_every_variable() {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/listen-exec.md"))
            .unwrap();
    for name in [
        "ADDRESS",
        "KIND",
        "CLIENT",
        "PEER_PID",
        "PEER_UID",
        "PEER_GID",
        "PEER_USER",
        "PEER_NAME",
    ] {
        assert!(text.contains(&format!("SOCKEYE_{name}`")), "SOCKEYE_{name}");
    }
}

#[test]
fn echo_and_exec_exclude_each_other() {
    assert_eq!(
        run(["listen", "--echo", "--exec", "cat", "/tmp/never-made"]).status,
        Some(2)
    );
}

//! Commands as ends.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use rstest::rstest;
use rustix::net::{Shutdown, shutdown};
use rustix::process::Rlimit;
use sockeye_address::kinds::exec::CommandLine;
use sockeye_address::{Address, Kind, Name};
use sockeye_relay::event::Client;
use sockeye_relay::exec::{Commands, Situation};
use sockeye_socket::{Connection, Life};

fn command(line: &str) -> CommandLine {
    match format!("exec:{line}").parse().unwrap() {
        Address::Exec(command) => command,
        other => unreachable!("{other}"),
    }
}

fn read_all(end: OwnedFd) -> String {
    let mut text = String::new();
    File::from(end).read_to_string(&mut text).unwrap();
    text
}

fn processes() -> usize {
    let children = format!("/proc/{}/task", std::process::id());
    std::fs::read_dir(children)
        .unwrap()
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok())
        .map(|children| children.split_whitespace().count())
        .sum()
}

#[tokio::test]
async fn a_command_answers_after_its_input_has_ended() {
    let commands = Commands::default();
    let (end, exit) = commands
        .start(&command("sort; exit 3"), Situation::default())
        .unwrap();
    let mut end = File::from(end);
    end.write_all(b"b\na\n").unwrap();
    shutdown(&end, Shutdown::Write).unwrap();
    assert_eq!(read_all(end.into()), "a\nb\n");
    assert_eq!(exit.status().await.unwrap().code(), Some(3));
}

#[rstest]
#[case("echo $SOCKEYE_ADDRESS", "/run/a.sock")]
#[case("echo $SOCKEYE_KIND", "stream")]
#[case("echo $SOCKEYE_CLIENT", "5")]
#[case("echo $SOCKEYE_PEER_PID", &std::process::id().to_string())]
#[case("echo $SOCKEYE_PEER_UID", &rustix::process::geteuid().as_raw().to_string())]
#[case("echo $SOCKEYE_PEER_GID", &rustix::process::getegid().as_raw().to_string())]
#[case("test -n \"$SOCKEYE_PEER_NAME\"; echo $?", "0")]
#[case("echo ${SOCKEYE_PEER_ADDRESS-none}", "none")]
#[case("ulimit -n", "77")]
fn a_command_is_told_of_its_client(#[case] line: &str, #[case] told: &str) {
    let (_near, far) = Connection::pair(Kind::Stream, &Life::default()).unwrap();
    let client = Client::Unix {
        name: Name::Unnamed,
        credentials: far.credentials().ok(),
    };
    let address = "unix:/run/a.sock".parse().unwrap();
    let situation = Situation {
        address: Some(&address),
        kind: Some(Kind::Stream),
        number: Some(5),
        client: Some(&client),
    };
    let limit = Rlimit {
        current: Some(77),
        maximum: Some(77),
    };
    // The limit is set after the start, as it is for `sockeye listen --exec`.
    let line = format!("read -r go; {line}");
    let commands = Commands::default().with_open_files(limit);
    let (end, _exit) = commands.start(&command(&line), situation).unwrap();
    let mut end = File::from(end);
    end.write_all(b"go\n").unwrap();
    assert_eq!(read_all(end.into()).trim_end(), told);
}

#[test]
fn a_client_from_the_network_is_told_by_its_address() {
    let client = Client::Network("127.0.0.1:4711".parse().unwrap());
    let situation = Situation {
        client: Some(&client),
        ..Situation::default()
    };
    let line = "echo ${SOCKEYE_PEER_PID-none} $SOCKEYE_PEER_ADDRESS";
    let commands = Commands::default();
    let (end, _exit) = commands.start(&command(line), situation).unwrap();
    assert_eq!(read_all(end), "none 127.0.0.1:4711\n");
}

#[tokio::test]
async fn a_command_that_does_not_exist_ends_with_127() {
    let commands = Commands::default();
    let line = command("exec /nonexistent/program 2>/dev/null");
    let (end, exit) = commands.start(&line, Situation::default()).unwrap();
    assert_eq!(read_all(end), "");
    assert_eq!(exit.status().await.unwrap().code(), Some(127));
}

#[tokio::test]
async fn a_command_may_finish_after_its_client_has_left() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("all");
    let line = command(&format!("cat >{}.part; mv {0}.part {0}", file.display()));
    let commands = Commands::default();
    let (end, exit) = commands.start(&line, Situation::default()).unwrap();
    File::from(end).write_all(b"everything").unwrap();
    assert!(exit.status().await.unwrap().success());
    assert_eq!(std::fs::read(&file).unwrap(), b"everything");
}

#[tokio::test]
async fn the_end_of_the_relay_ends_commands_and_what_they_started() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    // One ends when it is asked to, one does not, and has started another one.
    let polite = format!(
        "trap 'echo >{}; exit 0' TERM; echo >{}; while :; do read -r x || sleep 0.01; done",
        at("asked").display(),
        at("polite").display()
    );
    let stubborn = format!(
        "trap '' TERM; tail -f /dev/null & echo >{}; wait",
        at("stubborn").display()
    );
    let commands = Commands::default();
    let (first, polite) = commands
        .start(&command(&polite), Situation::default())
        .unwrap();
    let (second, stubborn) = commands
        .start(&command(&stubborn), Situation::default())
        .unwrap();
    for name in ["polite", "stubborn"] {
        until_exists(&at(name)).await;
    }
    commands.end().await;
    assert!(at("asked").exists());
    assert!(polite.status().await.unwrap().success());
    assert_eq!(stubborn.status().await.unwrap().code(), None);
    // Nobody has the other end any more, not even what was started.
    assert_eq!(read_all(first) + &read_all(second), "");
}

async fn until_exists(path: &Path) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !path.exists() {
        assert!(Instant::now() < deadline, "{} is not made", path.display());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[test]
fn no_command_is_left_unreaped_whether_its_end_is_waited_for_or_not() {
    // In a process of its own, for other tests have children, too.
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_process_with_many_commands", "--ignored"])
        .stdout(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
}

#[tokio::test]
#[ignore = "it is a part of another test, which runs it in a process of its own"]
async fn a_process_with_many_commands() {
    let commands = Commands::default();
    for number in 0..30 {
        let (end, exit) = commands
            .start(&command("cat"), Situation::default())
            .unwrap();
        drop(end);
        if number % 2 == 0 {
            exit.status().await;
        }
    }
    commands.end().await;
    assert_eq!(processes(), 0);
}

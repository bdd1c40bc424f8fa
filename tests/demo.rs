//! `sockeye demo`: the first minute.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rstest::rstest;
use rustix::process::{Pid, Signal, kill_process};

fn demo_in(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sockeye"));
    command
        .arg("demo")
        .env("TMPDIR", folder)
        .env_remove("COLORTERM");
    command
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

#[test]
fn the_demo_shows_everything_within_twenty_seconds_and_cleans_up() {
    let folder = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let output = demo_in(folder.path()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "took {:?}",
        start.elapsed()
    );
    assert!(is_empty(folder.path()), "something is left in its folder");

    let text = String::from_utf8(output.stdout).unwrap();
    for shown in [
        "$ sockeye listen ./hello.sock --echo --once --explain &", // each command can be typed by hand
        "accept4(",                                                // the life of a socket
        "stream.sock     stream     listening",                    // the map
        "seqpacket.sock  →",                                       // a connection
        "there and back\n",                                        // a message there and back
        "is stale",                                                // the doctor
        "Unix datagram  ",                                         // the comparison
        "TCP loopback",
        "█",
    ] {
        assert!(text.contains(shown), "{shown:?} is not in:\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "colours in a pipe");
}

#[rstest]
#[case(Signal::INT, 130)]
#[case(Signal::TERM, 143)]
#[case(Signal::HUP, 129)]
fn an_interrupted_demo_leaves_nothing_behind(#[case] signal: Signal, #[case] status: i32) {
    let folder = tempfile::tempdir().unwrap();
    let mut child = demo_in(folder.path())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // The first line is printed when the folder is there and the first service is about to start.
    let mut stdout = std::io::BufReader::new(child.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut stdout, &mut String::new()).unwrap();
    kill_process(Pid::from_child(&child), signal).unwrap();
    std::io::Read::read_to_end(&mut stdout, &mut Vec::new()).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(status));
    assert!(is_empty(folder.path()), "something is left in its folder");
}

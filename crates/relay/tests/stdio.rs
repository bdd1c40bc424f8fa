//! Standard input and output as an end.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio as Redirected};

use rustix::net::{Shutdown, shutdown};
use sockeye_relay::stdio::Stdio;
use sockeye_socket::{Connection, Kind, Life};

/// More than any queue on the way holds.
const MUCH_BYTES: usize = 3_000_000;

fn much() -> Vec<u8> {
    (0..MUCH_BYTES)
        .map(|index| u8::try_from(index % 253).unwrap())
        .collect()
}

fn read_all(mut from: impl io::Read) -> Vec<u8> {
    let mut all = Vec::new();
    from.read_to_end(&mut all).unwrap();
    all
}

#[tokio::test]
async fn files_are_moved_whole() {
    let mut input = tempfile::tempfile().unwrap();
    input.write_all(&much()).unwrap();
    input.rewind().unwrap();
    let output = tempfile::tempfile().unwrap();
    let mut shown = output.try_clone().unwrap();
    let (end, stdio) = Stdio::between(input.into(), output.into()).unwrap();
    let mut end = File::from(end);
    let all = read_all(&end);
    assert!(all == much());
    end.write_all(&all).unwrap();
    drop(end);
    assert_eq!(stdio.written().await.unwrap(), MUCH_BYTES as u64);
    shown.rewind().unwrap();
    assert!(read_all(shown) == much());
}

#[tokio::test]
async fn an_input_that_has_ended_leaves_the_output_open() {
    let (input, typed) = io::pipe().unwrap();
    let (shown, output) = io::pipe().unwrap();
    let (end, stdio) = Stdio::between(input.into(), output.into()).unwrap();
    drop(typed);
    let mut end = File::from(end);
    assert_eq!(read_all(&end), b"");
    end.write_all(b"late").unwrap();
    drop(end);
    assert_eq!(read_all(shown), b"late");
    assert_eq!(stdio.written().await.unwrap(), 4);
}

#[tokio::test]
async fn an_output_that_has_ended_leaves_the_input_open() {
    let (input, mut typed) = io::pipe().unwrap();
    let (shown, output) = io::pipe().unwrap();
    let (end, stdio) = Stdio::between(input.into(), output.into()).unwrap();
    shutdown(&end, Shutdown::Write).unwrap();
    assert_eq!(read_all(shown), b"");
    assert_eq!(stdio.written().await.unwrap(), 0);
    typed.write_all(b"late").unwrap();
    drop(typed);
    assert_eq!(read_all(File::from(end)), b"late");
}

#[tokio::test]
async fn one_socket_as_both_keeps_its_half_closes() {
    let (near, far) = Connection::pair(Kind::Stream, &Life::default()).unwrap();
    let (near, far) = (near.into_fd(), File::from(far.into_fd()));
    let (end, stdio) = Stdio::between(near.try_clone().unwrap(), near).unwrap();
    shutdown(&end, Shutdown::Write).unwrap();
    assert_eq!(read_all(&far), b"");
    assert_eq!(stdio.written().await.unwrap(), 0);
    (&far).write_all(b"late").unwrap();
    drop(far);
    assert_eq!(read_all(File::from(end)), b"late");
}

#[tokio::test]
async fn a_reader_that_has_gone_is_told_to_the_relay() {
    let (input, _typed) = io::pipe().unwrap();
    let (shown, output) = io::pipe().unwrap();
    let (end, stdio) = Stdio::between(input.into(), output.into()).unwrap();
    drop(shown);
    let mut end = File::from(end);
    end.write_all(b"x").unwrap();
    let error = stdio.written().await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    let error = end.write_all(b"x").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}

#[tokio::test]
async fn an_input_nobody_reads_is_closed_when_the_relay_closes_its_end() {
    let (input, mut typed) = io::pipe().unwrap();
    let (_shown, output) = io::pipe().unwrap();
    let (end, _stdio) = Stdio::between(input.into(), output.into()).unwrap();
    drop(end);
    // The pipe takes some until the thread has seen it.
    let error = loop {
        if let Err(error) = typed.write_all(&[0; 4096]) {
            break error;
        }
    };
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}

#[tokio::test]
async fn a_descriptor_that_somebody_made_non_blocking_is_waited_for() {
    let (input, mut typed) = io::pipe().unwrap();
    let (shown, output) = io::pipe().unwrap();
    let (input, output) = (OwnedFd::from(input), OwnedFd::from(output));
    for fd in [&input, &output] {
        rustix::io::ioctl_fionbio(fd, true).unwrap();
    }
    let (end, stdio) = Stdio::between(input, output).unwrap();
    let mut end = File::from(end);
    let writer = std::thread::spawn(move || {
        end.write_all(&much()).unwrap();
        end
    });
    assert!(
        read_all(shown.take(MUCH_BYTES as u64)) == much(),
        "what was written differs"
    );
    let end = writer.join().unwrap();
    typed.write_all(b"typed").unwrap();
    drop(typed);
    shutdown(&end, Shutdown::Write).unwrap();
    assert_eq!(read_all(&end), b"typed");
    assert_eq!(stdio.written().await.unwrap(), MUCH_BYTES as u64);
}

/// Copies its standard input to its standard output, and lives on.
#[tokio::test]
#[ignore = "it is a part of another test, which runs it in a process of its own"]
async fn a_process_that_copies_and_lives_on() {
    let Some(path) = std::env::var_os("SOCKEYE_TEST_LIVE_UNTIL") else {
        return;
    };
    let (end, stdio) = Stdio::of_process().unwrap();
    let mut end = File::from(end);
    let all = read_all(&end);
    end.write_all(&all).unwrap();
    drop(end);
    stdio.written().await.unwrap();
    // Until the parent has seen the end of the output, and says so.
    let name = sockeye_socket::Name::Path(path.into());
    let connection = Connection::connect(&name, None, &Life::default()).unwrap();
    connection.receive(&mut [0]).unwrap();
}

#[test]
fn a_process_ends_its_output_while_it_lives() {
    let folder = tempfile::tempdir().unwrap();
    let name = sockeye_socket::Name::Path(folder.path().join("socket"));
    let options = sockeye_socket::BindOptions::new();
    let listener = sockeye_socket::Listener::bind(&name, Kind::Stream, &options).unwrap();
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_process_that_copies_and_lives_on", "--ignored"])
        .arg("--nocapture")
        .env("SOCKEYE_TEST_LIVE_UNTIL", folder.path().join("socket"))
        .stdin(Redirected::piped())
        .stdout(Redirected::piped())
        .spawn()
        .unwrap();
    process.stdin.take().unwrap().write_all(b"hello").unwrap();
    let shown = read_all(process.stdout.take().unwrap());
    assert!(shown.ends_with(b"hello"), "{}", shown.escape_ascii());
    assert!(process.try_wait().unwrap().is_none());
    drop(listener.accept().unwrap());
    assert!(process.wait().unwrap().success());
}

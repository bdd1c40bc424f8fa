//! The programs of `examples/`, each against each, and against `sockeye listen` and `sockeye recv`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops where it cannot go on; clippy knows this only of the test functions themselves"
)]

#[path = "examples/build.rs"]
mod build; // compiles every example once, in a folder that goes when the tests end
#[path = "examples/serve.rs"]
mod serve; // starts a server, waits until it is ready, stops it

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use build::Language::{self, C, D, Haskell, Java, Python, Rust};
use build::Program;
use rstest::rstest;
use serve::{Receiver, Server};

/// Not ASCII, so that a program which recodes what it is given is found out.
const TEXT: &str = "h\u{e9}llo \u{2713}";

const NO_TIMEOUT: &str = "timeout(1) comes with coreutils";

fn run(language: Language, program: Program, address: &str, text: &str) -> Output {
    let mut command = build::limited_command(language, program);
    command.args([address, text]).stdin(Stdio::null());
    command.output().expect(NO_TIMEOUT)
}

/// What the program itself said: Java announces its incubator modules on standard error.
fn complaint(output: &Output) -> String {
    let all = String::from_utf8_lossy(&output.stderr);
    all.lines()
        .filter(|line| !line.ends_with("Using incubator modules: jdk.incubator.foreign"))
        .fold(String::new(), |kept, line| kept + line + "\n")
}

#[track_caller]
fn assert_success(output: &Output, printed: &str) {
    assert_eq!(complaint(output), "");
    assert_eq!(String::from_utf8_lossy(&output.stdout), printed);
    assert_eq!(output.status.code(), Some(0));
}

#[track_caller]
fn assert_failure(output: &Output, begins: &str, cause: &str) {
    let complaint = complaint(output);
    assert_eq!(complaint.lines().count(), 1, "not one line: {complaint}");
    assert!(complaint.starts_with(begins), "{complaint}");
    assert!(complaint.contains(cause), "{complaint}");
    assert_eq!(output.status.code(), Some(1));
}

fn path_in(folder: &tempfile::TempDir) -> String {
    let path = folder.path().join("socket");
    path.to_str().expect("a UTF-8 temporary folder").to_owned()
}

/// Abstract names are shared by the whole network namespace, so each test takes its own.
fn abstract_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("@sockeye-examples-{}-{count}", std::process::id())
}

#[rstest]
fn every_stream_client_gets_its_line_back_from_every_echo_server(
    #[values(C, Python, D, Java, Haskell, Rust)] client: Language,
    #[values(Server::C, Server::Python, Server::Sockeye)] server: Server,
) {
    let folder = tempfile::tempdir().unwrap();
    let path = path_in(&folder);
    let mut running = server.start(&path);
    for _ in 0..2 {
        let output = run(client, Program::StreamClient, &path, TEXT);
        assert_success(&output, &format!("{TEXT}\n"));
    }
    running.stop();
    assert!(!Path::new(&path).exists(), "the file was left behind");
}

#[rstest]
fn every_datagram_sender_reaches_every_receiver(
    #[values(C, Python, D, Java, Haskell, Rust)] sender: Language,
    #[values(Receiver::C, Receiver::Python, Receiver::Sockeye)] receiver: Receiver,
) {
    let folder = tempfile::tempdir().unwrap();
    let path = path_in(&folder);
    let mut running = receiver.start(&path);
    assert_success(&run(sender, Program::DgramSender, &path, TEXT), "");
    assert_eq!(running.message(), TEXT);
    assert!(!Path::new(&path).exists(), "the file was left behind");
}

#[rstest]
fn a_stream_client_reaches_an_abstract_name(
    #[values(C, Python, D, Haskell, Rust)] client: Language,
    #[values(Server::C, Server::Python, Server::Sockeye)] server: Server,
) {
    let name = abstract_name();
    let mut running = server.start(&name);
    let output = run(client, Program::StreamClient, &name, TEXT);
    assert_success(&output, &format!("{TEXT}\n"));
    running.stop();
}

#[rstest]
fn a_datagram_sender_reaches_an_abstract_name(
    #[values(C, Python, D, Java, Haskell, Rust)] sender: Language,
    #[values(Receiver::C, Receiver::Python, Receiver::Sockeye)] receiver: Receiver,
) {
    let name = abstract_name();
    let mut running = receiver.start(&name);
    assert_success(&run(sender, Program::DgramSender, &name, TEXT), "");
    assert_eq!(running.message(), TEXT);
}

#[rstest]
fn a_stream_client_receives_more_than_one_read_holds(
    #[values(C, Python, D, Java, Haskell, Rust)] client: Language,
) {
    let folder = tempfile::tempdir().unwrap();
    let path = path_in(&folder);
    let mut running = Server::C.start(&path);
    let text: String = ('a'..='z').cycle().take(100_000).collect();
    let output = run(client, Program::StreamClient, &path, &text);
    assert_success(&output, &format!("{text}\n"));
    running.stop();
}

#[rstest]
fn a_stream_client_reports_that_it_could_not_print_the_answer(
    #[values(C, Python, D, Java, Haskell, Rust)] client: Language,
) {
    let folder = tempfile::tempdir().unwrap();
    let path = path_in(&folder);
    let mut running = Server::C.start(&path);
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let mut command = build::limited_command(client, Program::StreamClient);
    let output = command
        .args([&path, TEXT])
        .stdin(Stdio::null())
        .stdout(full)
        .stderr(Stdio::piped())
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .expect(NO_TIMEOUT);
    let begins = format!("stream_client: copy the answer of {path}: ");
    assert_failure(&output, &begins, "No space left on device");
    running.stop();
}

#[rstest]
fn a_failure_is_one_line_with_the_operation_the_path_and_the_cause(
    #[values(C, Python, D, Java, Haskell, Rust)] language: Language,
    #[values(
        (Program::StreamClient, "stream_client: connect"),
        (Program::DgramSender, "dgram_sender: send to")
    )]
    program: (Program, &str),
) {
    let (program, operation) = program;
    let folder = tempfile::tempdir().unwrap();
    let path = path_in(&folder);

    let missing = run(language, program, &path, TEXT);
    let begins = format!("{operation} {path}: ");
    assert_failure(&missing, &begins, "No such file or directory");

    drop(UnixDatagram::bind(&path).unwrap()); // the file stays: stale
    let stale = run(language, program, &path, TEXT);
    assert_failure(&stale, &begins, "Connection refused");

    let long = format!("/{}", "n".repeat(108));
    let too_long = run(language, program, &long, TEXT);
    assert_failure(&too_long, &format!("{operation} {long}: "), "");
}

#[rstest]
fn a_server_refuses_a_path_that_is_taken_and_leaves_the_file(
    #[values(
        (C, Program::EchoServer),
        (Python, Program::EchoServer),
        (C, Program::DgramReceiver),
        (Python, Program::DgramReceiver)
    )]
    server: (Language, Program),
) {
    let (language, program) = server;
    let folder = tempfile::tempdir().unwrap();
    let path = path_in(&folder);
    drop(UnixDatagram::bind(&path).unwrap());
    let output = build::limited_command(language, program)
        .arg(&path)
        .output()
        .expect(NO_TIMEOUT);
    let begins = format!("{}: bind {path}: ", program.name());
    assert_failure(&output, &begins, "Address already in use");
    assert!(Path::new(&path).exists(), "someone else's file was removed");
}

use std::io::Write as _;
use std::process::{Command, Stdio};

use rstest::rstest;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};
use rustix::process::{Signal, kill_process};

use crate::program::{Place, Program, sockeye};
use crate::terminal::terminal;

#[rstest]
#[case("--stream", SocketType::STREAM)]
#[case("--seqpacket", SocketType::SEQPACKET)]
fn the_last_words_of_a_client_that_reads_nothing_are_printed(
    #[case] kind: &str,
    #[case] socket_type: SocketType,
    #[values(1, 2000)] lines: usize,
) {
    let place = Place::new();
    let mut command = sockeye(["listen", kind, &place.address(false)]);
    let mut server = Program::serve_command(command.stdin(Stdio::piped()));
    let client = rustix::net::socket(AddressFamily::UNIX, socket_type, None).unwrap();
    rustix::net::connect(&client, &SocketAddrUnix::new(place.path()).unwrap()).unwrap();
    server.says("connected\n");
    // Few lines wait in the client's queue, many in the server's own too.
    let mut input = server.stdin();
    let typed = std::thread::spawn(move || {
        // The server may have ended before it has read all.
        let _ = input.write_all(&b"x\n".repeat(1000 * lines));
    });
    let mut watched = [rustix::event::PollFd::new(
        &client,
        rustix::event::PollFlags::IN,
    )];
    rustix::event::poll(&mut watched, None).unwrap();
    rustix::io::write(&client, b"last words\n").unwrap();
    drop(client);
    server.says("] left");
    assert!(server.stop().succeeded().text().ends_with(": last words\n"));
    typed.join().unwrap();
}

/// Waits until every thread of a process sleeps, or the process was stopped.
fn settles(pid: &str) {
    let at_rest = || {
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
        let states: Vec<_> = tasks
            .map(|task| std::fs::read_to_string(task.unwrap().path().join("stat")).unwrap())
            .map(|stat| stat[stat.rfind(')').unwrap() + 2..].starts_with(['S', 'T']))
            .collect();
        states.len() > 1 && states.iter().all(|rests| *rests)
    };
    while !at_rest() {
        std::thread::yield_now();
    }
}

#[test]
fn in_the_background_of_a_terminal_it_goes_on_serving() {
    let place = Place::new();
    let (mut person, end) = terminal();
    // A session of its own, with the terminal to rule it, and a shell that puts jobs into the background.
    let script = "\"$0\" listen \"$1\" & echo \"job $! is started\"; wait";
    let mut shell = Command::new("setsid");
    shell
        .args(["--ctty", "--wait", "sh", "-m", "-c", script])
        .args([env!("CARGO_BIN_EXE_sockeye"), &place.address(false)])
        .stdin(end.try_clone().unwrap())
        .stdout(end.try_clone().unwrap())
        .stderr(end);
    let shell = Program::start(&mut shell);
    person.sees("listening on ", 1);
    person.sees(" is started", 1);
    let (_, job) = person.seen.split_once("job ").unwrap();
    let job = job.split(' ').next().unwrap().to_owned();
    person.types(b"not for the background\n");
    settles(&job);
    let mut client = crate::stranger::connect(&place.path());
    client.write_all(b"still served\n").unwrap();
    drop(client);
    let server = rustix::process::Pid::from_raw(job.parse().unwrap()).unwrap();
    let is_printed = person.soon_sees(": still served");
    // One that was stopped has to go on to end.
    let _ = kill_process(server, Signal::TERM);
    let _ = kill_process(server, Signal::CONT);
    shell.end();
    assert!(is_printed, "{}", person.seen);
    assert!(place.is_empty());
}

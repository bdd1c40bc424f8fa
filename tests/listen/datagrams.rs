use std::os::unix::net::UnixDatagram;

use crate::program::{Place, Program, run, sockeye};

#[test]
fn each_message_is_printed_with_the_name_of_its_sender() {
    let place = Place::new();
    let server = Program::serve(["listen", "--dgram", &place.address(false)]);
    let sender_path = place.folder().join("sender");
    let sender = UnixDatagram::bind(&sender_path).unwrap();
    sender.send_to(b"hello", place.path()).unwrap();
    UnixDatagram::unbound()
        .unwrap()
        .send_to(b"two\nlines\n", place.path())
        .unwrap();
    let expected = format!(
        "{}: hello\n(unnamed): two\n(unnamed): lines\n",
        sender_path.display()
    );
    server.prints("lines\n");
    assert_eq!(server.stop().succeeded().text(), expected);
}

#[test]
fn an_echo_goes_to_the_sender() {
    let place = Place::new();
    let server = Program::serve(["listen", "--dgram", "--echo", &place.address(true)]);
    assert_eq!(
        run(["send", "--reply", &place.address(true), "ping"])
            .succeeded()
            .text(),
        "ping"
    );
    server.stop().succeeded();
}

#[test]
fn a_sender_that_cannot_be_answered_is_told_and_harms_nobody() {
    let place = Place::new();
    let server = Program::serve(["listen", "--dgram", "--echo", &place.address(false)]);
    UnixDatagram::unbound()
        .unwrap()
        .send_to(b"x", place.path())
        .unwrap();
    server.says("(unnamed): cannot be answered");
    let gone = UnixDatagram::bind(place.folder().join("gone")).unwrap();
    gone.send_to(b"x", place.path()).unwrap();
    drop(gone);
    std::fs::remove_file(place.folder().join("gone")).unwrap();
    assert_eq!(
        run(["send", "--reply", &place.address(false), "ping"])
            .succeeded()
            .text(),
        "ping"
    );
    server.stop().succeeded();
}

#[test]
fn what_is_typed_goes_to_all_who_have_sent() {
    use std::io::Write as _;
    let place = Place::new();
    let mut server = sockeye(["listen", "--dgram", &place.address(false)]);
    let mut server = Program::serve_command(server.stdin(std::process::Stdio::piped()));
    let senders = ["a", "b"].map(|name| UnixDatagram::bind(place.folder().join(name)).unwrap());
    for sender in &senders {
        sender.send_to(b"here\n", place.path()).unwrap();
    }
    server.prints("b: here\n");
    server.stdin().write_all(b"to all\n").unwrap();
    for sender in &senders {
        let mut buffer = [0; 16];
        let length = sender.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"to all\n");
    }
    server.stop().succeeded();
}

#[test]
fn once_ends_after_one_message() {
    let place = Place::new();
    let server = Program::serve([
        "listen",
        "--dgram",
        "--once",
        "--raw",
        &place.address(false),
    ]);
    run(["send", &place.address(false), "one"]).succeeded();
    assert_eq!(server.end().succeeded().text(), "one");
    assert!(place.is_empty());
}

#[test]
fn what_needs_clients_is_refused() {
    for arguments in [["--exec", "cat"], ["--max-clients", "2"]] {
        let refused = run(["listen", "--dgram", "/tmp/never-made"]
            .into_iter()
            .chain(arguments));
        assert_eq!(refused.status, Some(2), "{refused:?}");
    }
}

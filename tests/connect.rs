//! `sockeye connect`, and `sockeye listen --once`, which joins one client in the same way.

#[cfg(test)]
#[path = "talk/program.rs"]
#[expect(dead_code, reason = "each test file uses its part")]
mod program; // runs the real command
#[cfg(test)]
#[path = "talk/terminal.rs"]
#[expect(dead_code, reason = "each test file uses its part")]
mod terminal; // a person at a terminal

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::{UnixDatagram, UnixListener};
    use std::process::Stdio;
    use std::thread;

    use rstest::rstest;
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};
    use rustix::process::Signal;

    use super::program::{Place, Program, noise, run, run_with, sockeye};
    use super::terminal::{PROMPTED, terminal};

    /// A server of the standard library, to have somebody else's opinion of what arrives.
    #[expect(
        clippy::disallowed_methods,
        reason = "the other side must not be our own code"
    )]
    fn plain_listener(place: &Place) -> UnixListener {
        UnixListener::bind(place.path()).unwrap()
    }

    #[test]
    fn the_answer_arrives_after_the_end_of_input() {
        let place = Place::new();
        let listener = plain_listener(&place);
        let server = thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            let mut question = Vec::new();
            // Comes back only when the client has ended its side.
            client.read_to_end(&mut question).unwrap();
            client
                .write_all(&[b"answer to ", question.as_slice()].concat())
                .unwrap();
        });
        let client = run_with(["connect", &place.address(false)], b"question").succeeded();
        assert_eq!(client.text(), "answer to question");
        server.join().unwrap();
    }

    #[rstest]
    fn a_mebibyte_passes_unchanged_both_ways_at_once(
        #[values(false, true)] from_file: bool,
        #[values(false, true)] to_file: bool,
        #[values(false, true)] explain: bool,
    ) {
        let place = Place::new();
        let (address, up) = (place.address(false), noise(1 << 20));
        let down: Vec<u8> = up.iter().rev().copied().collect();
        let (up_file, out_file) = (place.folder().join("up"), place.folder().join("out"));
        fs::write(&up_file, &up).unwrap();

        let mut server = sockeye(["listen", "--once", &address]);
        let mut server = Program::serve_command(server.stdin(Stdio::piped()));
        let mut server_input = server.stdin();
        let sent = down.clone();
        let server_writer = thread::spawn(move || server_input.write_all(&sent).unwrap());

        let mut command = sockeye(["connect", &address]);
        if explain {
            command.arg("--explain");
        }
        command.stdin(if from_file {
            File::open(&up_file).unwrap().into()
        } else {
            Stdio::piped()
        });
        if to_file {
            command.stdout(File::create(&out_file).unwrap());
        }
        let mut client = Program::start(&mut command);
        let client_writer = (!from_file).then(|| {
            let (mut input, up) = (client.stdin(), up.clone());
            thread::spawn(move || input.write_all(&up).unwrap())
        });
        let (client, server) = (client.end().succeeded(), server.end().succeeded());
        server_writer.join().unwrap();
        if let Some(writer) = client_writer {
            writer.join().unwrap();
        }
        assert!(server.stdout == up, "upward bytes have changed");
        let arrived = if to_file {
            fs::read(&out_file).unwrap()
        } else {
            client.stdout
        };
        assert!(arrived == down, "downward bytes have changed");
    }

    #[rstest]
    fn lines_are_messages_over_kinds_with_boundaries(
        #[values("--dgram", "--seqpacket")] kind: &str,
        #[values(false, true)] is_abstract: bool,
    ) {
        let place = Place::new();
        let address = place.address(is_abstract);
        let server = Program::serve(["listen", "--echo", kind, &address]);
        let client = run_with(["connect", &address], b"one\ntwo\nthree").succeeded();
        assert_eq!(client.text(), "one\ntwo\nthree");
        server.stop().succeeded();
    }

    #[test]
    fn each_line_is_one_seqpacket_message_with_its_line_end() {
        let place = Place::new();
        let listener =
            rustix::net::socket(AddressFamily::UNIX, SocketType::SEQPACKET, None).unwrap();
        rustix::net::bind(&listener, &SocketAddrUnix::new(place.path()).unwrap()).unwrap();
        rustix::net::listen(&listener, 1).unwrap();
        let server = thread::spawn(move || {
            let client = rustix::net::accept(&listener).unwrap();
            let mut buffer = [0; 64];
            let mut messages = Vec::new();
            while let Ok(length @ 1..) = rustix::io::read(&client, &mut buffer) {
                messages.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
            }
            messages
        });
        run_with(["connect", &place.address(false)], b"one\ntwo").succeeded();
        assert_eq!(server.join().unwrap(), ["one\n", "two"]);
    }

    #[test]
    fn datagram_answers_are_waited_for_after_the_end_of_input() {
        let place = Place::new();
        let server = UnixDatagram::bind(place.path()).unwrap();
        let client = Program::start(&mut sockeye([
            "connect",
            "--linger",
            "30",
            &place.address(false),
        ]));
        // The end of input comes at once; the client is known by the name the kernel gave it.
        let input = run_with(
            ["connect", "--linger", "0", &place.address(false)],
            b"hello\n",
        )
        .succeeded();
        assert_eq!(input.text(), "");
        let mut buffer = [0; 16];
        let (length, _) = server.recv_from(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"hello\n");
        client.signal(Signal::TERM);
        assert_eq!(client.end().status, Some(143));
    }

    #[test]
    fn input_that_never_ends_does_not_keep_it_when_the_server_has_closed() {
        let place = Place::new();
        let listener = plain_listener(&place);
        let mut client =
            Program::start(sockeye(["connect", &place.address(false)]).stdin(Stdio::piped()));
        let _input_stays_open = client.stdin();
        let (mut connection, _) = listener.accept().unwrap();
        connection.write_all(b"bye").unwrap();
        drop(connection);
        assert_eq!(client.end().succeeded().text(), "bye");
    }

    #[test]
    fn a_server_that_ends_only_its_own_side_still_gets_all_input() {
        let place = Place::new();
        let listener = plain_listener(&place);
        let mut client =
            Program::start(sockeye(["connect", &place.address(false)]).stdin(Stdio::piped()));
        let mut input = client.stdin();
        let (mut connection, _) = listener.accept().unwrap();
        connection.write_all(b"go on").unwrap();
        connection.shutdown(std::net::Shutdown::Write).unwrap();
        client.prints("go on");
        input.write_all(b"late").unwrap();
        drop(input);
        let mut arrived = String::new();
        connection.read_to_string(&mut arrived).unwrap();
        assert_eq!(arrived, "late");
        drop(connection);
        client.end().succeeded();
    }

    #[test]
    fn input_that_nobody_took_is_a_failure() {
        let place = Place::new();
        let listener = plain_listener(&place);
        let mut client =
            Program::start(sockeye(["connect", &place.address(false)]).stdin(Stdio::piped()));
        let mut input = client.stdin();
        drop(listener.accept().unwrap());
        drop(listener);
        // The client leaves by itself, or finds nobody to send to; either way writing ends.
        while input.write_all(&[0; 4096]).is_ok() {}
        let ended = client.end();
        assert!(matches!(ended.status, Some(0 | 3)), "{ended:?}");
    }

    #[test]
    fn a_reader_of_the_output_that_leaves_ends_it_without_a_failure() {
        let place = Place::new();
        let listener = plain_listener(&place);
        let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        let mut command = sockeye(["connect", &place.address(false)]);
        let client = Program::start(command.stdin(Stdio::null()).stdout(writer));
        drop(command);
        let (_connection, _) = listener.accept().unwrap();
        drop(reader);
        client.end().succeeded();
    }

    #[rstest]
    #[case(Signal::INT, 130)]
    #[case(Signal::TERM, 143)]
    fn a_signal_ends_it(#[case] signal: Signal, #[case] status: i32) {
        let place = Place::new();
        let listener = plain_listener(&place);
        let mut client =
            Program::start(sockeye(["connect", &place.address(false)]).stdin(Stdio::piped()));
        let mut input = client.stdin();
        let (mut connection, _) = listener.accept().unwrap();
        // When its bytes arrive it is past setting up.
        input.write_all(b"x").unwrap();
        connection.read_exact(&mut [0]).unwrap();
        client.signal(signal);
        assert_eq!(client.end().status, Some(status));
    }

    #[test]
    fn connecting_to_nobody_says_what_to_ask() {
        let place = Place::new();
        let refused = run(["connect", &place.address(false)]);
        assert_eq!(refused.status, Some(3));
        assert!(refused.stderr.contains("`sockeye doctor "), "{refused:?}");
    }

    #[test]
    fn what_to_ask_has_the_kind_that_was_tried_and_can_be_pasted() {
        let place = Place::new();
        let name = format!("{} x", place.address(true));
        // To an abstract name each kind is a name of its own: the kernel says refused, not wrong kind.
        let server = Program::serve(["listen", &name]);
        let refused = run(["connect", "--dgram", &name]);
        assert_eq!(refused.status, Some(3));
        let asked = format!("`sockeye doctor 'unix-dgram:{name}'` says why");
        assert!(refused.stderr.contains(&asked), "{refused:?}");
        let answer = run(["doctor", &format!("unix-dgram:{name}")]);
        assert_eq!(answer.status, Some(1));
        assert!(answer.text().contains("is a stream socket"), "{answer:?}");
        server.stop().succeeded();
    }

    #[test]
    fn a_name_of_more_than_108_bytes_works() {
        let place = Place::new();
        let folder = place.folder().join("d".repeat(200));
        fs::create_dir(&folder).unwrap();
        let address = folder.join("s").to_str().unwrap().to_owned();
        let server = Program::serve(["listen", "--echo", &address]);
        assert_eq!(
            run_with(["connect", &address], b"hello").succeeded().text(),
            "hello"
        );
        server.stop().succeeded();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    }

    #[test]
    fn another_family_of_address_is_refused_as_a_wrong_command_line() {
        let refused = run(["connect", "tcp:localhost:80"]);
        assert_eq!(refused.status, Some(2));
        assert!(refused.stderr.contains("not a Unix socket"), "{refused:?}");
    }

    #[test]
    fn an_option_that_a_verb_would_ignore_is_refused_and_says_who_takes_it() {
        for (verb, option, taker) in [
            (
                "connect",
                "mode=660",
                "sockeye listen, recv and relay take it",
            ),
            ("send", "retry=3", "sockeye relay takes it"),
            ("listen", "max-clients=3", "sockeye relay takes it"),
            ("recv", "interval=1", "sockeye relay takes it"),
            ("connect", "connect-timeout=1", "sockeye relay takes it"),
        ] {
            let refused = run([verb, &format!("unix:/tmp/none/x,{option}")]);
            assert_eq!(refused.status, Some(2), "{refused:?}");
            let name = option.split('=').next().unwrap();
            let said = format!("{verb} has no use for the option {name}");
            assert!(refused.stderr.contains(&said), "{refused:?}");
            assert!(refused.stderr.contains(taker), "{refused:?}");
        }
    }

    #[test]
    fn a_kind_that_contradicts_the_address_is_refused() {
        let refused = run(["connect", "--stream", "unix-dgram:/tmp/x"]);
        assert_eq!(refused.status, Some(2), "{refused:?}");
    }

    /// `connect` at a terminal, the person at it, and another hold on the end of the program.
    fn at_a_terminal(place: &Place) -> (Program, super::terminal::Person, std::os::fd::OwnedFd) {
        let (mut person, end) = terminal();
        let mut command = sockeye(["connect", &place.address(false)]);
        command
            .env("XDG_STATE_HOME", place.folder())
            .env("TERM", "xterm");
        command
            .stdin(end.try_clone().unwrap())
            .stdout(end.try_clone().unwrap());
        let client = Program::start(&mut command);
        person.sees(PROMPTED, 1);
        (client, person, end)
    }

    #[test]
    fn on_a_terminal_lines_are_edited_and_remembered_and_answers_can_do_no_harm() {
        let place = Place::new();
        let listener = plain_listener(&place);
        let (client, mut person, end) = at_a_terminal(&place);
        drop(end);
        let (mut connection, _) = listener.accept().unwrap();
        // What was typed wrong is taken back before it is sent; the line before is a key away.
        person.types(b"helpp\x7f\x7flo\r");
        person.sees(PROMPTED, 2);
        person.types(b"\x1b[A\r");
        let mut lines = [0; 12];
        connection.read_exact(&mut lines).unwrap();
        assert_eq!(&lines, b"hello\nhello\n");
        person.sees(PROMPTED, 3);
        connection.write_all(b"\x1b[2Jmischief").unwrap();
        person.sees("mischief", 1);
        assert!(
            person.seen.contains(r"\x1b[2Jmischief"),
            "{:?}",
            person.seen
        );
        person.types(b"\x04");
        assert_eq!(connection.read(&mut lines).unwrap(), 0);
        drop(connection);
        client.end().succeeded();
        let history = fs::read_to_string(place.folder().join("sockeye/history")).unwrap();
        assert!(history.contains("hello"), "{history:?}");
    }

    #[test]
    fn on_a_terminal_the_answer_of_a_server_that_closes_at_once_is_seen() {
        let place = Place::new();
        let listener = plain_listener(&place);
        let (client, mut person, _end) = at_a_terminal(&place);
        let (mut connection, _) = listener.accept().unwrap();
        connection.write_all(b"first\nlast words").unwrap();
        drop(connection);
        client.end().succeeded();
        person.sees("last words", 1);
    }

    #[rstest]
    #[case(Signal::TERM, 143)]
    #[case(Signal::HUP, 129)]
    #[case(Signal::INT, 130)]
    fn a_signal_gives_the_terminal_back(#[case] signal: Signal, #[case] status: i32) {
        use rustix::termios::{LocalModes, tcgetattr};
        let place = Place::new();
        let _listener = plain_listener(&place);
        let (client, mut person, end) = at_a_terminal(&place);
        let is_cooked = || {
            let modes = tcgetattr(&end).unwrap().local_modes;
            modes.contains(LocalModes::ICANON | LocalModes::ECHO)
        };
        assert!(!is_cooked(), "lines are edited");
        client.signal(signal);
        assert_eq!(client.end().status, Some(status));
        assert!(is_cooked());
        person.sees("\x1b[?2004l", 1);
    }

    #[rstest]
    fn a_signal_is_heard_while_nobody_reads_the_output(#[values(false, true)] explain: bool) {
        let place = Place::new();
        let listener = plain_listener(&place);
        let (_reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        let mut command = sockeye(["connect", &place.address(false)]);
        if explain {
            command.arg("--explain");
        }
        let client = Program::start(command.stdin(Stdio::null()).stdout(writer));
        let (connection, _) = listener.accept().unwrap();
        // Everything on the way is full when no more can be sent for a while.
        let patience = std::time::Duration::from_secs(1);
        connection.set_write_timeout(Some(patience)).unwrap();
        while (&connection).write_all(&noise(8 * 1024)).is_ok() {}
        client.signal(Signal::TERM);
        assert_eq!(client.end().status, Some(143));
    }
}

//! `sockeye send` and `sockeye recv`.

#[cfg(test)]
#[path = "talk/program.rs"]
#[expect(dead_code, reason = "each test file uses its part")]
mod program; // runs the real command

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{Read as _, Write as _};
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::net::UnixDatagram;
    use std::thread;

    use rstest::rstest;
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, listen, socket};
    use rustix::process::Signal;

    use super::program::{Place, Program, noise, run, run_with, sockeye};

    #[rstest]
    fn what_is_sent_is_received_over_every_kind_and_name(
        #[values("--stream", "--dgram", "--seqpacket")] kind: &str,
        #[values(false, true)] is_abstract: bool,
    ) {
        let place = Place::new();
        let address = place.address(is_abstract);
        let receiver = Program::serve(["recv", &address, kind]);
        run(["send", &address, "hello"]).succeeded();
        let received = receiver.end().succeeded();
        assert_eq!(received.text(), "hello");
        assert_eq!(received.stderr, format!("listening on {address}\n"));
        assert!(place.is_empty(), "the socket file is left behind");
    }

    #[rstest]
    #[case("unix-dgram:")]
    #[case("unix-seqpacket:")]
    #[case("unix:")]
    fn the_kind_can_be_part_of_the_address(#[case] prefix: &str) {
        let place = Place::new();
        let address = format!("{prefix}{}", place.address(false));
        let receiver = Program::serve(["recv", &address]);
        run(["send", &address, "hello"]).succeeded();
        assert_eq!(receiver.end().succeeded().text(), "hello");
    }

    #[test]
    fn a_stream_is_received_until_its_end_byte_by_byte() {
        let place = Place::new();
        let (address, data) = (place.address(false), noise(1 << 20));
        let receiver = Program::serve(["recv", &address]);
        run_with(["send", &address], &data).succeeded();
        assert!(
            receiver.end().succeeded().stdout == data,
            "the bytes have changed"
        );
    }

    #[test]
    fn a_file_and_standard_input_are_sent_as_one_message() {
        let place = Place::new();
        let (address, data) = (place.address(false), noise(100_000));
        let file = place.folder().join("data");
        fs::write(&file, &data).unwrap();
        for from_file in [true, false] {
            let receiver = Program::serve(["recv", "--dgram", &address]);
            let what = if from_file {
                format!("@{}", file.display())
            } else {
                "-".into()
            };
            run_with(
                ["send", &address, &what],
                if from_file { b"" } else { &data },
            )
            .succeeded();
            assert!(
                receiver.end().succeeded().stdout == data,
                "the bytes have changed"
            );
        }
    }

    #[test]
    fn text_is_sent_exactly_and_a_newline_only_when_asked_for() {
        let place = Place::new();
        let address = place.address(false);
        for (arguments, expected) in [
            (vec!["plain"], "plain"),
            (vec!["--newline", "plain"], "plain\n"),
            (vec!["@@home"], "@home"),
            (vec![""], ""),
        ] {
            let receiver = Program::serve(["recv", "--dgram", &address]);
            run(["send", &address].into_iter().chain(arguments)).succeeded();
            assert_eq!(receiver.end().succeeded().text(), expected);
        }
    }

    #[rstest]
    fn as_many_messages_as_asked_for_are_received(
        #[values("--stream", "--dgram", "--seqpacket")] kind: &str,
    ) {
        let place = Place::new();
        let address = place.address(false);
        let receiver = Program::serve(["recv", kind, "--count", "3", &address]);
        for text in ["one ", "two ", "three"] {
            run(["send", &address, text]).succeeded();
        }
        assert_eq!(receiver.end().succeeded().text(), "one two three");
    }

    #[test]
    fn with_follow_messages_are_received_until_interrupted() {
        let place = Place::new();
        let address = place.address(false);
        let receiver = Program::serve(["recv", "--dgram", "--follow", &address]);
        for text in ["one ", "two"] {
            run(["send", &address, text]).succeeded();
        }
        receiver.prints("one two");
        receiver.signal(Signal::INT);
        receiver.end().succeeded();
        assert!(place.is_empty());
    }

    #[rstest]
    #[case(Signal::INT, 130)]
    #[case(Signal::TERM, 143)]
    fn a_signal_leaves_nothing_behind(
        #[case] signal: Signal,
        #[case] status: i32,
        #[values("--stream", "--dgram", "--seqpacket")] kind: &str,
    ) {
        let place = Place::new();
        let receiver = Program::serve(["recv", kind, &place.address(false)]);
        receiver.signal(signal);
        assert_eq!(receiver.end().status, Some(status));
        assert!(place.is_empty());
    }

    #[rstest]
    fn handed_descriptors_are_shown_and_their_content_written(
        #[values("--stream", "--dgram", "--seqpacket")] kind: &str,
    ) {
        let place = Place::new();
        let (address, file) = (place.address(false), place.folder().join("report.txt"));
        let out = place.folder().join("out");
        fs::create_dir(&out).unwrap();
        fs::write(&file, "the content").unwrap();
        let receiver =
            Program::serve(["recv", kind, &address, "--write-fds", out.to_str().unwrap()]);
        let name = file.to_str().unwrap();
        run(["send", &address, "see", "--fd", name, "--fd", "/dev/null"]).succeeded();
        let received = receiver.end().succeeded();
        assert_eq!(received.text(), "see");
        assert!(received.stderr.contains(&format!(
            "received descriptor: regular file {name}, read-only\n"
        )));
        assert!(
            received
                .stderr
                .contains("received descriptor: character device /dev/null, read-only\n")
        );
        assert_eq!(
            fs::read_to_string(out.join("descriptor-1")).unwrap(),
            "the content"
        );
        assert_eq!(
            fs::metadata(out.join("descriptor-1"))
                .unwrap()
                .permissions()
                .mode()
                & 0o777,
            0o600
        );
        assert!(
            !out.join("descriptor-2").exists(),
            "a device has no content to write"
        );
    }

    #[test]
    fn the_content_of_descriptors_can_go_to_standard_output() {
        let place = Place::new();
        let address = place.address(true);
        let file = place.folder().join("f");
        fs::write(&file, "the content").unwrap();
        let receiver = Program::serve(["recv", "--dgram", &address, "--write-fds", "-"]);
        run(["send", &address, "--fd", file.to_str().unwrap()]).succeeded();
        assert_eq!(receiver.end().succeeded().text(), "the content");
    }

    #[test]
    fn descriptors_without_a_byte_are_refused_on_a_stream() {
        let place = Place::new();
        let address = place.address(false);
        let _receiver = Program::serve(["recv", &address]);
        let refused = run(["send", &address, "--fd", "/dev/null"]);
        assert_eq!(refused.status, Some(3));
        assert!(
            refused.stderr.contains("say what to send with them"),
            "{refused:?}"
        );
    }

    #[rstest]
    fn the_answer_is_waited_for_and_printed(
        #[values("--stream", "--dgram", "--seqpacket")] kind: &str,
        #[values(false, true)] is_abstract: bool,
    ) {
        let place = Place::new();
        let address = place.address(is_abstract);
        let server = Program::serve(["listen", "--echo", kind, &address]);
        assert_eq!(
            run(["send", "--reply", &address, "ping"])
                .succeeded()
                .text(),
            "ping"
        );
        server.stop().succeeded();
    }

    #[rstest]
    fn an_answer_that_does_not_come_in_time_has_a_status_of_its_own(
        #[values("--stream", "--dgram", "--seqpacket")] kind: &str,
    ) {
        let place = Place::new();
        let kind_type = match kind {
            "--stream" => SocketType::STREAM,
            "--dgram" => SocketType::DGRAM,
            _ => SocketType::SEQPACKET,
        };
        let silent = socket(AddressFamily::UNIX, kind_type, None).unwrap();
        bind(&silent, &SocketAddrUnix::new(place.path()).unwrap()).unwrap();
        if kind != "--dgram" {
            listen(&silent, 4).unwrap();
        }
        let late = run([
            "send",
            "--reply",
            "--timeout",
            "0.1",
            &place.address(false),
            "ping",
        ]);
        assert_eq!(late.status, Some(4), "{late:?}");
    }

    #[test]
    fn nothing_arriving_in_time_has_a_status_of_its_own() {
        let place = Place::new();
        let late = run(["recv", "--timeout", "0.1", &place.address(false)]);
        assert_eq!(late.status, Some(4), "{late:?}");
        assert!(place.is_empty());
    }

    #[test]
    fn sending_to_nobody_says_what_to_ask() {
        let place = Place::new();
        let address = place.address(false);
        let refused = run(["send", &address, "hello"]);
        assert_eq!(refused.status, Some(3));
        assert_eq!(
            refused.stderr,
            format!(
                "sockeye: connect {address}: No such file or directory (os error 2)\n  `sockeye doctor {address}` says why\n"
            )
        );
    }

    #[test]
    fn a_wrong_kind_is_refused_with_the_remedy() {
        let place = Place::new();
        let address = place.address(false);
        let _receiver = Program::serve(["recv", "--dgram", &address]);
        let refused = run(["send", "--stream", &address, "hello"]);
        assert_eq!(refused.status, Some(3));
        assert!(
            refused
                .stderr
                .contains("it is not a stream socket\n  leave the kind out"),
            "{refused:?}"
        );
    }

    #[test]
    fn a_name_of_more_than_108_bytes_works() {
        let place = Place::new();
        let folder = place.folder().join("d".repeat(200));
        fs::create_dir(&folder).unwrap();
        let address = folder.join("s".repeat(100)).to_str().unwrap().to_owned();
        for kind in ["--stream", "--dgram", "--seqpacket"] {
            let receiver = Program::serve(["recv", kind, &address]);
            run(["send", &address, "hello"]).succeeded();
            assert_eq!(receiver.end().succeeded().text(), "hello");
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    }

    #[test]
    fn a_reader_of_the_output_that_leaves_is_no_failure() {
        let place = Place::new();
        let address = place.address(false);
        let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        let receiver = Program::serve_command(sockeye(["recv", &address]).stdout(writer));
        drop(reader);
        run_with(["send", &address], &noise(1 << 20));
        receiver.end().succeeded();
        assert!(place.is_empty());
    }

    #[test]
    fn a_plain_program_can_be_talked_to_in_datagrams() {
        let place = Place::new();
        let server = UnixDatagram::bind(place.path()).unwrap();
        let sender = Program::start(&mut sockeye([
            "send",
            "--reply",
            &place.address(false),
            "ping",
        ]));
        let mut buffer = [0; 16];
        let (length, from) = server.recv_from(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"ping");
        server.send_to_addr(b"pong", &from).unwrap();
        assert_eq!(sender.end().succeeded().text(), "pong");
    }

    #[test]
    fn input_is_streamed_and_not_collected_first() {
        let place = Place::new();
        let address = place.address(false);
        let receiver = Program::serve(["recv", &address]);
        let mut sender =
            Program::start(sockeye(["send", &address]).stdin(std::process::Stdio::piped()));
        let mut input = sender.stdin();
        input.write_all(b"early").unwrap();
        receiver.prints("early");
        drop(input);
        sender.end().succeeded();
        let mut all = String::new();
        receiver
            .end()
            .succeeded()
            .stdout
            .as_slice()
            .read_to_string(&mut all)
            .unwrap();
        assert_eq!(all, "early");
    }

    #[test]
    fn an_answer_arrives_though_the_server_left_the_question_unread() {
        let place = Place::new();
        let listener = socket(AddressFamily::UNIX, SocketType::SEQPACKET, None).unwrap();
        bind(&listener, &SocketAddrUnix::new(place.path()).unwrap()).unwrap();
        listen(&listener, 1).unwrap();
        let (address, reply) = (place.address(false), "--reply");
        let client = Program::start(&mut sockeye(["send", &address, "hi", reply]));
        let server = rustix::net::accept(&listener).unwrap();
        // The question is there, and stays unread: the kernel resets the connection.
        let mut watched = [rustix::event::PollFd::new(
            &server,
            rustix::event::PollFlags::IN,
        )];
        rustix::event::poll(&mut watched, None).unwrap();
        rustix::io::write(&server, b"no time").unwrap();
        drop(server);
        assert_eq!(client.end().succeeded().text(), "no time");
    }

    #[test]
    fn a_signal_is_heard_while_nobody_reads_the_output() {
        let place = Place::new();
        let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        let address = place.address(false);
        let receiver = Program::serve_command(sockeye(["recv", &address]).stdout(writer));
        let sender =
            Program::start(sockeye(["send", &address]).stdin(fs::File::open("/dev/zero").unwrap()));
        // What the receiver takes is bounded by the pipe nobody reads.
        let full = |fd: &rustix::fd::OwnedFd| rustix::io::ioctl_fionread(fd).unwrap() >= 60 * 1024;
        while !full(&reader) {
            thread::yield_now();
        }
        receiver.signal(Signal::TERM);
        assert_eq!(receiver.end().status, Some(143));
        assert!(place.is_empty(), "the socket file is left behind");
        drop(sender);
    }

    #[test]
    fn a_handed_pipe_that_never_ends_keeps_nobody_from_ending() {
        let place = Place::new();
        let address = place.address(false);
        let receiver = Program::serve(["recv", "--write-fds", "-", &address]);
        let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        let end = format!(
            "/proc/{}/fd/{}",
            std::process::id(),
            std::os::fd::AsRawFd::as_raw_fd(&reader)
        );
        run(["send", &address, "x", "--fd", &end]).succeeded();
        rustix::io::write(&writer, b"so far").unwrap();
        receiver.prints("so far");
        receiver.signal(Signal::TERM);
        assert_eq!(receiver.end().status, Some(143));
        assert!(place.is_empty(), "the socket file is left behind");
    }
}

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use rstest::rstest;
use rustix::process::{Resource, Rlimit, Signal, getrlimit, prlimit, setrlimit};

use crate::program::{Place, Program, noise, run_with, sockeye};
use crate::stranger::connect;

fn shut(client: &UnixStream) {
    client.shutdown(std::net::Shutdown::Write).unwrap();
}

#[track_caller]
fn echoes(client: &mut UnixStream, text: &str) {
    client.write_all(text.as_bytes()).unwrap();
    let mut answer = vec![0; text.len()];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(String::from_utf8_lossy(&answer), text);
}

#[test]
fn who_comes_and_goes_is_told_with_credentials() {
    let place = Place::new();
    let server = Program::serve(["listen", &place.address(false)]);
    drop(connect(&place.path()));
    server.says("left\n");
    let said = server.stop().succeeded().stderr;
    let uid = rustix::process::geteuid().as_raw();
    let pid = std::process::id();
    let arrival = said
        .lines()
        .find(|line| line.ends_with("connected"))
        .unwrap();
    assert!(
        arrival.starts_with("#1 ") && arrival.contains(&format!("[{pid}] uid {uid}")),
        "{arrival}"
    );
    if uid == 0 {
        assert!(arrival.contains("uid 0 (root)"), "{arrival}");
    }
}

#[test]
fn each_line_is_printed_whole_behind_its_client() {
    let place = Place::new();
    let server = Program::serve(["listen", &place.address(false)]);
    let (mut first, mut second) = (connect(&place.path()), connect(&place.path()));
    server.says_lines(2, "connected");
    first.write_all(b"half of ").unwrap();
    second.write_all(b"another client\n").unwrap();
    server.prints("another client\n");
    first.write_all(b"a line\nno end").unwrap();
    server.prints("half of a line\n");
    drop((first, second));
    server.says_lines(2, "left");
    let printed = server.stop().succeeded().text();
    let pid = std::process::id();
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines.len(), 3, "{printed}");
    for (line, number, text) in [
        (0, 2, "another client"),
        (1, 1, "half of a line"),
        (2, 1, "no end"),
    ] {
        assert!(lines[line].starts_with(&format!("#{number} ")), "{printed}");
        assert!(
            lines[line].ends_with(&format!("[{pid}]: {text}")),
            "{printed}"
        );
    }
}

#[test]
fn raw_prints_bytes_without_labels() {
    let place = Place::new();
    let server = Program::serve(["listen", "--raw", &place.address(false)]);
    connect(&place.path()).write_all(b"\xffno label").unwrap();
    server.says("left");
    assert_eq!(server.stop().succeeded().stdout, b"\xffno label");
}

#[test]
fn quiet_says_nothing() {
    let place = Place::new();
    let mut server = sockeye(["listen", "--quiet", "--once", &place.address(false)]);
    let server = Program::start(&mut server);
    while !place.path().exists() {
        std::thread::yield_now();
    }
    // The file is there before the queue is.
    let mut tries = 0;
    while crate::program::run_with(["connect", &place.address(false)], b"hi").status != Some(0) {
        tries += 1;
        assert!(tries < 1000);
    }
    let ended = server.end().succeeded();
    assert_eq!((ended.text().as_str(), ended.stderr.as_str()), ("hi", ""));
}

#[test]
fn what_is_typed_goes_to_all_and_waits_for_somebody_to_come() {
    let place = Place::new();
    let mut server =
        Program::serve_command(sockeye(["listen", &place.address(false)]).stdin(Stdio::piped()));
    let mut typed = server.stdin();
    typed.write_all(b"early\n").unwrap();
    let mut first = BufReader::new(connect(&place.path()));
    let mut line = String::new();
    first.read_line(&mut line).unwrap();
    assert_eq!(line, "early\n");
    let mut second = BufReader::new(connect(&place.path()));
    server.says_lines(2, "connected");
    typed.write_all(b"to all\n").unwrap();
    for client in [&mut first, &mut second] {
        line.clear();
        client.read_line(&mut line).unwrap();
        assert_eq!(line, "to all\n");
    }
    server.stop().succeeded();
}

#[rstest]
fn a_client_that_ends_its_side_gets_the_whole_echo(
    #[values("--stream", "--seqpacket")] kind: &str,
) {
    let place = Place::new();
    let server = Program::serve(["listen", "--echo", kind, &place.address(false)]);
    let data = noise(1 << 20)
        .iter()
        .map(|byte| byte % 64 + 32)
        .collect::<Vec<_>>();
    let mut lines: Vec<u8> = data
        .chunks(1000)
        .flat_map(|line| [line, b"\n"].concat())
        .collect();
    lines.truncate(1 << 20);
    assert!(
        run_with(["connect", &place.address(false)], &lines)
            .succeeded()
            .stdout
            == lines
    );
    server.stop().succeeded();
}

#[test]
fn a_thousand_clients_at_once_are_served_none_lost_none_mixed_up() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
    let place = Place::new();
    let server = Program::serve(["listen", "--echo", &place.address(false)]);
    let mut clients: Vec<_> = (0..1000).map(|_| connect(&place.path())).collect();
    for round in 0..3 {
        // All speak before any listens.
        for (number, client) in clients.iter_mut().enumerate() {
            client
                .write_all(format!("client {number:04} round {round}").as_bytes())
                .unwrap();
        }
        for (number, client) in clients.iter_mut().enumerate() {
            let mut answer = [0; 19];
            client.read_exact(&mut answer).unwrap();
            assert_eq!(
                String::from_utf8_lossy(&answer),
                format!("client {number:04} round {round}")
            );
        }
    }
    clients.iter().for_each(shut);
    for mut client in clients {
        assert_eq!(
            client.read(&mut [0; 8]).unwrap(),
            0,
            "more was echoed than was sent"
        );
    }
    server.says_lines(1000, "left");
    server.stop().succeeded();
}

#[test]
fn the_lines_of_a_thousand_clients_are_printed_none_lost_none_torn() {
    let place = Place::new();
    let server = Program::serve(["listen", &place.address(false)]);
    std::thread::scope(|scope| {
        for thread in 0..10 {
            let path = place.path();
            scope.spawn(move || {
                for number in 0..100 {
                    let mut client = connect(&path);
                    for line in 0..10 {
                        let line = format!(
                            "from {:04} line {line} {}\n",
                            thread * 100 + number,
                            "x".repeat(100)
                        );
                        // In two pieces, which nothing of another client may come between.
                        let (head, tail) = line.split_at(7);
                        client.write_all(head.as_bytes()).unwrap();
                        client.write_all(tail.as_bytes()).unwrap();
                    }
                }
            });
        }
    });
    server.says_lines(1000, "left");
    let printed = server.stop().succeeded().text();
    let mut texts: Vec<_> = printed
        .lines()
        .map(|line| line.split_once(": ").unwrap())
        .collect();
    assert_eq!(texts.len(), 10_000);
    assert!(
        texts
            .iter()
            .all(|(_, text)| text.len() == "from 0000 line 0 ".len() + 100),
        "a line is torn"
    );
    // The lines of one client have one label and keep their order.
    texts.sort_by_key(|(label, _)| *label);
    for lines in texts.chunks(10) {
        let client = &lines[0].1[..9];
        for (at, (label, text)) in lines.iter().enumerate() {
            assert_eq!(
                (*label, &text[..16]),
                (lines[0].0, format!("{client} line {at}").as_str())
            );
        }
    }
}

#[test]
fn a_client_that_does_not_read_blocks_nobody() {
    let place = Place::new();
    let server = Program::serve(["listen", "--echo", &place.address(false)]);
    let mut slow = connect(&place.path());
    slow.set_nonblocking(true).unwrap();
    // Sends until the server takes no more of it: what it owes to this client is bounded.
    let (block, mut sent) = (noise(64 * 1024), Vec::new());
    loop {
        assert!(sent.len() < 64 << 20, "an endless queue");
        if let Ok(length) = slow.write(&block) {
            sent.extend_from_slice(&block[..length]);
            continue;
        }
        // It may only have been busy: when others were served and it still takes no more, it never will.
        echoes(&mut connect(&place.path()), "served all the same");
        match slow.write(&block) {
            Ok(length) => sent.extend_from_slice(&block[..length]),
            Err(_) => break,
        }
    }
    slow.set_nonblocking(false).unwrap();
    let mut answer = vec![0; sent.len()];
    slow.read_exact(&mut answer).unwrap();
    assert!(answer == sent, "the echo has changed");
    server.stop().succeeded();
}

#[test]
fn what_is_typed_is_left_out_for_a_client_that_does_not_read() {
    let place = Place::new();
    let mut server =
        Program::serve_command(sockeye(["listen", &place.address(false)]).stdin(Stdio::piped()));
    let slow = connect(&place.path());
    let mut reader = connect(&place.path());
    server.says_lines(2, "connected");
    let line = [vec![b'x'; 60_000], b"\n".to_vec()].concat();
    let mut typed = server.stdin();
    let count = 100;
    let lines = line.repeat(count);
    let writer = std::thread::spawn(move || {
        typed.write_all(&lines).unwrap();
        typed
    });
    let mut all = vec![0; line.len() * count];
    reader.read_exact(&mut all).unwrap();
    server.says("#1 ");
    server.says("does not read: what is typed is left out for it");
    drop((slow, writer.join().unwrap()));
    server.stop().succeeded();
}

#[test]
fn further_clients_than_allowed_wait_in_the_queue() {
    let place = Place::new();
    let server = Program::serve([
        "listen",
        "--echo",
        "--max-clients",
        "2",
        &place.address(false),
    ]);
    let (mut first, mut second) = (connect(&place.path()), connect(&place.path()));
    echoes(&mut first, "1");
    echoes(&mut second, "2");
    let mut third = connect(&place.path());
    third.write_all(b"3").unwrap();
    // The first two are served while the third waits.
    for _ in 0..20 {
        echoes(&mut first, "1");
    }
    third.set_nonblocking(true).unwrap();
    assert!(third.read(&mut [0; 1]).is_err());
    third.set_nonblocking(false).unwrap();
    drop(first);
    let mut answer = [0; 1];
    third.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"3");
    server.stop().succeeded();
}

#[test]
fn running_out_of_descriptors_is_told_and_survived() {
    let place = Place::new();
    let server = Program::serve(["listen", "--echo", &place.address(false)]);
    // One client first: all that is opened on the way has been opened.
    echoes(&mut connect(&place.path()), "first");
    let few = Rlimit {
        current: Some(30),
        maximum: Some(30),
    };
    prlimit(Some(server.pid()), Resource::Nofile, few).unwrap();
    let mut clients: Vec<_> = (0..60).map(|_| connect(&place.path())).collect();
    server.says("waits in the queue until there is room");
    echoes(&mut clients[0], "served while others wait");
    // Each that leaves makes room for one that waits; in the end all have been served.
    for (number, mut client) in clients.drain(..).enumerate() {
        echoes(&mut client, &format!("client {number}"));
    }
    server.says("accepting again");
    let mut late = connect(&place.path());
    echoes(&mut late, "as before");
    let ended = server.stop().succeeded();
    let told = ended.stderr.matches("Too many open files").count();
    assert!((1..=60).contains(&told), "{}", ended.stderr);
    assert_eq!(
        ended
            .stderr
            .lines()
            .filter(|line| line.ends_with("connected"))
            .count(),
        62
    );
}

#[test]
fn once_serves_one_client_and_leaves() {
    let place = Place::new();
    let server = Program::serve(["listen", "--once", "--echo", &place.address(false)]);
    let mut only = connect(&place.path());
    echoes(&mut only, "hello");
    assert!(
        !place.path().exists(),
        "somebody else could come and wait for nothing"
    );
    drop(only);
    server.end().succeeded();
    assert!(place.is_empty());
}

#[test]
fn once_keeps_the_half_close() {
    let place = Place::new();
    let mut server = Program::serve_command(
        sockeye(["listen", "--once", &place.address(false)]).stdin(Stdio::piped()),
    );
    let mut client = connect(&place.path());
    client.write_all(b"question").unwrap();
    shut(&client);
    server.prints("question");
    let mut typed = server.stdin();
    typed.write_all(b"answer").unwrap();
    drop(typed);
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "answer");
    server.end().succeeded();
}

#[rstest]
fn a_signal_leaves_nothing_behind_and_is_no_failure(
    #[values(Signal::INT, Signal::TERM, Signal::HUP)] signal: Signal,
    #[values(&["--echo"], &["--once"], &["--seqpacket"], &["--dgram"])] arguments: &[&str],
) {
    let place = Place::new();
    let address = place.address(false);
    let server = Program::serve(["listen", &address].iter().chain(arguments));
    let client =
        (arguments != ["--seqpacket"] && arguments != ["--dgram"]).then(|| connect(&place.path()));
    if client.is_some() {
        server.says("connected");
    }
    server.signal(signal);
    server.end().succeeded();
    assert!(place.is_empty());
}

#[test]
fn a_signal_is_heard_while_nobody_reads_the_output() {
    let place = Place::new();
    let (_unread, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    let server = Program::serve_command(sockeye(["listen", &place.address(false)]).stdout(writer));
    let mut client = connect(&place.path());
    client.set_nonblocking(true).unwrap();
    let line = b"x\n".repeat(32 * 1024);
    let mut refused = 0;
    // Once nothing is taken any more the output is full.
    while refused < 1000 {
        let taken = client.write(&line).unwrap_or(0);
        refused = if taken > 0 { 0 } else { refused + 1 };
        std::thread::yield_now();
    }
    server.stop().succeeded();
    assert!(place.is_empty());
}

#[test]
fn handed_descriptors_are_shown_with_their_client() {
    let place = Place::new();
    let server = Program::serve(["listen", &place.address(false)]);
    crate::program::run(["send", &place.address(false), "x", "--fd", "/dev/null"]).succeeded();
    server.says("received descriptor: character device /dev/null, read-only");
    server.stop().succeeded();
}

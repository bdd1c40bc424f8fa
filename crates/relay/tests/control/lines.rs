//! What is sent to the socket: wrong lines, long ones, half ones and none.

use serde_json::Value;
use sockeye_address::Name;
use sockeye_relay::control::MAX_REQUEST_BYTES;
use sockeye_socket::{Connection, Direction};

use crate::stage::{Running, Stage, connect};

const STATUS: &[u8] = b"{\"version\":1,\"request\":\"status\"}\n";

fn raw(running: &Running) -> Connection {
    connect(&Name::Path(running.control.clone()))
}

#[track_caller]
fn read(client: &Connection) -> Option<Value> {
    let mut line = Vec::new();
    let mut byte = [0];
    while let Ok(1) = client.receive(&mut byte) {
        if byte == [b'\n'] {
            return Some(serde_json::from_slice(&line).unwrap());
        }
        line.extend(byte);
    }
    assert!(line.is_empty());
    None
}

#[track_caller]
fn refused(client: &Connection) -> String {
    let answer = read(client).unwrap();
    assert_eq!(answer["version"], 1, "{answer}");
    answer["error"].as_str().unwrap().to_owned()
}

#[track_caller]
fn answered(client: &Connection) {
    let answer = read(client).unwrap();
    assert_eq!(answer["ok"]["answer"], "status", "{answer}");
}

#[test]
fn a_wrong_request_is_answered_and_the_next_one_is_served() {
    let stage = Stage::new();
    let running = stage.run(vec![(stage.plan("in"), None)]);
    let client = raw(&running);
    for (line, expected) in [
        (b"\n".as_slice(), "read the request: EOF"),
        (b"\xff\xfe\n", "read the request: expected value"),
        (
            b"{\"version\":2,\"request\":\"status\"}\n",
            "read the request: it is of version 2",
        ),
        (
            b"{\"version\":1,\"request\":\"dance\"}\n",
            "read the request: unknown variant `dance`",
        ),
    ] {
        client.send_all(line).unwrap();
        let said = refused(&client);
        assert!(said.starts_with(expected), "{said}");
    }
    client.send_all(STATUS).unwrap();
    answered(&client);
    drop(client);
    running.stop();
}

#[test]
fn a_line_that_is_too_long_is_answered_before_it_ends_and_skipped() {
    let stage = Stage::new();
    let running = stage.run(vec![(stage.plan("in"), None)]);
    let client = raw(&running);
    let piece = vec![b'x'; 64 * 1024];
    let pieces = MAX_REQUEST_BYTES / (64 * 1024) + 1;
    for _ in 0..pieces {
        client.send_all(&piece).unwrap();
    }
    let said = refused(&client);
    assert_eq!(said, "read the request: it is longer than 1048576 bytes");
    for _ in 0..pieces {
        client.send_all(&piece).unwrap();
    }
    client.send_all(&[b"\n", STATUS].concat()).unwrap();
    answered(&client);
    drop(client);
    running.stop();
}

#[test]
fn many_requests_at_once_and_a_last_one_without_an_end_are_answered() {
    let stage = Stage::new();
    let running = stage.run(vec![(stage.plan("in"), None)]);
    let client = raw(&running);
    let all = [STATUS, STATUS, STATUS.trim_ascii_end()].concat();
    client.send_all(&all).unwrap();
    client.shutdown(Direction::Write).unwrap();
    for _ in 0..3 {
        answered(&client);
    }
    assert_eq!(read(&client), None);
    running.stop();
}

#[test]
fn clients_that_are_silent_or_do_not_read_keep_nobody_waiting_until_they_are_too_many() {
    let stage = Stage::new();
    let running = stage.run(vec![(stage.plan("in"), None)]);
    let mut idle: Vec<Connection> = (0..29).map(|_| raw(&running)).collect();
    let halfway = raw(&running);
    halfway.send_all(b"{\"version\":").unwrap();
    idle.push(halfway);
    // One that asks and asks, and never reads an answer.
    let deaf = raw(&running);
    deaf.set_nonblocking(true).unwrap();
    while deaf.send(STATUS).is_ok() {}
    idle.push(deaf);
    let last = raw(&running);
    last.send_all(STATUS).unwrap();
    answered(&last);
    let one_more = raw(&running);
    assert_eq!(refused(&one_more), "32 clients are served already");
    assert_eq!(read(&one_more), None);
    drop(idle);
    running.becomes_free();
    last.send_all(STATUS).unwrap();
    answered(&last);
    drop(last);
    running.stop();
}

impl Running {
    /// Waits until another client is served.
    fn becomes_free(&self) {
        let deadline = std::time::Instant::now() + crate::stage::PATIENCE;
        loop {
            let client = raw(self);
            // It may be turned away before it has asked.
            let _ = client.send_all(STATUS);
            if read(&client).is_some_and(|answer| answer["ok"].is_object()) {
                return;
            }
            assert!(std::time::Instant::now() < deadline);
        }
    }
}

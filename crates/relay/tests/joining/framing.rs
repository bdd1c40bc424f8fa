//! Messages at one end, bytes at the other.

use rstest::rstest;
use sockeye_address::Kind;
use sockeye_relay::framing::Framing;
use sockeye_socket::{BindOptions, Connection, Direction, Listener};

use crate::stage::{PATIENCE, Stage, rest};

/// A client that sends bytes, and the server's end, which has messages.
fn between(stage: &Stage) -> (Connection, Connection) {
    let server = Listener::bind(
        &stage.name("out.sock"),
        Kind::Seqpacket,
        &BindOptions::new(),
    )
    .unwrap();
    let client = stage.client();
    let accepted = server.accept().unwrap();
    accepted.set_receive_timeout(Some(PATIENCE)).unwrap();
    (client, accepted)
}

fn stage(framing: Framing) -> Stage {
    Stage::with(Kind::Stream, |plan| plan.framing = Some(framing))
}

#[rstest]
#[case::lines(Framing::Lines, b"one\ntwo\n")]
#[case::a_last_line_without_its_newline(Framing::Lines, b"one\ntwo")]
#[case::length32(Framing::Length32, b"\0\0\0\x03one\0\0\0\x03two")]
fn the_end_comes_behind_the_last_message(#[case] framing: Framing, #[case] bytes: &[u8]) {
    let stage = stage(framing);
    let (client, server) = between(&stage);
    client.send_all(bytes).unwrap();
    client.shutdown(Direction::Write).unwrap();
    assert_eq!(rest(&server), b"onetwo");
    server.shutdown(Direction::Write).unwrap();
    assert_eq!(rest(&client), b"");
    assert_eq!(stage.end(), "Complete");
}

#[test]
fn descriptors_in_a_stream_that_becomes_messages_are_refused_and_not_dropped() {
    let stage = stage(Framing::Lines);
    let (client, server) = between(&stage);
    let file = tempfile::tempfile().unwrap();
    client.send_message(b"with one\n", &[file]).unwrap();
    assert_eq!(stage.end(), "Descriptors(Up, NotPassed { count: 1 })");
    drop(server);
}

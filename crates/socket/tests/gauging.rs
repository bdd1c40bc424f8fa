//! Which queued bytes carry no passed descriptors.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::fs::File;

use sockeye_socket::{BindOptions, Connection, Error, Kind, Life, Listener, Name, RightsGauge};

fn pair() -> (Connection, Connection) {
    Connection::pair(Kind::Stream, &Life::default()).unwrap()
}

fn null() -> File {
    File::open("/dev/null").unwrap()
}

#[test]
fn plain_bytes_are_counted() {
    let (near, far) = pair();
    let gauge = RightsGauge::open(&far).unwrap();
    assert_eq!(gauge.plain_bytes(&far).unwrap(), Some(0));
    near.send_all(b"hello").unwrap();
    near.send_all(b"world").unwrap();
    assert_eq!(gauge.plain_bytes(&far).unwrap(), Some(10));
    assert_eq!(far.receive(&mut [0; 7]).unwrap(), 7);
    assert_eq!(gauge.plain_bytes(&far).unwrap(), Some(3));
    drop(near);
    assert_eq!(gauge.plain_bytes(&far).unwrap(), Some(3));
}

#[test]
fn nothing_is_plain_while_descriptors_are_queued_and_all_is_after_they_were_received() {
    let (near, far) = pair();
    let gauge = RightsGauge::open(&far).unwrap();
    near.send_message(b"with", &[null(), null()]).unwrap();
    assert_eq!(gauge.plain_bytes(&far).unwrap(), None);
    near.send_all(b"behind").unwrap();
    assert_eq!(gauge.plain_bytes(&far).unwrap(), None);
    let message = far.receive_message(&mut [0; 2]).unwrap();
    assert_eq!((message.length_bytes, message.descriptors.len()), (2, 2));
    // The rest of the message has no descriptors any more.
    assert_eq!(gauge.plain_bytes(&far).unwrap(), Some(8));
}

#[test]
fn descriptors_behind_plain_bytes_are_seen() {
    let (near, far) = pair();
    let gauge = RightsGauge::open(&far).unwrap();
    near.send_all(b"plain").unwrap();
    assert_eq!(gauge.plain_bytes(&far).unwrap(), Some(5));
    near.send_message(b"!", &[null()]).unwrap();
    assert_eq!(gauge.plain_bytes(&far).unwrap(), None);
    assert_eq!(far.receive_message(&mut [0; 5]).unwrap().length_bytes, 5);
    assert_eq!(gauge.plain_bytes(&far).unwrap(), None);
    let message = far.receive_message(&mut [0; 5]).unwrap();
    assert_eq!(message.descriptors.len(), 1);
    assert_eq!(gauge.plain_bytes(&far).unwrap(), Some(0));
}

#[test]
fn an_accepted_connection_has_a_gauge() {
    let listener = Listener::bind(&Name::Unnamed, Kind::Stream, &BindOptions::new()).unwrap();
    let client = Connection::connect(listener.name(), None, &Life::default()).unwrap();
    client.send_message(b"early", &[null()]).unwrap();
    let server_side = listener.accept().unwrap();
    let gauge = RightsGauge::open(&server_side).unwrap();
    assert_eq!(gauge.plain_bytes(&server_side).unwrap(), None);
}

#[test]
fn only_connected_streams_have_a_gauge() {
    let listener = Listener::bind(&Name::Unnamed, Kind::Stream, &BindOptions::new()).unwrap();
    assert!(RightsGauge::open(&listener).is_none());
    let (near, _far) = Connection::pair(Kind::Seqpacket, &Life::default()).unwrap();
    assert!(RightsGauge::open(&near).is_none());
    assert!(RightsGauge::open(null()).is_none());
    let network = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    assert!(RightsGauge::open(&network).is_none());
}

#[test]
fn another_descriptor_is_refused() {
    let (near, far) = pair();
    let gauge = RightsGauge::open(&far).unwrap();
    assert!(matches!(gauge.plain_bytes(&near), Err(Error::Unfit { .. })));
}

/// The claim that everything rests on: while another thread queues bytes with and without descriptors as fast as it
/// can, bytes that the gauge calls plain never carry one.
#[test]
fn plain_bytes_carry_no_descriptors_while_a_sender_races() {
    const MESSAGES: usize = 20_000;
    let carries = |index: usize| index % 7 == 3;
    let (near, far) = pair();
    let gauge = RightsGauge::open(&far).unwrap();
    let file = null();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for index in 0..MESSAGES {
                if carries(index) {
                    near.send_message(b"with", &[&file]).unwrap();
                } else {
                    near.send_all(b"plain").unwrap();
                }
            }
            near.shutdown(sockeye_socket::Direction::Write).unwrap();
        });
        let (mut received, mut plain) = (0, 0);
        let mut buffer = vec![0; 1 << 20];
        loop {
            let expected = gauge.plain_bytes(&far).unwrap();
            let room = match expected {
                Some(0) | None => 4,
                Some(bytes) => bytes.min(buffer.len()),
            };
            let message = far.receive_message(&mut buffer[..room]).unwrap();
            if message.is_empty() {
                break;
            }
            received += message.descriptors.len();
            if expected.is_some_and(|bytes| bytes > 0) {
                plain += message.length_bytes;
                assert_eq!(message.descriptors.len(), 0);
                assert_eq!(message.length_bytes, room);
            }
        }
        assert_eq!(
            received,
            (0..MESSAGES).filter(|index| carries(*index)).count()
        );
        assert!(plain > 0);
    });
}

//! Bytes, messages, back-pressure.

use std::sync::Arc;

use rstest::rstest;
use sockeye_address::{Address, Kind, Name};
use sockeye_relay::plan::{Descriptors, Target};
use sockeye_socket::Direction;

use crate::stage::{Stage, exactly, rest};

fn pattern(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[0]
        })
        .collect()
}

#[rstest]
#[case::passing(Descriptors::Pass { most: 253 })]
#[case::refusing(Descriptors::Refuse)]
fn bulk_arrives_unchanged_both_ways_at_once(#[case] descriptors: Descriptors) {
    let stage = Stage::with(Kind::Stream, |plan| plan.descriptors = descriptors);
    let (client, server) = stage.pair();
    let (client, server) = (Arc::new(client), Arc::new(server));
    let data = Arc::new(pattern(32 << 20));
    let send = |end: &Arc<sockeye_socket::Connection>| {
        let (end, data) = (Arc::clone(end), Arc::clone(&data));
        std::thread::spawn(move || {
            end.send_all(&data).unwrap();
            end.shutdown(Direction::Write).unwrap();
        })
    };
    let senders = [send(&client), send(&server)];
    let receiver = {
        let server = Arc::clone(&server);
        std::thread::spawn(move || rest(&server))
    };
    assert!(rest(&client) == *data);
    assert!(receiver.join().unwrap() == *data);
    for sender in senders {
        sender.join().unwrap();
    }
    assert_eq!(stage.end(), "Complete");
}

#[test]
fn every_size_of_a_piece_arrives_whole() {
    let stage = Stage::new(Kind::Stream);
    let (client, server) = stage.pair();
    let data = pattern(300_000);
    for length in [1, 2, 63, 4096, 65_535, 65_536, 65_537, 131_072, 300_000] {
        let (data, client) = (&data[..length], &client);
        std::thread::scope(|scope| {
            scope.spawn(move || client.send_all(data).unwrap());
            assert!(exactly(&server, length) == data, "{length} bytes");
        });
    }
}

#[test]
fn a_receiver_that_does_not_receive_stops_the_sender() {
    let stage = Stage::new(Kind::Stream);
    let (client, server) = stage.pair();
    client.set_nonblocking(true).unwrap();
    let block = vec![7; 64 * 1024];
    let mut sent = 0_usize;
    let mut refusals = 0;
    // Room appears as the relay takes what its own queues hold, and then no more.
    while refusals < 200 {
        match client.send(&block) {
            Ok(bytes) => (sent, refusals) = (sent + bytes, 0),
            Err(error) if error.would_block() => {
                refusals += 1;
                std::thread::yield_now();
            }
            Err(error) => panic!("{error}"),
        }
        assert!(sent < 64 << 20, "the relay takes without end");
    }
    client.set_nonblocking(false).unwrap();
    client.shutdown(Direction::Write).unwrap();
    assert_eq!(rest(&server).len(), sent);
}

#[test]
fn messages_of_seqpacket_sockets_keep_their_boundaries() {
    let stage = Stage::new(Kind::Seqpacket);
    let (client, server) = stage.pair();
    let data = pattern(150_000);
    let mut buffer = vec![0; 200_000];
    for length in [1, 100, 65_536, 65_537, 150_000, 0, 3] {
        client.send(&data[..length]).unwrap();
        let message = server.receive_message(&mut buffer).unwrap();
        assert_eq!(message.full_length_bytes, length);
        assert!(buffer[..length] == data[..length]);
    }
    client.send(b"last").unwrap();
    client.shutdown(Direction::Write).unwrap();
    assert_eq!(server.receive(&mut buffer).unwrap(), 4);
    assert_eq!(server.receive(&mut buffer).unwrap(), 0);
    server.send(b"answer").unwrap();
    assert_eq!(client.receive(&mut buffer).unwrap(), 6);
}

#[test]
fn two_hundred_clients_at_once_are_not_mixed_up() {
    let stage = Stage::new(Kind::Stream);
    let server = stage.server();
    let clients: Vec<_> = (0..200).map(|_| stage.client()).collect();
    let ends: Vec<_> = clients.iter().map(|_| server.accept().unwrap()).collect();
    for (number, client) in clients.iter().enumerate() {
        client.send_all(&number.to_le_bytes()).unwrap();
    }
    for end in &ends {
        let number = exactly(end, 8);
        end.send_all(&number).unwrap();
    }
    for (number, client) in clients.iter().enumerate() {
        assert_eq!(exactly(client, 8), number.to_le_bytes());
    }
}

#[test]
fn a_target_that_is_not_there_ends_one_client_and_not_the_relay() {
    let stage = Stage::new(Kind::Stream);
    let lost = stage.client();
    assert_eq!(rest(&lost), b"");
    assert_eq!(stage.end(), "NoTarget");
    assert!(
        stage
            .said()
            .iter()
            .any(|line| line.contains("TargetFailed"))
    );
    let (client, server) = stage.pair();
    client.send_all(b"now").unwrap();
    assert_eq!(exactly(&server, 3), b"now");
}

#[test]
fn a_target_that_failed_is_tried_last_for_a_while() {
    let stage = Stage::with(Kind::Stream, |plan| {
        let dead = Target {
            address: Address::from(Name::Path("/nowhere/at/all.sock".into())),
        };
        plan.targets.insert(0, dead);
    });
    let server = stage.server();
    for _ in 0..10 {
        let client = stage.client();
        client.send_all(b"x").unwrap();
        let end = server.accept().unwrap();
        assert_eq!(exactly(&end, 1), b"x");
    }
    let failures = stage.said();
    let failures = failures.iter().filter(|line| line.contains("TargetFailed"));
    assert_eq!(failures.count(), 1);
}

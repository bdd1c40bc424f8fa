//! What is passed with the bytes.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::os::fd::OwnedFd;

use rstest::rstest;
use rustix::io::{FdFlags, fcntl_getfd};
use sockeye_address::Kind;
use sockeye_relay::plan::Descriptors;
use sockeye_socket::Connection;

use crate::stage::{Stage, exactly, rest};

fn file(content: &str) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content.as_bytes()).unwrap();
    file
}

fn content(fd: OwnedFd) -> String {
    assert!(fcntl_getfd(&fd).unwrap().contains(FdFlags::CLOEXEC));
    let mut file = File::from(fd);
    let mut text = String::new();
    file.rewind().unwrap();
    file.read_to_string(&mut text).unwrap();
    text
}

fn receive(end: &Connection, length: usize) -> (Vec<u8>, Vec<String>) {
    let mut buffer = vec![0; length];
    let message = end.receive_message(&mut buffer).unwrap();
    buffer.truncate(message.length_bytes);
    (
        buffer,
        message.descriptors.into_iter().map(content).collect(),
    )
}

#[rstest]
#[case(Kind::Stream)]
#[case(Kind::Seqpacket)]
fn descriptors_arrive_with_their_bytes_both_ways(#[case] kind: Kind) {
    let stage = Stage::new(kind);
    let (client, server) = stage.pair();
    for (from, to) in [(&client, &server), (&server, &client)] {
        from.send_message(b"two", &[file("a"), file("b")]).unwrap();
        let (bytes, files) = receive(to, 64);
        assert_eq!(
            (bytes.as_slice(), files),
            (&b"two"[..], vec!["a".into(), "b".into()])
        );
        from.send_all(b"none").unwrap();
        assert_eq!(receive(to, 64), (b"none".to_vec(), vec![]));
    }
}

#[test]
fn a_descriptor_stays_with_its_byte_whatever_is_queued_before_it() {
    for plain in [1, 2, 3, 100, 5000, 70_000] {
        let stage = Stage::new(Kind::Stream);
        // All is queued before the relay has anybody to take it to.
        let server = stage.server();
        let client = stage.client();
        client.send_all(&vec![b'.'; plain]).unwrap();
        client.send_message(b"!", &[file("passed")]).unwrap();
        client.send_all(b"behind").unwrap();
        let end = server.accept().unwrap();
        // By `read`, which would drop a descriptor that came too early.
        assert_eq!(exactly(&end, plain), vec![b'.'; plain]);
        let (bytes, files) = receive(&end, 1);
        assert_eq!(
            (bytes.as_slice(), files),
            (&b"!"[..], vec!["passed".to_owned()])
        );
        assert_eq!(exactly(&end, 6), b"behind");
    }
}

#[test]
fn descriptors_arrive_in_the_middle_of_bulk() {
    let stage = Stage::new(Kind::Stream);
    let (client, server) = stage.pair();
    let sender = std::thread::spawn(move || {
        for round in 0..20 {
            client.send_all(&vec![b'.'; 3 << 20]).unwrap();
            client
                .send_message(b"!", &[file(&round.to_string())])
                .unwrap();
        }
    });
    let mut files = Vec::new();
    let (mut bytes, mut places) = (0, Vec::new());
    let mut buffer = vec![0; 1 << 20];
    loop {
        let message = server.receive_message(&mut buffer).unwrap();
        if message.length_bytes == 0 {
            break;
        }
        if !message.descriptors.is_empty() {
            let mark = buffer[..message.length_bytes]
                .iter()
                .position(|byte| *byte == b'!');
            places.push(bytes + mark.unwrap());
        }
        bytes += message.length_bytes;
        files.extend(message.descriptors.into_iter().map(content));
    }
    sender.join().unwrap();
    assert_eq!(
        files,
        (0..20).map(|round| round.to_string()).collect::<Vec<_>>()
    );
    assert_eq!(
        places,
        (1..=20)
            .map(|round| round * (3 << 20) + round - 1)
            .collect::<Vec<_>>()
    );
    assert_eq!(bytes, 20 * ((3 << 20) + 1));
}

#[rstest]
#[case(Descriptors::Refuse, "Descriptors(Up, NotPassed { count: 1 })")]
#[case(Descriptors::Pass { most: 0 }, "Descriptors(Up, TooMany { count: 1, most: 0 })")]
fn descriptors_that_may_not_pass_end_the_connection(
    #[case] descriptors: Descriptors,
    #[case] end: &str,
) {
    let stage = Stage::with(Kind::Stream, |plan| plan.descriptors = descriptors);
    let (client, server) = stage.pair();
    client.send_all(b"before").unwrap();
    assert_eq!(exactly(&server, 6), b"before");
    client.send_message(b"with", &[file("x")]).unwrap();
    assert_eq!(rest(&server), b"");
    assert_eq!(stage.end(), end);
}

#[test]
fn descriptors_behind_bulk_are_refused_and_not_dropped() {
    let stage = Stage::with(Kind::Stream, |plan| plan.descriptors = Descriptors::Refuse);
    let (client, server) = stage.pair();
    let sender = std::thread::spawn(move || {
        client.send_all(&vec![b'.'; 8 << 20]).unwrap();
        let _ = client.send_message(b"!", &[file("x")]);
    });
    let mut received = 0;
    let mut buffer = vec![0; 1 << 20];
    while let Ok(length @ 1..) = server.receive(&mut buffer) {
        received += length;
    }
    sender.join().unwrap();
    assert!(received <= 8 << 20);
    assert_eq!(stage.end(), "Descriptors(Up, NotPassed { count: 1 })");
}

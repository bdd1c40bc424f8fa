//! What goes wrong on purpose.

use std::time::{Duration, Instant};

use sockeye_address::Kind;
use sockeye_relay::fault::Settings;
use sockeye_socket::Direction;

use crate::stage::{Stage, exactly, rest};

fn faults(list: &[&str]) -> Settings {
    Settings {
        faults: list.iter().map(|text| text.parse().unwrap()).collect(),
        seed: 7,
    }
}

fn stage(list: &[&str]) -> Stage {
    Stage::with(Kind::Stream, |plan| plan.faults = faults(list))
}

#[test]
fn latency_delays_one_direction() {
    let stage = stage(&["up:latency,delay=80ms"]);
    let (client, server) = stage.pair();
    let began = Instant::now();
    client.send_all(b"slow").unwrap();
    assert_eq!(exactly(&server, 4), b"slow");
    assert!(began.elapsed() >= Duration::from_millis(80));
}

#[test]
fn what_comes_while_a_target_is_waited_for_meets_the_faults_too() {
    let stage = Stage::with(Kind::Stream, |plan| {
        plan.faults = faults(&["up:half-close,after=4"]);
        plan.patience.retries = u32::MAX - 1;
        plan.patience.retry_interval = Duration::from_millis(1);
    });
    let client = stage.client();
    client.send_all(b"0123456789").unwrap();
    let accepted = stage.server().accept().unwrap();
    assert_eq!(rest(&accepted), b"0123");
}

#[test]
fn faults_come_to_an_open_connection_without_losing_a_byte() {
    let stage = Stage::new(Kind::Stream);
    let (client, server) = stage.pair();
    let sender = std::thread::spawn(move || {
        for number in 0..200_000_u32 {
            client.send_all(&number.to_le_bytes()).unwrap();
        }
    });
    exactly(&server, 40_000);
    stage
        .handle()
        .set_faults(faults(&["up:slice,size=100"]))
        .unwrap();
    exactly(&server, 40_000);
    stage.handle().set_faults(Settings::default()).unwrap();
    let data = rest(&server);
    sender.join().unwrap();
    let numbers = data
        .chunks(4)
        .map(|bytes| u32::from_le_bytes(bytes.try_into().unwrap()));
    assert!(numbers.eq(20_000..200_000));
}

#[test]
fn a_reset_comes_after_exactly_so_many_bytes() {
    let stage = stage(&["up:reset,after=10"]);
    let (client, server) = stage.pair();
    client.send_all(&[1; 100]).unwrap();
    let mut buffer = [0; 100];
    let mut received = 0;
    while let Ok(length @ 1..) = server.receive(&mut buffer) {
        received += length;
    }
    assert_eq!(received, 10);
    assert_eq!(stage.end(), "Fault");
}

#[test]
fn a_client_that_is_sending_sees_the_reset() {
    let stage = stage(&["down:reset,after=1"]);
    let (client, server) = stage.pair();
    server.send_all(b"xy").unwrap();
    // What the relay leaves unread is what makes a reset of its close. It is told once, by whatever is called next.
    let refused = loop {
        if let Err(error) = client.send(b"more") {
            break error.io_kind();
        }
    };
    let mut buffer = [0; 10];
    let told = std::iter::repeat_with(|| client.receive(&mut buffer))
        .find_map(|answer| match answer {
            Ok(0) => Some(None),
            Ok(_) => None,
            Err(error) => Some(error.io_kind()),
        })
        .unwrap();
    assert!([refused, told].contains(&Some(std::io::ErrorKind::ConnectionReset)));
}

#[test]
fn a_half_close_leaves_the_other_direction_open() {
    let stage = stage(&["up:half-close,after=3"]);
    let (client, server) = stage.pair();
    client.send_all(b"abcdef").unwrap();
    assert_eq!(rest(&server), b"abc");
    server.send_all(b"answer").unwrap();
    assert_eq!(exactly(&client, 6), b"answer");
}

#[test]
fn a_black_hole_takes_everything_and_ends_with_its_client() {
    let stage = stage(&["up:black-hole"]);
    let (client, _server) = stage.pair();
    client.send_all(&vec![0; 4 << 20]).unwrap();
    drop(client);
    assert_eq!(stage.end(), "HungUp(Up)");
}

#[test]
fn what_is_delayed_arrives_although_its_client_has_left() {
    let stage = stage(&["up:latency,delay=50ms"]);
    let (client, server) = stage.pair();
    client.send_all(b"goodbye").unwrap();
    drop(client);
    assert_eq!(rest(&server), b"goodbye");
}

#[test]
fn a_slow_close_passes_the_end_on_late() {
    let stage = stage(&["up:slow-close,delay=60ms"]);
    let (client, server) = stage.pair();
    let began = Instant::now();
    client.shutdown(Direction::Write).unwrap();
    assert_eq!(rest(&server), b"");
    assert!(began.elapsed() >= Duration::from_millis(60));
}

#[test]
fn refused_clients_never_reach_the_target() {
    let stage = stage(&["refuse"]);
    let client = stage.client();
    let mut buffer = [0; 1];
    assert!(matches!(client.receive(&mut buffer), Ok(0) | Err(_)));
    assert_eq!(stage.end(), "Refused");
}

#[test]
fn a_black_hole_hides_that_the_target_has_gone() {
    let stage = stage(&["down:black-hole"]);
    let (client, server) = stage.pair();
    server.send_all(b"unheard").unwrap();
    drop(server);
    client
        .set_receive_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    let error = client.receive(&mut [0; 8]).expect_err("silence");
    assert!(error.would_block());
}

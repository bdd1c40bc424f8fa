//! Half-close, hang-up, reset.

use std::io::ErrorKind;

use sockeye_address::Kind;
use sockeye_relay::plan::Patience;
use sockeye_socket::Direction;
use std::time::Duration;

use crate::stage::{Stage, exactly, rest};

#[test]
fn a_client_that_has_said_all_still_hears_the_answer() {
    let stage = Stage::new(Kind::Stream);
    let (client, server) = stage.pair();
    client.send_all(b"question").unwrap();
    client.shutdown(Direction::Write).unwrap();
    assert_eq!(rest(&server), b"question");
    let answer = std::thread::spawn(move || server.send_all(&vec![1; 1 << 20]).unwrap());
    assert_eq!(rest(&client).len(), 1 << 20);
    answer.join().unwrap();
    assert_eq!(stage.end(), "Complete");
}

#[test]
fn a_server_that_has_said_all_still_hears_the_client() {
    let stage = Stage::new(Kind::Stream);
    let (client, server) = stage.pair();
    server.shutdown(Direction::Write).unwrap();
    assert_eq!(rest(&client), b"");
    client.send_all(b"more").unwrap();
    assert_eq!(exactly(&server, 4), b"more");
    drop(client);
    assert_eq!(rest(&server), b"");
}

#[test]
fn a_client_that_closes_after_its_half_close_ends_a_server_that_never_stops() {
    let stage = Stage::new(Kind::Stream);
    let (client, server) = stage.pair();
    client.shutdown(Direction::Write).unwrap();
    assert_eq!(rest(&server), b"");
    drop(client);
    assert_eq!(stage.end(), "HungUp(Up)");
    let refused = loop {
        if let Err(error) = server.send(b"event") {
            break error;
        }
    };
    assert_eq!(refused.io_kind(), Some(ErrorKind::BrokenPipe));
}

#[test]
fn what_a_client_sent_before_it_closed_arrives() {
    let stage = Stage::new(Kind::Stream);
    for _ in 0..100 {
        let (client, server) = stage.pair();
        client.send_all(&vec![5; 100_000]).unwrap();
        drop(client);
        assert_eq!(rest(&server).len(), 100_000);
    }
}

#[test]
fn a_server_that_closes_with_something_unread_resets_the_client() {
    let stage = Stage::new(Kind::Stream);
    let (client, server) = stage.pair();
    client.send_all(b"unread").unwrap();
    exactly(&server, 1);
    drop(server);
    let end = stage.end();
    assert!(end == "Reset(Down)" || end == "Complete", "{end}");
}

#[test]
fn a_server_that_stops_reading_may_go_on_speaking() {
    let stage = Stage::new(Kind::Stream);
    let (client, server) = stage.pair();
    server.shutdown(Direction::Read).unwrap();
    let refused = loop {
        if let Err(error) = client.send(b"to nobody") {
            break error;
        }
    };
    assert_eq!(refused.io_kind(), Some(ErrorKind::BrokenPipe));
    server.send_all(b"still here").unwrap();
    assert_eq!(exactly(&client, 10), b"still here");
}

#[test]
fn an_idle_connection_ends_when_that_is_asked_for() {
    let stage = Stage::with(Kind::Stream, |plan| {
        plan.patience = Patience {
            idle: Some(Duration::from_millis(50)),
            ..Patience::default()
        };
    });
    let (client, server) = stage.pair();
    client.send_all(b"x").unwrap();
    assert_eq!(exactly(&server, 1), b"x");
    assert_eq!(stage.end(), "Idle");
    assert_eq!(rest(&client), b"");
}

#[test]
fn only_a_half_closed_connection_ends_by_the_limit_for_those() {
    let stage = Stage::with(Kind::Stream, |plan| {
        plan.patience = Patience {
            half_closed: Some(Duration::from_millis(50)),
            ..Patience::default()
        };
    });
    let server = stage.server();
    let (whole, half) = (stage.client(), stage.client());
    let ends = [server.accept().unwrap(), server.accept().unwrap()];
    half.shutdown(Direction::Write).unwrap();
    assert_eq!(stage.end(), "Idle");
    whole.send_all(b"x").unwrap();
    let heard = ends.iter().filter(|end| {
        let mut byte = [0; 1];
        end.receive(&mut byte).unwrap() == 1
    });
    assert_eq!(heard.count(), 1);
}

#[test]
fn a_connection_is_cut_through_its_handle() {
    let stage = Stage::new(Kind::Stream);
    let (client, _server) = stage.pair();
    let open = stage.handle().status().connections;
    assert_eq!(open.len(), 1);
    assert!(stage.handle().cut(open[0].id));
    assert_eq!(rest(&client), b"");
    assert_eq!(stage.end(), "Cut");
    // It is told that a connection has ended, then it is forgotten.
    while stage.handle().cut(open[0].id) {
        std::thread::yield_now();
    }
}

#[test]
fn a_client_that_leaves_while_its_target_is_waited_for_makes_room_for_others() {
    let stage = Stage::with(Kind::Stream, |plan| {
        plan.limits.max_clients = Some(1);
        plan.patience.retries = u32::MAX;
        plan.patience.retry_interval = Duration::from_millis(5);
    });
    let left = stage.client();
    drop(left);
    assert_eq!(stage.end(), "HungUp(Up)");
    let (client, server) = stage.pair();
    client.send_all(b"next").unwrap();
    assert_eq!(exactly(&server, 4), b"next");
}

#[test]
fn what_a_client_left_behind_still_goes_to_a_target_that_comes_later() {
    let stage = Stage::with(Kind::Stream, |plan| {
        plan.patience.retries = u32::MAX;
        plan.patience.retry_interval = Duration::from_millis(5);
    });
    let client = stage.client();
    client.send_all(b"will").unwrap();
    drop(client);
    let server = stage.server();
    assert_eq!(rest(&server.accept().unwrap()), b"will");
}

//! Which connection has which fault.

use std::time::Instant;

use super::settings;
use crate::fault::{Chain, Direction, Line, Passing, Settings};

/// Those of the first 10,000 connections that are black holes.
fn swallowed(settings: &Settings, direction: Direction) -> Vec<u64> {
    let now = Instant::now();
    let is_over = |connection: &u64| {
        let line = Line {
            connection: *connection,
            direction,
        };
        let mut chain = Chain::new(settings, line, Passing::Bytes, now);
        let _ = chain.take(now);
        chain.is_over()
    };
    (0..10_000).filter(is_over).collect()
}

#[test]
fn a_share_of_the_connections_has_it() {
    let some = swallowed(
        &settings(&["up:black-hole,probability=0.3"], 1),
        Direction::Up,
    );
    assert!((2_816..=3_184).contains(&some.len()), "{}", some.len());
    let settings = settings(&["up:black-hole,probability=0"], 1);
    assert!(swallowed(&settings, Direction::Up).is_empty());
}

#[test]
fn the_seed_decides() {
    let of = |seed| {
        let settings = settings(&["up:black-hole,probability=0.3"], seed);
        swallowed(&settings, Direction::Up)
    };
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
}

#[test]
fn directions_and_faults_are_drawn_apart() {
    let both = settings(&["both:black-hole,probability=0.5"], 1);
    let (up, down) = (
        swallowed(&both, Direction::Up),
        swallowed(&both, Direction::Down),
    );
    let in_both = up.iter().filter(|number| down.contains(number)).count();
    assert!((2_326..=2_674).contains(&in_both), "{in_both}");

    let twice = settings(
        &[
            "up:black-hole,probability=0.5",
            "up:black-hole,probability=0.5",
        ],
        1,
    );
    let either = swallowed(&twice, Direction::Up).len();
    assert!((7_326..=7_674).contains(&either), "{either}");
}

#[test]
fn other_faults_and_other_parameters_do_not_change_who_has_it() {
    let alone = settings(&["up:black-hole,probability=0.3"], 1);
    let faults = [
        "both:latency,delay=1s",
        "down:reset",
        "up:black-hole,time=0,probability=0.3",
    ];
    let among = settings(&faults, 1);
    assert_eq!(
        swallowed(&alone, Direction::Up),
        swallowed(&among, Direction::Up)
    );
}

#[test]
fn a_direction_without_faults_is_clear() {
    let settings = settings(&["up:black-hole", "refuse"], 1);
    assert!(!settings.is_clear(Direction::Up));
    assert!(settings.is_clear(Direction::Down));
    let line = Line {
        connection: 1,
        direction: Direction::Down,
    };
    assert!(Chain::new(&settings, line, Passing::Bytes, Instant::now()).is_clear());
}

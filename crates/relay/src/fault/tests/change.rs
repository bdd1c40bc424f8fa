//! Faults that are changed while something passes.

use std::time::Duration;

use super::Bench;
use crate::fault::Passing;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_new_one_begins_then_and_leaves_alone_what_is_on_its_way() {
    let mut bench = Bench::new(&["up:latency,delay=5s"], Passing::Bytes);
    bench.pass("a");
    bench.wait(SECOND);
    bench.change(&["up:latency,delay=5s", "up:reset,time=7s"]);
    bench.pass("b");
    assert_eq!(bench.run(), ["5s a", "6s b", "8s reset"]);
}

#[test]
fn one_that_goes_gives_up_what_it_held_back() {
    let mut bench = Bench::new(&["up:bandwidth,rate=1"], Passing::Messages);
    bench.pass("a day's worth");
    bench.pass("more");
    bench.end();
    bench.wait(SECOND);
    bench.change(&[]);
    assert_eq!(bench.run(), ["1s a day's worth", "1s more", "1s end"]);
}

#[test]
fn what_one_that_goes_had_planned_does_not_bind_those_that_stay() {
    let stays = ["up:latency,delay=1s", "up:bandwidth,rate=10"];
    let faults = [&["up:bandwidth,rate=1"][..], &stays[..]].concat();
    let mut bench = Bench::new(&faults, Passing::Messages);
    bench.pass(&"a".repeat(100));
    bench.wait(SECOND);
    bench.change(&stays);
    assert!(bench.take().is_some());
    bench.pass("0123456789");
    assert_eq!(bench.run(), ["3s 0123456789"]);
}

#[test]
fn one_that_stays_goes_on_counting() {
    let mut bench = Bench::new(&["up:reset,after=5", "up:latency,delay=1s"], Passing::Bytes);
    bench.pass("abc");
    bench.change(&["up:latency,delay=2s", "up:reset,after=5"]);
    bench.pass("def");
    assert_eq!(bench.run(), ["0s abc", "2s de", "2s reset"]);
}

#[test]
fn an_end_that_was_passed_on_is_not_taken_back() {
    let mut bench = Bench::new(&["up:half-close"], Passing::Bytes);
    assert_eq!(bench.run(), ["0s end"]);
    bench.change(&[]);
    bench.pass("a");
    bench.end();
    assert!(bench.run().is_empty());
    assert!(!bench.chain().is_clear());
}

#[test]
fn the_same_faults_change_nothing() {
    let faults = ["up:latency,delay=5s", "up:reset,time=9s"];
    let mut bench = Bench::new(&faults, Passing::Bytes);
    bench.pass("a");
    bench.wait(SECOND);
    bench.change(&faults);
    assert_eq!(bench.run(), ["5s a", "9s reset"]);
}

#[test]
fn without_faults_a_chain_is_clear_when_it_is_empty() {
    let mut bench = Bench::new(&["up:latency,delay=5s"], Passing::Bytes);
    bench.pass("a");
    bench.change(&[]);
    assert!(!bench.chain().is_clear());
    assert!(bench.take().is_some());
    assert!(bench.chain().is_clear());
}

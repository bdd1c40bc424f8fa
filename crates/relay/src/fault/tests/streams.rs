//! Whatever the faults that lose nothing: all arrives, in order, each descriptor with its byte, and what waits is bounded.

use std::os::fd::{AsRawFd as _, RawFd};
use std::time::Duration;

use proptest::prelude::*;

use super::grammar::any_fault;
use super::{Bench, null};
use crate::fault::{Passing, Spec, What};

/// Faults that lose nothing, such as can be together.
fn harmless() -> impl Strategy<Value = Vec<String>> {
    let ms = 0..50_u32;
    let one = prop_oneof![
        (ms.clone(), ms.clone())
            .prop_map(|(delay, jitter)| format!("up:latency,delay={delay}ms,jitter={jitter}ms")),
        (1..100_000_u32).prop_map(|rate| format!("up:bandwidth,rate={rate}")),
        (1..100_u32, 0..100_u32, ms.clone()).prop_map(|(size, variation, gap)| {
            format!("up:slice,size={size},variation={variation},gap={gap}ms")
        }),
        ms.prop_map(|delay| format!("up:slow-close,delay={delay}ms")),
    ];
    prop::collection::vec(one, 0..4)
}

/// What happens on a bench.
#[derive(Debug, Clone)]
enum Step {
    /// So many bytes are received, with so many descriptors.
    Pass(usize, usize),
    Wait(Duration),
    Change(Vec<String>),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (1..500_usize, 0..3_usize).prop_map(|(bytes, descriptors)| Step::Pass(bytes, descriptors)),
        3 => (0..200_u64).prop_map(|ms| Step::Wait(Duration::from_millis(ms))),
        1 => harmless().prop_map(Step::Change),
    ];
    prop::collection::vec(step, 0..30)
}

/// All bytes, and the descriptors with the number of the byte that they are with.
#[derive(Debug, Default, PartialEq)]
struct Stream {
    bytes: Vec<u8>,
    descriptors: Vec<(usize, RawFd)>,
    ended: bool,
}

impl Stream {
    fn add(&mut self, what: &What) {
        assert!(!self.ended, "{what:?} comes after the end");
        match what {
            What::Data { bytes, descriptors } => {
                let numbers = descriptors
                    .iter()
                    .map(|fd| (self.bytes.len(), fd.as_raw_fd()));
                self.descriptors.extend(numbers);
                self.bytes.extend(bytes);
            }
            What::End => self.ended = true,
            What::Reset | What::Close => panic!("{what:?} comes of nothing"),
        }
    }
}

/// Each byte of a stream says where it is.
fn some_bytes(first: usize, length: usize) -> Vec<u8> {
    let all = (0..=250_u8).cycle();
    all.skip(first % 251).take(length).collect()
}

fn words(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

proptest! {
    #[test]
    fn nothing_is_lost_or_reordered(faults in harmless(), steps in steps(), seed: u64) {
        let mut bench = Bench::seeded(&words(&faults), Passing::Bytes, seed);
        let (mut sent, mut arrived) = (Stream::default(), Stream::default());
        // Kept open until the end, so that each number means one descriptor.
        let mut kept = Vec::new();
        for step in &steps {
            match step {
                Step::Pass(length, count) => {
                    let first = sent.bytes.len();
                    let bytes = some_bytes(first, *length);
                    let descriptors = (0..*count).map(|_| null()).collect();
                    let what = What::Data { bytes, descriptors };
                    sent.add(&what);
                    bench.pass_what(what);
                }
                Step::Wait(span) => bench.wait(*span),
                Step::Change(faults) => bench.change(&words(faults)),
            }
            while let Some(what) = bench.take() {
                arrived.add(&what);
                kept.push(what);
            }
        }
        sent.add(&What::End);
        bench.end();
        while let Some(what) = bench.next() {
            arrived.add(&what);
            kept.push(what);
        }
        prop_assert_eq!(sent, arrived);
    }

    #[test]
    fn what_waits_is_bounded(faults in harmless(), seed: u64) {
        let mut bench = Bench::seeded(&words(&faults), Passing::Bytes, seed);
        for _ in 0..100 {
            let room_bytes = bench.chain().room_bytes();
            if room_bytes == 0 {
                break;
            }
            bench.pass_bytes(vec![b'x'; room_bytes.min(64 * 1024)]);
        }
        let mut pieces = 0;
        let mut bytes = 0;
        while let Some(data) = bench.next_data() {
            pieces += 1;
            bytes += data.len();
        }
        prop_assert!(bytes <= 100 * 64 * 1024);
        // What is cut by several is cut at the borders of each.
        prop_assert!(pieces <= 100 + 4096 * (1 + faults.len()), "{} pieces", pieces);
    }
}

proptest! {
    #[test]
    fn whatever_the_faults_a_stream_arrives_from_its_beginning(
        faults in prop::collection::vec(any_fault(), 1..5),
        steps in steps(),
        seed: u64,
    ) {
        let mut bench = Bench::seeded(&words(&faults), Passing::Bytes, seed);
        let (mut sent, mut arrived) = (Vec::new(), Vec::new());
        let mut broken = false;
        let mut add = |what: Option<What>| {
            let Some(what) = what else { return false };
            assert!(!broken, "{what:?} comes after the connection broke");
            match what {
                What::Data { bytes, .. } => arrived.extend(bytes),
                What::End => {}
                What::Reset | What::Close => broken = true,
            }
            true
        };
        for step in &steps {
            match step {
                Step::Pass(length, _) => {
                    let bytes = some_bytes(sent.len(), *length);
                    sent.extend_from_slice(&bytes);
                    bench.pass_bytes(bytes);
                }
                Step::Wait(span) => bench.wait(*span),
                Step::Change(_) => {}
            }
            while add(bench.take()) {}
        }
        bench.end();
        while add(bench.next()) {}
        prop_assert!(sent.starts_with(&arrived));
        let loses = |text: &String| {
            let spec: Spec = text.parse().unwrap();
            ["reset", "close", "half-close", "black-hole"].contains(&spec.kind().name)
        };
        prop_assert!(sent == arrived || faults.iter().any(loses));
    }

    #[test]
    fn faults_may_be_changed_at_any_time(
        faults in prop::collection::vec(any_fault(), 0..4),
        steps in prop::collection::vec((0..500_usize, 0..200_u64, prop::collection::vec(any_fault(), 0..4)), 0..10),
        messages: bool,
        seed: u64,
    ) {
        let passing = if messages { Passing::Messages } else { Passing::Bytes };
        let mut bench = Bench::seeded(&words(&faults), passing, seed);
        for (length, wait_ms, faults) in &steps {
            bench.pass_bytes(some_bytes(0, *length));
            bench.wait(Duration::from_millis(*wait_ms));
            bench.change(&words(faults));
            while bench.take().is_some() {}
        }
        bench.end();
        // Whatever was, an end that is still to come comes.
        let before = bench.chain().is_over();
        bench.change(&[]);
        prop_assert!(before || bench.chain().is_over());
        while bench.next().is_some() {}
        prop_assert_eq!(bench.chain().room_bytes(), 1 << 20);
    }

    #[test]
    fn messages_that_none_of_the_faults_loses_all_come(
        faults in prop::collection::vec(any_fault(), 1..5),
        count in 1..300_u32,
        gap_ms in 0..20_u64,
        seed: u64,
    ) {
        let harmless = |text: &&String| {
            let spec: Spec = text.parse().unwrap();
            spec.check(Passing::Messages).is_ok()
                && !["reset", "close", "half-close", "black-hole", "loss"].contains(&spec.kind().name)
        };
        let faults: Vec<_> = faults.iter().filter(harmless).map(String::as_str).collect();
        let has = |name: &str| faults.iter().any(|text| text.contains(name));
        let mut bench = Bench::seeded(&faults, Passing::Messages, seed);
        let mut arrived = Vec::new();
        for number in 0..count {
            bench.pass(&number.to_string());
            bench.wait(Duration::from_millis(gap_ms));
            while let Some(what) = bench.take() {
                arrived.push(what);
            }
        }
        bench.end();
        while let Some(what) = bench.next() {
            arrived.push(what);
        }
        prop_assert!(matches!(arrived.pop(), Some(What::End)));
        let numbers = arrived.into_iter().map(|what| match what {
            What::Data { bytes, .. } => String::from_utf8(bytes).unwrap().parse::<u32>().unwrap(),
            other => panic!("{other:?} comes of nothing"),
        });
        let mut numbers: Vec<_> = numbers.collect();
        prop_assert!(has("reorder") || numbers.is_sorted());
        numbers.sort_unstable();
        if has("duplicate") {
            numbers.dedup();
        }
        prop_assert!(numbers.into_iter().eq(0..count));
    }
}

#[test]
fn a_full_chain_has_room_again_when_something_was_taken() {
    let mut bench = Bench::new(&["up:latency,delay=1s"], Passing::Bytes);
    let mut passed = 0;
    while !bench.chain().is_full() {
        let bytes = bench.chain().room_bytes().min(60_000);
        bench.pass_bytes(vec![b'x'; bytes]);
        passed += bytes;
    }
    assert_eq!(passed, 1 << 20);
    assert!(bench.next().is_some());
    assert!(!bench.chain().is_full());
}

#[test]
fn a_chain_without_faults_passes_on_at_once() {
    let mut bench = Bench::new(&[], Passing::Bytes);
    assert!(bench.chain().is_clear());
    bench.pass("a");
    bench.end();
    assert_eq!(bench.run(), ["0s a", "0s end"]);
}

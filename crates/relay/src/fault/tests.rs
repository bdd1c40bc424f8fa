//! Faults on a bench: a chain, and a clock that goes only when it is told to.

mod change; // the faults of a chain that is in use
mod grammar; // what can be typed
mod lines; // which connection has which fault
mod streams; // nothing lost, nothing reordered

use std::fs::File;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use sockeye_address::duration;

use super::{Chain, Direction, Line, Passing, Settings, What};

/// A chain for what passes up, and its clock.
pub(super) struct Bench {
    chain: Chain,
    seed: u64,
    began: Instant,
    now: Instant,
}

pub(super) fn settings(faults: &[&str], seed: u64) -> Settings {
    let faults = faults.iter().map(|text| text.parse().unwrap());
    Settings {
        faults: faults.collect(),
        seed,
    }
}

/// A descriptor.
pub(super) fn null() -> OwnedFd {
    File::open("/dev/null").unwrap().into()
}

impl Bench {
    pub(super) fn new(faults: &[&str], passing: Passing) -> Self {
        Bench::seeded(faults, passing, 1)
    }

    pub(super) fn seeded(faults: &[&str], passing: Passing, seed: u64) -> Self {
        let line = Line {
            connection: 1,
            direction: Direction::Up,
        };
        let now = Instant::now();
        Bench {
            chain: Chain::new(&settings(faults, seed), line, passing, now),
            seed,
            began: now,
            now,
        }
    }

    pub(super) fn chain(&self) -> &Chain {
        &self.chain
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.now.duration_since(self.began)
    }

    pub(super) fn at(&self, elapsed: Duration) -> Instant {
        self.began + elapsed
    }

    pub(super) fn wait(&mut self, span: Duration) {
        self.now += span;
    }

    pub(super) fn change(&mut self, faults: &[&str]) {
        self.chain
            .reconfigure(&settings(faults, self.seed), self.now);
    }

    pub(super) fn pass(&mut self, text: &str) {
        self.pass_what(What::data(text));
    }

    pub(super) fn pass_bytes(&mut self, bytes: Vec<u8>) {
        self.pass_what(What::data(bytes));
    }

    pub(super) fn end(&mut self) {
        self.pass_what(What::End);
    }

    pub(super) fn pass_what(&mut self, what: What) {
        self.chain.pass(what, self.now);
    }

    /// What is due now.
    pub(super) fn take(&mut self) -> Option<What> {
        self.chain.take(self.now)
    }

    pub(super) fn take_break(&mut self) -> Option<What> {
        self.chain.take_break(self.now)
    }

    /// Lets the clock go on until something comes out.
    pub(super) fn next(&mut self) -> Option<What> {
        loop {
            if let Some(what) = self.take() {
                return Some(what);
            }
            let wake_at = self.chain.wake_at()?;
            assert!(wake_at > self.now, "it woke for nothing");
            self.now = wake_at;
        }
    }

    /// The same; what comes out must be data.
    pub(super) fn until_next(&mut self) -> String {
        String::from_utf8(self.next_data().unwrap()).unwrap()
    }

    /// The same; `None` for what is no data.
    pub(super) fn next_data(&mut self) -> Option<Vec<u8>> {
        match self.next()? {
            What::Data { bytes, .. } => Some(bytes),
            What::End | What::Reset | What::Close => None,
        }
    }

    /// All that comes out, each with its time.
    pub(super) fn run(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(what) = self.next() {
            let word = match what {
                What::Data { bytes, .. } => String::from_utf8(bytes).unwrap(),
                What::End => "end".to_owned(),
                What::Reset => "reset".to_owned(),
                What::Close => "close".to_owned(),
            };
            all.push(format!("{} {word}", duration::show(self.elapsed())));
        }
        all
    }

    /// All data that comes out.
    pub(super) fn run_data(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(what) = self.next() {
            if let What::Data { bytes, .. } = what {
                all.push(String::from_utf8(bytes).unwrap());
            }
        }
        all
    }
}

//! `reorder`: a message is overtaken by later ones.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::fault::kind::{Kind, Scope, start};
use crate::fault::parameter::{Parameter, Without};
use crate::fault::piece::{Effect, Held, Out, Piece, What, after};
use crate::fault::quantity::{Count, Share};

const SHARE: Parameter<Share> = Parameter {
    name: "share",
    help: "how many of the messages",
    without: Without::Refused,
};
const BY: Parameter<Count> = Parameter {
    name: "by",
    help: "how many others pass before it",
    without: Without::Is(Count(std::num::NonZeroU32::MIN)),
};
const WAIT: Parameter<Duration> = Parameter {
    name: "wait",
    help: "how long it waits for them at most",
    without: Without::Is(Duration::from_secs(1)),
};

pub(super) static KIND: Kind = Kind {
    name: "reorder",
    help: "messages are overtaken by later ones",
    scope: Scope::Messages,
    parameters: &[&SHARE, &BY, &WAIT],
    read: |typed| {
        let (share, by, wait) = (typed.take(&SHARE)?, typed.take(&BY)?, typed.take(&WAIT)?);
        Ok(start(move |begin| Reorder {
            share,
            by: by.0.get(),
            wait,
            rng: begin.rng,
            waiting: VecDeque::new(),
        }))
    },
};

struct Reorder {
    share: Share,
    by: u32,
    wait: Duration,
    rng: fastrand::Rng,
    /// The first has waited longest and has the fewest left to wait for.
    waiting: VecDeque<Waiting>,
}

struct Waiting {
    piece: Piece,
    until: Instant,
    left: u32,
}

impl Effect for Reorder {
    fn pass(&mut self, piece: Piece, out: &mut Out) {
        self.on_time(piece.due, out);
        if !matches!(piece.what, What::Data { .. }) {
            self.release(piece.due, out);
            out.push_back(piece);
        } else if self.share.happens(&mut self.rng) {
            self.waiting.push_back(Waiting {
                until: after(piece.due, self.wait),
                left: self.by,
                piece,
            });
        } else {
            let due = piece.due;
            out.push_back(piece);
            self.overtaken(due, out);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.waiting.front().map(|waiting| waiting.until)
    }

    fn on_time(&mut self, now: Instant, out: &mut Out) {
        while let Some(waiting) = self.waiting.pop_front_if(|waiting| waiting.until <= now) {
            out.push_back(waiting.piece.not_before(waiting.until));
        }
    }

    fn release(&mut self, now: Instant, out: &mut Out) {
        let all = self.waiting.drain(..);
        out.extend(all.map(|waiting| waiting.piece.not_before(now)));
    }

    fn held(&self) -> Held {
        let bytes = self
            .waiting
            .iter()
            .map(|waiting| waiting.piece.what.length_bytes());
        Held {
            bytes: bytes.sum(),
            pieces: self.waiting.len(),
        }
    }
}

impl Reorder {
    fn overtaken(&mut self, due: Instant, out: &mut Out) {
        for waiting in &mut self.waiting {
            waiting.left -= 1;
        }
        while let Some(waiting) = self.waiting.pop_front_if(|waiting| waiting.left == 0) {
            out.push_back(waiting.piece.not_before(due));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::fault::Passing;
    use crate::fault::tests::Bench;

    #[test]
    fn one_that_nothing_overtakes_waits_no_longer_than_said() {
        let mut bench = Bench::new(&["up:reorder,share=1,wait=100ms"], Passing::Messages);
        bench.pass("a");
        bench.wait(Duration::from_millis(30));
        bench.pass("b");
        assert_eq!(bench.run(), ["100ms a", "130ms b"]);
    }

    #[test]
    fn the_end_waits_for_all() {
        let mut bench = Bench::new(&["up:reorder,share=1"], Passing::Messages);
        bench.pass("a");
        bench.pass("b");
        bench.end();
        assert_eq!(bench.run(), ["0s a", "0s b", "0s end"]);
    }

    #[test]
    fn a_share_is_overtaken_by_so_many_and_none_is_lost() {
        let mut bench = Bench::new(&["up:reorder,share=0.1,by=3"], Passing::Messages);
        for number in 0..10_000_u32 {
            bench.pass(&number.to_string());
        }
        bench.end();
        let numbers: Vec<u32> = bench
            .run_data()
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        // How many later ones came before it, not counting those that were overtaken themselves.
        let overtaken_by = |at: usize| {
            numbers[..at]
                .iter()
                .filter(|other| **other > numbers[at])
                .count()
        };
        let overtaken: Vec<_> = (0..numbers.len())
            .map(overtaken_by)
            .filter(|by| *by > 0)
            .collect();
        assert!(
            (880..=1120).contains(&overtaken.len()),
            "{}",
            overtaken.len()
        );
        let exactly = overtaken.iter().filter(|by| **by == 3).count();
        assert!(
            exactly * 10 > overtaken.len() * 9,
            "{exactly} of {}",
            overtaken.len()
        );
        let mut sorted = numbers;
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..10_000));
    }

    #[test]
    fn what_waits_counts_as_held_back() {
        let mut bench = Bench::new(&["up:reorder,share=1,wait=1h"], Passing::Messages);
        for _ in 0..4096 {
            assert!(!bench.chain().is_full());
            bench.pass("");
        }
        assert!(bench.chain().is_full());
        assert_eq!(bench.run().len(), 4096);
        assert!(!bench.chain().is_full());
    }

    #[test]
    fn taken_away_it_gives_up_what_waits() {
        let mut bench = Bench::new(&["up:reorder,share=1,wait=1h"], Passing::Messages);
        bench.pass("a");
        bench.pass("b");
        bench.wait(Duration::from_secs(1));
        bench.change(&[]);
        bench.pass("c");
        assert_eq!(bench.run(), ["1s a", "1s b", "1s c"]);
    }
}

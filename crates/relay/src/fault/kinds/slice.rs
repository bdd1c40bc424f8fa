//! `slice`: a stream comes in small pieces.

use std::time::{Duration, Instant};

use crate::fault::kind::{Kind, Scope, start};
use crate::fault::parameter::{Parameter, Without};
use crate::fault::piece::{Effect, Out, Piece, What, after};
use crate::fault::quantity::{ByteCount, Size};

const SIZE: Parameter<Size> = Parameter {
    name: "size",
    help: "how much is sent at once",
    without: Without::Refused,
};
const VARIATION: Parameter<ByteCount> = Parameter {
    name: "variation",
    help: "so much more or less, at random, but at least a byte",
    without: Without::Is(ByteCount(0)),
};
const GAP: Parameter<Duration> = Parameter {
    name: "gap",
    help: "how long after one piece the next is sent",
    without: Without::Is(Duration::ZERO),
};

pub(super) static KIND: Kind = Kind {
    name: "slice",
    help: "a stream is sent in small pieces",
    scope: Scope::Bytes,
    parameters: &[&SIZE, &VARIATION, &GAP],
    read: |typed| {
        let (size, variation) = (typed.take(&SIZE)?.0.get(), typed.take(&VARIATION)?.0);
        let gap = typed.take(&GAP)?;
        let bytes = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Ok(start(move |begin| Slice {
            least_bytes: bytes(size.saturating_sub(variation)).max(1),
            most_bytes: bytes(size.saturating_add(variation)),
            gap,
            rng: begin.rng,
            next_due: None,
        }))
    },
};

struct Slice {
    least_bytes: usize,
    most_bytes: usize,
    gap: Duration,
    rng: fastrand::Rng,
    next_due: Option<Instant>,
}

impl Effect for Slice {
    fn pass(&mut self, piece: Piece, out: &mut Out) {
        if !matches!(piece.what, What::Data { .. }) {
            out.push_back(piece);
            return;
        }
        let Slice {
            least_bytes,
            most_bytes,
            gap,
            ref mut rng,
            ref mut next_due,
        } = *self;
        let size = || rng.usize(least_bytes..=most_bytes);
        piece.cut(size, |slice| {
            let due = next_due.map_or(slice.due, |next| next.max(slice.due));
            *next_due = Some(after(due, gap));
            out.push_back(slice.not_before(due));
        });
    }

    fn release(&mut self, _: Instant, _: &mut Out) {
        self.next_due = None;
    }

    fn finest_bytes(&self) -> usize {
        self.least_bytes
    }
}

#[cfg(test)]
mod tests {
    use crate::fault::Passing;
    use crate::fault::tests::Bench;

    #[test]
    fn each_slice_has_its_size_and_comes_its_gap_after_the_one_before() {
        let mut bench = Bench::new(&["up:slice,size=3,gap=10ms"], Passing::Bytes);
        bench.pass("abcdefgh");
        bench.pass("ij");
        bench.end();
        assert_eq!(
            bench.run(),
            ["0s abc", "10ms def", "20ms gh", "30ms ij", "30ms end"]
        );
    }

    #[test]
    fn sizes_vary_within_their_bounds() {
        let mut bench = Bench::new(&["up:slice,size=10,variation=5"], Passing::Bytes);
        bench.pass_bytes(vec![0; 10_000]);
        let mut sizes: Vec<_> = bench.run_data().iter().map(String::len).collect();
        // The last one is what is left.
        assert!(sizes.pop().is_some_and(|last| last <= 15));
        for size in 5..=15 {
            assert!(sizes.contains(&size), "{size}");
        }
        assert!(sizes.iter().all(|size| (5..=15).contains(size)));
        assert!((900..1100).contains(&sizes.len()), "{}", sizes.len());
    }

    #[test]
    fn a_variation_larger_than_the_size_leaves_a_byte() {
        let mut bench = Bench::new(&["up:slice,size=1,variation=1"], Passing::Bytes);
        bench.pass("abcdefghijklmnopqrstuvwxyz");
        let out = bench.run_data();
        assert!(out.iter().all(|slice| (1..=2).contains(&slice.len())));
        assert_eq!(out.concat(), "abcdefghijklmnopqrstuvwxyz");
    }
}

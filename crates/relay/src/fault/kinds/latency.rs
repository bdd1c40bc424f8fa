//! `latency`: everything comes later, in the same order.

use std::time::Duration;

use crate::fault::kind::{Kind, Scope, start};
use crate::fault::parameter::{Parameter, Without};
use crate::fault::piece::{Effect, Out, Piece};

const DELAY: Parameter<Duration> = Parameter {
    name: "delay",
    help: "how much later",
    without: Without::Refused,
};
const JITTER: Parameter<Duration> = Parameter {
    name: "jitter",
    help: "so much more or less, at random, each time something is received",
    without: Without::Is(Duration::ZERO),
};

pub(super) static KIND: Kind = Kind {
    name: "latency",
    help: "everything comes later, the end of a connection too",
    scope: Scope::Any,
    parameters: &[&DELAY, &JITTER],
    read: |typed| {
        let (delay, jitter) = (typed.take(&DELAY)?, typed.take(&JITTER)?);
        Ok(start(move |begin| Latency {
            delay,
            jitter,
            rng: begin.rng,
        }))
    },
};

struct Latency {
    delay: Duration,
    jitter: Duration,
    rng: fastrand::Rng,
}

impl Effect for Latency {
    fn pass(&mut self, piece: Piece, out: &mut Out) {
        let delay = self.draw();
        out.push_back(piece.later(delay));
    }
}

impl Latency {
    fn draw(&mut self) -> Duration {
        if self.jitter.is_zero() {
            return self.delay;
        }
        let nanoseconds = |span: Duration| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        let least = nanoseconds(self.delay.saturating_sub(self.jitter));
        let most = nanoseconds(self.delay.saturating_add(self.jitter));
        Duration::from_nanos(self.rng.u64(least..=most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Passing;
    use crate::fault::tests::Bench;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn everything_comes_so_much_later() {
        let mut bench = Bench::new(&["up:latency,delay=100ms"], Passing::Bytes);
        bench.pass("a");
        bench.wait(30 * MS);
        bench.pass("b");
        bench.end();
        assert_eq!(
            bench.run(),
            ["100ms a", "130ms b", "130ms end"].map(str::to_owned)
        );
    }

    #[test]
    fn jitter_keeps_order_and_its_bounds_and_is_spread() {
        let mut bench = Bench::new(&["up:latency,delay=100ms,jitter=20ms"], Passing::Bytes);
        let mut delays = Vec::new();
        for number in 0..1000_u32 {
            bench.pass(&number.to_string());
            // Far enough apart that none waits for the one before.
            let sent = bench.elapsed();
            let out = bench.until_next();
            assert_eq!(out, number.to_string());
            delays.push(bench.elapsed().checked_sub(sent).unwrap());
        }
        assert!(
            delays
                .iter()
                .all(|delay| (80 * MS..=120 * MS).contains(delay))
        );
        let mean = delays.iter().sum::<Duration>() / 1000;
        assert!((98 * MS..=102 * MS).contains(&mean), "{mean:?}");
        assert!(delays.iter().any(|delay| *delay < 85 * MS));
        assert!(delays.iter().any(|delay| *delay > 115 * MS));
    }

    #[test]
    fn what_is_received_together_stays_in_order() {
        let mut bench = Bench::new(&["up:latency,delay=5ms,jitter=5ms"], Passing::Messages);
        for number in 0..1000_u32 {
            bench.pass(&number.to_string());
            bench.wait(MS / 10);
        }
        let expected: Vec<_> = (0..1000).map(|number| number.to_string()).collect();
        assert_eq!(bench.run_data(), expected);
    }
}

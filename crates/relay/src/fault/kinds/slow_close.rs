//! `slow-close`: the end of a direction is passed on late.

use std::time::Duration;

use crate::fault::kind::{Kind, Scope, start};
use crate::fault::parameter::{Parameter, Without};
use crate::fault::piece::{Effect, Out, Piece, What};

const DELAY: Parameter<Duration> = Parameter {
    name: "delay",
    help: "how much later",
    without: Without::Refused,
};

pub(super) static KIND: Kind = Kind {
    name: "slow-close",
    help: "the end is passed on late",
    scope: Scope::Any,
    parameters: &[&DELAY],
    read: |typed| {
        let delay = typed.take(&DELAY)?;
        Ok(start(move |_| SlowClose { delay }))
    },
};

struct SlowClose {
    delay: Duration,
}

impl Effect for SlowClose {
    fn pass(&mut self, piece: Piece, out: &mut Out) {
        let is_end = matches!(piece.what, What::End);
        out.push_back(if is_end {
            piece.later(self.delay)
        } else {
            piece
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::fault::Passing;
    use crate::fault::tests::Bench;

    #[test]
    fn only_the_end_is_late() {
        let mut bench = Bench::new(&["up:slow-close,delay=2s"], Passing::Bytes);
        bench.pass("a");
        bench.end();
        assert_eq!(bench.run(), ["0s a", "2s end"]);
    }
}

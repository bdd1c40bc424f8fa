//! `loss`: a message does not come.

use crate::fault::kind::{Kind, Scope, start};
use crate::fault::parameter::{Parameter, Without};
use crate::fault::piece::{Effect, Out, Piece, What};
use crate::fault::quantity::Share;

const SHARE: Parameter<Share> = Parameter {
    name: "share",
    help: "how many of the messages",
    without: Without::Refused,
};

pub(super) static KIND: Kind = Kind {
    name: "loss",
    help: "messages are lost",
    scope: Scope::Messages,
    parameters: &[&SHARE],
    read: |typed| {
        let share = typed.take(&SHARE)?;
        Ok(start(move |begin| Loss {
            share,
            rng: begin.rng,
        }))
    },
};

struct Loss {
    share: Share,
    rng: fastrand::Rng,
}

impl Effect for Loss {
    fn pass(&mut self, piece: Piece, out: &mut Out) {
        let lost = matches!(piece.what, What::Data { .. }) && self.share.happens(&mut self.rng);
        if !lost {
            out.push_back(piece);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::fault::Passing;
    use crate::fault::tests::Bench;

    fn arrived(share: &str, seed: u64) -> Vec<String> {
        let fault = format!("up:loss,share={share}");
        let mut bench = Bench::seeded(&[&fault], Passing::Messages, seed);
        for number in 0..10_000_u32 {
            bench.pass(&number.to_string());
        }
        bench.end();
        bench.run_data()
    }

    #[test]
    fn the_share_is_lost_and_the_rest_keeps_its_order() {
        let arrived = arrived("0.1", 1);
        // Four times the standard deviation, which is 30.
        assert!(
            (8_880..=9_120).contains(&arrived.len()),
            "{}",
            arrived.len()
        );
        let numbers: Vec<u32> = arrived.iter().map(|text| text.parse().unwrap()).collect();
        assert!(numbers.is_sorted());
    }

    #[test]
    fn the_same_seed_loses_the_same() {
        assert_eq!(arrived("0.1", 1), arrived("0.1", 1));
        assert_ne!(arrived("0.1", 1), arrived("0.1", 2));
    }

    #[test]
    fn none_and_all_are_exact() {
        assert_eq!(arrived("0", 1).len(), 10_000);
        assert_eq!(arrived("1", 1).len(), 0);
    }

    #[test]
    fn the_end_is_never_lost() {
        let mut bench = Bench::new(&["up:loss,share=1"], Passing::Messages);
        bench.end();
        assert_eq!(bench.run(), ["0s end"]);
    }
}

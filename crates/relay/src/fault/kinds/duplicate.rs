//! `duplicate`: a message comes twice.

use std::os::fd::OwnedFd;

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
    name: "duplicate",
    help: "messages come twice, with what was passed with them",
    scope: Scope::Messages,
    parameters: &[&SHARE],
    read: |typed| {
        let share = typed.take(&SHARE)?;
        Ok(start(move |begin| Duplicate {
            share,
            rng: begin.rng,
        }))
    },
};

struct Duplicate {
    share: Share,
    rng: fastrand::Rng,
}

impl Effect for Duplicate {
    fn pass(&mut self, piece: Piece, out: &mut Out) {
        let chosen = matches!(piece.what, What::Data { .. }) && self.share.happens(&mut self.rng);
        let again = if chosen { same(&piece) } else { None };
        out.push_back(piece);
        out.extend(again);
    }
}

/// The same message again; none when this process can have no more descriptors.
fn same(piece: &Piece) -> Option<Piece> {
    let What::Data { bytes, descriptors } = &piece.what else {
        return None;
    };
    let descriptors = descriptors.iter().map(OwnedFd::try_clone);
    Some(Piece {
        what: What::Data {
            bytes: bytes.clone(),
            descriptors: descriptors.collect::<Result<_, _>>().ok()?,
        },
        ..*piece
    })
}

#[cfg(test)]
mod tests {
    use crate::fault::tests::{Bench, null};
    use crate::fault::{Passing, What};

    #[test]
    fn all_come_twice_one_after_the_other() {
        let mut bench = Bench::new(&["up:duplicate,share=1"], Passing::Messages);
        bench.pass("a");
        bench.pass("b");
        bench.end();
        assert_eq!(bench.run(), ["0s a", "0s a", "0s b", "0s b", "0s end"]);
    }

    #[test]
    fn a_share_of_them_does() {
        let mut bench = Bench::new(&["up:duplicate,share=0.2"], Passing::Messages);
        for number in 0..10_000_u32 {
            bench.pass(&number.to_string());
        }
        let arrived = bench.run_data();
        assert!(
            (11_840..=12_160).contains(&arrived.len()),
            "{}",
            arrived.len()
        );
        let mut once = arrived.clone();
        once.dedup();
        assert_eq!(once.len(), 10_000);
    }

    #[test]
    fn what_was_passed_comes_twice_too() {
        let mut bench = Bench::new(&["up:duplicate,share=1"], Passing::Messages);
        bench.pass_what(What::Data {
            bytes: b"a".to_vec(),
            descriptors: vec![null(), null()],
        });
        for _ in 0..2 {
            let Some(What::Data { descriptors, .. }) = bench.take() else {
                panic!("nothing came");
            };
            assert_eq!(descriptors.len(), 2);
        }
    }
}

//! What ends a direction: after so many bytes, at a time, or at once.

use std::time::{Duration, Instant};

use crate::fault::error::Problem;
use crate::fault::kind::{Begin, Start, start};
use crate::fault::parameter::{Parameter, Typed, Without};
use crate::fault::piece::{Effect, Out, Passing, Piece, What, after};
use crate::fault::quantity::ByteCount;

pub(super) const AFTER: Parameter<ByteCount> = Parameter {
    name: "after",
    help: "so many bytes have passed; of messages, the one that reaches it is the last",
    without: Without::Nothing,
};
pub(super) const TIME: Parameter<Duration> = Parameter {
    name: "time",
    help: "so long after the connection began; with neither it is at once, with both what comes first",
    without: Without::Nothing,
};

/// What it puts where it cuts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Puts {
    End,
    Close,
    Reset,
    Nothing,
}

/// Reads both parameters.
pub(super) fn read(typed: &mut Typed<'_>, puts: Puts) -> Result<Start, Problem> {
    let (bytes, time) = (typed.take_given(&AFTER)?, typed.take_given(&TIME)?);
    let bytes = bytes.map(|bytes| bytes.0);
    let at_once = bytes.is_none_or(|bytes| bytes == 0) && time.is_none() || bytes == Some(0);
    let time = if at_once { Some(Duration::ZERO) } else { time };
    Ok(start(move |begin| Cut::new(bytes, time, puts, &begin)))
}

/// Lets pass what comes before, and drops what comes after.
pub(super) struct Cut {
    left_bytes: Option<u64>,
    at: Option<Instant>,
    puts: Puts,
    passing: Passing,
    done: bool,
}

impl Cut {
    fn new(bytes: Option<u64>, time: Option<Duration>, puts: Puts, begin: &Begin) -> Self {
        Cut {
            left_bytes: bytes,
            at: time.map(|time| after(begin.now, time)),
            puts,
            passing: begin.passing,
            done: false,
        }
    }

    fn act(&mut self, due: Instant, by_clock: bool, out: &mut Out) {
        self.done = true;
        let what = match self.puts {
            Puts::End => What::End,
            Puts::Close => What::Close,
            Puts::Reset => What::Reset,
            Puts::Nothing => return,
        };
        out.push_back(Piece {
            due,
            what,
            by_clock,
        });
    }

    /// Lets pass as much as there is left; cuts where nothing is.
    fn count(&mut self, piece: Piece, out: &mut Out) {
        let due = piece.due;
        let length_bytes = piece.what.length_bytes() as u64;
        match self.left_bytes {
            Some(left) if length_bytes >= left && matches!(piece.what, What::Data { .. }) => {
                out.push_back(match self.passing {
                    Passing::Bytes => first(piece, left),
                    Passing::Messages => piece,
                });
                self.act(due, false, out);
            }
            Some(left) => {
                self.left_bytes = Some(left - length_bytes);
                out.push_back(piece);
            }
            None => out.push_back(piece),
        }
    }
}

/// The first bytes of a piece.
fn first(mut piece: Piece, bytes: u64) -> Piece {
    if let What::Data { bytes: data, .. } = &mut piece.what {
        data.truncate(usize::try_from(bytes).unwrap_or(usize::MAX));
    }
    piece
}

impl Effect for Cut {
    fn pass(&mut self, piece: Piece, out: &mut Out) {
        self.on_time(piece.due, out);
        match piece.what {
            // The connection is over, which no fault keeps back.
            What::Reset | What::Close => out.push_back(piece),
            What::Data { .. } | What::End if self.done => {}
            What::Data { .. } | What::End => self.count(piece, out),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.at.filter(|_| !self.done)
    }

    fn on_time(&mut self, now: Instant, out: &mut Out) {
        if let Some(at) = self.deadline().filter(|at| *at <= now) {
            self.act(at, true, out);
        }
    }

    fn is_over(&self) -> bool {
        self.done
    }
}

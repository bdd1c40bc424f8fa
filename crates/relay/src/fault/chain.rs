//! What the faults of a relay do to one direction of one connection.

use std::collections::VecDeque;
use std::fmt;
use std::time::Instant;

use super::kind::Begin;
use super::lot::Line;
use super::piece::{Effect, Held, Out, Passing, Piece, What};
use super::settings::Settings;
use super::spec::Spec;

/// Above this many bytes or pieces that wait, nothing more should be passed in.
const MOST: Held = Held {
    bytes: 1 << 20,
    pieces: 4096,
};

/// The faults of one direction of one connection: what is received is passed in, what is to be sent is taken out when it
/// is due.
///
/// To be used as: take and send what is due; then wait until either something is received, unless the chain
/// [is full](Chain::is_full), or [`wake_at`](Chain::wake_at) is reached. While a send waits for the peer, wait for
/// [`breaks_at`](Chain::breaks_at) as well: a connection that is to be reset after two seconds is reset even if the peer
/// takes nothing. Each piece is to be sent by itself.
///
/// On a stream nothing is ever reordered. Descriptors go with the first byte of the piece they came with; those of a
/// piece that is dropped are closed.
pub struct Chain {
    line: Line,
    passing: Passing,
    stages: Vec<Stage>,
    queue: VecDeque<Piece>,
    queued_bytes: usize,
    /// The end of the source was passed in.
    source_ended: bool,
    /// What was queued last, of what ends something.
    ended: Ended,
    /// When the connection breaks, whatever was sent before.
    break_due: Option<Instant>,
    last_due: Option<Instant>,
}

struct Stage {
    spec: Spec,
    effect: Box<dyn Effect>,
    last_due: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Ended {
    Not,
    Half,
    Whole,
}

impl Chain {
    /// The faults that this direction of this connection has, which begin now. Those that do not fit what passes
    /// ([`Settings::check`]) are left out.
    pub fn new(settings: &Settings, line: Line, passing: Passing, now: Instant) -> Self {
        let mut chain = Chain {
            line,
            passing,
            stages: Vec::new(),
            queue: VecDeque::new(),
            queued_bytes: 0,
            source_ended: false,
            ended: Ended::Not,
            break_due: None,
            last_due: None,
        };
        chain.reconfigure(settings, now);
        chain
    }

    /// Passes in what was received, or the end.
    pub fn pass(&mut self, what: What, now: Instant) {
        self.run_clocks(now);
        self.source_ended |= matches!(what, What::End);
        let piece = Piece {
            due: now,
            what,
            by_clock: false,
        };
        self.feed(0, Out::from([piece]));
    }

    /// Takes out what is to be sent next, if it is due.
    pub fn take(&mut self, now: Instant) -> Option<What> {
        self.run_clocks(now);
        let piece = self.queue.pop_front_if(|piece| piece.due <= now)?;
        self.queued_bytes -= piece.what.length_bytes();
        if piece.by_clock {
            self.break_due = None;
        }
        Some(piece.what)
    }

    /// When [`take`](Chain::take) may have something, if nothing is passed in before; may be in the past.
    pub fn wake_at(&self) -> Option<Instant> {
        let first = self.queue.front().map(|piece| piece.due);
        first.into_iter().chain(self.deadlines()).min()
    }

    /// Takes out the [`Reset`](What::Reset) or [`Close`](What::Close) that a fault has set for a time that is reached.
    /// What waits before it is dropped: for use while a send waits for the peer.
    pub fn take_break(&mut self, now: Instant) -> Option<What> {
        self.run_clocks(now);
        self.break_due.filter(|due| *due <= now)?;
        self.queued_bytes = 0;
        let broken = self.queue.drain(..).find(|piece| piece.by_clock);
        broken.map(|piece| piece.what)
    }

    /// When [`take_break`](Chain::take_break) may have something; later than the last `now` that it was given.
    pub fn breaks_at(&self) -> Option<Instant> {
        self.break_due.into_iter().chain(self.deadlines()).min()
    }

    /// Whether so much waits that nothing more should be passed in. Later it is not: something will be due.
    pub fn is_full(&self) -> bool {
        self.room_bytes() == 0
    }

    /// How many bytes of a stream should be passed in next, at most.
    pub fn room_bytes(&self) -> usize {
        let held = self.held();
        let pieces_left = MOST.pieces.saturating_sub(held.pieces);
        let bytes_left = MOST.bytes.saturating_sub(held.bytes);
        let effects = self.stages.iter().map(|stage| &stage.effect);
        let finest_bytes = effects.map(|effect| effect.finest_bytes()).min();
        bytes_left.min(pieces_left.saturating_mul(finest_bytes.unwrap_or(usize::MAX)))
    }

    /// Whether no fault is here and nothing waits: what is received can be sent without this chain.
    pub fn is_clear(&self) -> bool {
        self.stages.is_empty() && self.queue.is_empty() && self.ended == Ended::Not
    }

    /// Whether nothing that is passed in from now on will come out, unless the faults are changed.
    pub fn is_over(&self) -> bool {
        self.ended != Ended::Not || self.stages.iter().any(|stage| stage.effect.is_over())
    }

    /// Changes the faults. Those that stay the same go on as they are, new ones begin now. If one went away, what it held
    /// back is due at once, in order.
    pub fn reconfigure(&mut self, settings: &Settings, now: Instant) {
        self.run_clocks(now);
        let wanted = settings.drawn(self.line.connection, self.line.direction, self.passing);
        let wanted: Vec<_> = wanted.collect();
        if !self.all_stay(wanted.iter().map(|(spec, _)| *spec).collect()) {
            self.release(now);
        }
        let mut before = std::mem::take(&mut self.stages);
        for (spec, rng) in wanted {
            let same = before.iter().position(|stage| stage.spec == *spec);
            let stage = match same {
                Some(index) => before.remove(index),
                None => Stage::new(spec, self.passing, now, rng),
            };
            self.stages.push(stage);
        }
        if self.source_ended && self.ended == Ended::Not {
            // It was swallowed by a fault, which may be gone.
            self.pass(What::End, now);
        }
    }

    fn all_stay(&self, mut wanted: Vec<&Spec>) -> bool {
        self.stages.iter().all(|stage| {
            let same = wanted.iter().position(|spec| **spec == stage.spec);
            same.map(|index| wanted.remove(index)).is_some()
        })
    }

    fn release(&mut self, now: Instant) {
        for index in 0..self.stages.len() {
            let mut out = Out::new();
            self.stages[index].effect.release(now, &mut out);
            self.stages[index].last_due = None;
            self.feed(index + 1, out);
        }
        self.queue
            .iter_mut()
            .for_each(|piece| piece.due = piece.due.min(now));
        self.break_due = self.break_due.map(|due| due.min(now));
        self.last_due = None;
    }

    fn deadlines(&self) -> impl Iterator<Item = Instant> {
        self.stages
            .iter()
            .filter_map(|stage| stage.effect.deadline())
    }

    fn held(&self) -> Held {
        let queued = Held {
            bytes: self.queued_bytes,
            pieces: self.queue.len(),
        };
        let stages = self.stages.iter().map(|stage| stage.effect.held());
        stages.fold(queued, |all, held| Held {
            bytes: all.bytes + held.bytes,
            pieces: all.pieces + held.pieces,
        })
    }

    fn run_clocks(&mut self, now: Instant) {
        for index in 0..self.stages.len() {
            if let Some(out) = self.stages[index].on_time(now) {
                self.feed(index + 1, out);
            }
        }
    }

    /// Pieces come to the fault `index` and those behind it, and out.
    fn feed(&mut self, index: usize, mut pieces: Out) {
        for stage in self.stages.iter_mut().skip(index) {
            pieces = stage.pass(pieces);
        }
        for piece in pieces {
            self.enqueue(piece);
        }
    }

    fn enqueue(&mut self, piece: Piece) {
        let ends = match piece.what {
            What::Data { .. } => Ended::Not,
            What::End => Ended::Half,
            What::Reset | What::Close => Ended::Whole,
        };
        // Nothing comes after an end but a worse one.
        if self.ended != Ended::Not && ends <= self.ended {
            return;
        }
        let piece = in_order(piece, &mut self.last_due);
        if piece.by_clock && ends == Ended::Whole {
            self.break_due = Some(piece.due);
        }
        self.ended = ends;
        self.queued_bytes += piece.what.length_bytes();
        self.queue.push_back(piece);
    }
}

impl Stage {
    fn new(spec: &Spec, passing: Passing, now: Instant, rng: fastrand::Rng) -> Self {
        Stage {
            spec: spec.clone(),
            effect: (spec.start())(Begin { now, passing, rng }),
            last_due: None,
        }
    }

    fn pass(&mut self, pieces: Out) -> Out {
        let mut out = Out::new();
        for piece in pieces {
            self.effect.pass(piece, &mut out);
        }
        self.ordered(out)
    }

    fn on_time(&mut self, now: Instant) -> Option<Out> {
        self.effect.deadline().filter(|deadline| *deadline <= now)?;
        let mut out = Out::new();
        self.effect.on_time(now, &mut out);
        Some(self.ordered(out))
    }

    fn ordered(&mut self, pieces: Out) -> Out {
        let last_due = &mut self.last_due;
        let pieces = pieces.into_iter();
        pieces.map(|piece| in_order(piece, last_due)).collect()
    }
}

/// The piece, not before the last one.
fn in_order(piece: Piece, last_due: &mut Option<Instant>) -> Piece {
    let piece = match *last_due {
        Some(last) => piece.not_before(last),
        None => piece,
    };
    *last_due = Some(piece.due);
    piece
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: Vec<_> = self.stages.iter().map(|stage| &stage.spec).collect();
        f.debug_struct("Chain")
            .field("line", &self.line)
            .field("faults", &faults)
            .field("held", &self.held())
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

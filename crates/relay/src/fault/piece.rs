//! What passes, and what a fault may do to it.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// What passes in one direction.
#[derive(Debug)]
pub enum What {
    /// Some bytes of a stream, or one message.
    Data {
        /// The bytes; may be none in a message.
        bytes: Vec<u8>,
        /// What was passed with the first of them.
        descriptors: Vec<OwnedFd>,
    },
    /// Nothing more comes; the other direction goes on.
    End,
    /// The connection breaks: both ends are to see it reset.
    Reset,
    /// The connection is closed in both directions.
    Close,
}

impl What {
    /// Bytes without descriptors.
    pub fn data(bytes: impl Into<Vec<u8>>) -> Self {
        What::Data {
            bytes: bytes.into(),
            descriptors: Vec::new(),
        }
    }

    pub(super) fn length_bytes(&self) -> usize {
        match self {
            What::Data { bytes, .. } => bytes.len(),
            What::End | What::Reset | What::Close => 0,
        }
    }
}

/// How what passes is cut into pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passing {
    /// A stream: a piece is any number of bytes.
    Bytes,
    /// Each piece is a message.
    Messages,
}

impl Passing {
    /// As printed.
    pub const fn word(self) -> &'static str {
        match self {
            Passing::Bytes => "bytes",
            Passing::Messages => "messages",
        }
    }
}

/// Something on its way through a chain.
#[derive(Debug)]
pub(super) struct Piece {
    /// When it comes to the next fault, or out.
    pub(super) due: Instant,
    pub(super) what: What,
    /// It came of the clock and does not wait until a peer takes what was sent before.
    pub(super) by_clock: bool,
}

/// How much a fault holds back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) bytes: usize,
    pub(super) pieces: usize,
}

/// What comes out of a fault, in order.
pub(super) type Out = VecDeque<Piece>;

/// A fault on one direction of one connection.
///
/// It works ahead of the clock: a piece says when it comes in (`due`), which may be in the future, and the fault gives it
/// on with the time at which it goes out. The chain sees to it that nothing goes out before what came out earlier.
/// Only a fault that acts by itself, without anything coming in, needs [`deadline`](Effect::deadline).
pub(super) trait Effect: Send {
    /// Takes what comes in; what comes out of it, now or later, is put into `out`.
    fn pass(&mut self, piece: Piece, out: &mut Out);

    /// When it acts by itself.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// Acts on all deadlines until `now`, so that the next one is later.
    fn on_time(&mut self, now: Instant, out: &mut Out) {
        let _ = (now, out);
    }

    /// Gives up what it holds back and forgets what it planned for later: the faults have been changed.
    fn release(&mut self, now: Instant, out: &mut Out) {
        let _ = (now, out);
    }

    /// What it has taken in and not put out.
    fn held(&self) -> Held {
        Held::default()
    }

    /// The smallest number of bytes into which it cuts a stream.
    fn finest_bytes(&self) -> usize {
        usize::MAX
    }

    /// Whether it drops everything from now on.
    fn is_over(&self) -> bool {
        false
    }
}

impl Piece {
    /// The same, later.
    pub(super) fn later(self, delay: Duration) -> Self {
        Piece {
            due: after(self.due, delay),
            ..self
        }
    }

    /// The same, not before.
    pub(super) fn not_before(self, due: Instant) -> Self {
        Piece {
            due: self.due.max(due),
            ..self
        }
    }

    /// Cuts data into parts of the sizes that `size` says; what was passed stays with the first part.
    pub(super) fn cut(self, mut size: impl FnMut() -> usize, mut give: impl FnMut(Piece)) {
        let What::Data { bytes, descriptors } = self.what else {
            return give(self);
        };
        let mut descriptors = Some(descriptors);
        let mut part = |bytes: Vec<u8>| {
            give(Piece {
                what: What::Data {
                    bytes,
                    descriptors: descriptors.take().unwrap_or_default(),
                },
                ..self
            });
        };
        let mut first_bytes = size().max(1);
        if bytes.len() <= first_bytes {
            return part(bytes);
        }
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let (taken, left) = rest.split_at(first_bytes.min(rest.len()));
            part(taken.to_vec());
            rest = left;
            first_bytes = size().max(1);
        }
    }
}

/// A time after another; a clock that cannot go as far stands still.
pub(super) fn after(instant: Instant, delay: Duration) -> Instant {
    instant.checked_add(delay).unwrap_or(instant)
}

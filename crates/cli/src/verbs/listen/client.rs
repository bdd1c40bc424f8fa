//! One client, and what waits to be sent to it.

use std::collections::VecDeque;

use rustix::event::epoll::EventFlags;
use sockeye_socket::{Connection, Error as SocketError};

use super::lines::Begun;
use crate::verbs::talk::peer::Peer;

/// An echo to a client that does not read stops being read from when this much waits for it.
const ECHO_BYTES: usize = 256 * 1024;
/// What is typed for everybody is left out for a client for whom this much waits.
const TYPED_BYTES: usize = 1024 * 1024;

/// A connected client.
#[derive(Debug)]
pub(crate) struct Client {
    /// Where it is; does not wait.
    pub connection: Connection,
    /// The line it has begun.
    pub begun: Begun,
    /// What its lines are printed behind.
    pub label: String,
    /// What epoll is told to wait for.
    pub watched: EventFlags,
    queue: VecDeque<Vec<u8>>,
    queued_bytes: usize,
    /// How much of the first one in the queue is sent.
    sent_bytes: usize,
    ended: bool,
    typed_left_out: u64,
}

impl Client {
    /// A client that has just come.
    pub(crate) fn new(connection: Connection, peer: &Peer) -> Self {
        Client {
            label: peer.label(),
            connection,
            begun: Begun::default(),
            watched: EventFlags::empty(),
            queue: VecDeque::new(),
            queued_bytes: 0,
            sent_bytes: 0,
            ended: false,
            typed_left_out: 0,
        }
    }

    /// What there is to wait for.
    pub(crate) fn interest(&self) -> EventFlags {
        let mut interest = EventFlags::empty();
        if !self.ended && self.has_room() {
            interest |= EventFlags::IN;
        }
        if !self.queue.is_empty() {
            interest |= EventFlags::OUT;
        }
        interest
    }

    /// Whether it reads what is sent to it.
    pub(crate) fn has_room(&self) -> bool {
        self.queued_bytes < ECHO_BYTES
    }

    /// It has said all it will.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    /// Whether nothing is left to do for it.
    pub(crate) fn is_done(&self) -> bool {
        self.ended && self.queue.is_empty()
    }

    /// Sends bytes (one message, for kinds that have them), now or when there is room.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<(), SocketError> {
        self.queue.push_back(bytes.to_vec());
        self.queued_bytes += bytes.len();
        if self.queue.len() == 1 {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// Sends what was typed for everybody, unless this client is too far behind; answers how many lines were left out
    /// before, when it has caught up, or `None` to say that this is the first one.
    pub(crate) fn send_typed(&mut self, line: &[u8]) -> Result<Typed, SocketError> {
        if self.queued_bytes >= TYPED_BYTES {
            self.typed_left_out += 1;
            return Ok(if self.typed_left_out == 1 {
                Typed::FirstLeftOut
            } else {
                Typed::LeftOut
            });
        }
        self.send(line)?;
        Ok(match std::mem::take(&mut self.typed_left_out) {
            0 => Typed::Sent,
            lines => Typed::CaughtUp { lines },
        })
    }

    /// Sends what there is room for.
    pub(crate) fn flush(&mut self) -> Result<(), SocketError> {
        while let Some(first) = self.queue.front() {
            match self.connection.send(&first[self.sent_bytes..]) {
                Ok(sent) => self.sent_bytes += sent,
                Err(error) if error.would_block() => return Ok(()),
                Err(error) => return Err(error),
            }
            if self.sent_bytes >= first.len() {
                self.queued_bytes -= first.len();
                self.sent_bytes = 0;
                self.queue.pop_front();
            }
        }
        Ok(())
    }
}

/// What became of a typed line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// On its way.
    Sent,
    /// On its way, after some that were left out.
    CaughtUp { lines: u64 },
    /// The client is too far behind.
    FirstLeftOut,
    /// It still is.
    LeftOut,
}

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
    echoes: bool,
    /// Why nothing more can be sent to it.
    deaf: Option<SocketError>,
    typed_left_out: u64,
}

impl Client {
    /// A client that has just come. What it says is sent back if it `echoes`.
    pub(crate) fn new(connection: Connection, peer: &Peer, echoes: bool) -> Self {
        Client {
            label: peer.label(),
            connection,
            begun: Begun::default(),
            watched: EventFlags::empty(),
            queue: VecDeque::new(),
            queued_bytes: 0,
            sent_bytes: 0,
            ended: false,
            echoes,
            deaf: None,
            typed_left_out: 0,
        }
    }

    /// What there is to wait for.
    pub(crate) fn interest(&self) -> EventFlags {
        let mut interest = EventFlags::empty();
        if !self.ended && (self.has_room() || !self.echoes) {
            interest |= EventFlags::IN;
        }
        if !self.queue.is_empty() {
            interest |= EventFlags::OUT;
        }
        interest
    }

    /// Whether it reads what is sent to it.
    pub(crate) fn listens(&self) -> bool {
        self.deaf.is_none() && self.has_room()
    }

    fn has_room(&self) -> bool {
        self.queued_bytes < ECHO_BYTES
    }

    /// Why something that was meant for it is lost.
    pub(crate) fn take_loss(&mut self) -> Option<SocketError> {
        self.deaf.take()
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
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        if self.deaf.is_some() {
            return;
        }
        self.queue.push_back(bytes.to_vec());
        self.queued_bytes += bytes.len();
        if self.queue.len() == 1 {
            self.flush();
        }
    }

    /// Sends what was typed for everybody, unless this client is too far behind; answers how many lines were left out
    /// before, when it has caught up, or `None` to say that this is the first one.
    pub(crate) fn send_typed(&mut self, line: &[u8]) -> Typed {
        if self.queued_bytes >= TYPED_BYTES {
            self.typed_left_out += 1;
            return if self.typed_left_out == 1 {
                Typed::FirstLeftOut
            } else {
                Typed::LeftOut
            };
        }
        self.send(line);
        match std::mem::take(&mut self.typed_left_out) {
            0 => Typed::Sent,
            lines => Typed::CaughtUp { lines },
        }
    }

    /// Sends what there is room for. A client to which nothing can be sent may still have said something: it is read
    /// to its end.
    pub(crate) fn flush(&mut self) {
        while let Some(first) = self.queue.front() {
            match self.connection.send(&first[self.sent_bytes..]) {
                Ok(sent) => self.sent_bytes += sent,
                Err(error) if error.would_block() => return,
                Err(error) => {
                    self.deaf = Some(error);
                    self.queue.clear();
                    (self.queued_bytes, self.sent_bytes) = (0, 0);
                    return;
                }
            }
            if self.sent_bytes >= first.len() {
                self.queued_bytes -= first.len();
                self.sent_bytes = 0;
                self.queue.pop_front();
            }
        }
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

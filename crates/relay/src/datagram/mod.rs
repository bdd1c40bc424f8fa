//! Messages without a connection: whoever sends to one socket is told apart by its address, and each has a session.
//!
//! One socket has one queue in the kernel, whoever the messages are from. [`Inbox`] takes them out of it and sorts them
//! into sessions, each with a queue of its own; a [`Session`] is served by a task anywhere and answers through the same
//! socket, so that the answer comes from the address that was asked.
//!
//! **Who is the same sender.** A Unix socket: the same name, user and group. When a name changes hands, the messages of
//! its new owner are another session and pass the access rules anew. Senders without a name cannot be answered; those of
//! one user and group share one session. A relative name means something to its process only, so the process is part of
//! it. UDP: the same address and port, which anybody may forge.
//!
//! **When a session is slow.** Its queue is bounded, in messages, bytes and descriptors. Unix datagrams are not lost on
//! their way, and senders wait when the kernel's queue is full; so a full session holds up all, but for a second at most:
//! from then on its messages are dropped, until it takes one. Those of UDP are dropped at once. Each message says how many
//! before it were lost.

mod inbox; // where messages come in
mod queue; // those of one session
mod sender; // who is who
mod session; // one sender, and the way back
mod socket; // Unix and UDP
mod table; // the sessions that there are
#[cfg(test)]
mod tests;

use std::os::fd::OwnedFd;

pub(crate) use inbox::{Arrival, Inbox, Terms};
pub(crate) use session::Session;

/// What a session received.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) data: Vec<u8>,
    pub(crate) descriptors: Vec<OwnedFd>,
    /// Further descriptors were passed, but this process could not hold them.
    pub(crate) descriptors_lost: bool,
    /// So many messages of this session were dropped between the one before and this one.
    pub(crate) lost_before: u64,
}

//! What moves between the two ends of a connection.

mod activity; // when something moved last
mod bytes; // one direction between byte sockets, at full speed
mod flow; // what belongs to one direction
mod general; // one direction between any ends, with faults
mod join; // both directions
mod large; // bulk to the network
pub(crate) mod passed; // bytes with the descriptors passed with them
mod pipes; // pipes for splice, kept
mod splice; // bulk
mod translate; // messages in bytes, and back

use std::io;

pub(crate) use activity::Activity;
pub(crate) use flow::{Flow, Terms};
pub(crate) use join::join;
pub(crate) use passed::Identity;

use crate::framing::FramingError;
use crate::tls::PeerError;

/// Why a direction ended before its source did.
#[derive(Debug)]
pub(crate) enum Broken {
    /// Receiving failed.
    Source(io::Error),
    /// Sending failed.
    Sink(io::Error),
    /// TLS with the source failed.
    SourceTls(PeerError),
    /// TLS with the sink failed.
    SinkTls(PeerError),
    /// Descriptors were passed that cannot go on.
    Descriptors(Refused),
    /// What the source sends is not framed as was said, or cannot be framed.
    Framing(FramingError),
    /// A fault that was asked for.
    Fault {
        /// Whether both ends shall see a reset.
        reset: bool,
    },
    /// The source has closed altogether, and nothing of it is left to be sent.
    HungUp,
}

/// Why passed descriptors cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The other end cannot receive any, or it was said that none may pass.
    NotPassed {
        /// How many there were.
        count: usize,
    },
    /// More in one message than allowed.
    TooMany {
        /// How many there were.
        count: usize,
        /// How many may be.
        most: usize,
    },
    /// This process could not take them in: it has no descriptors left.
    Lost,
}

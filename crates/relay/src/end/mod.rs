//! Both ends of a connection.

mod leg; // an end, whatever it is
mod reader; // what comes from it
pub(crate) mod socket; // a socket that is waited for
pub mod stdio; // standard input and output
pub(crate) mod watch; // descriptors that the runtime watches
mod writer; // what goes to it

pub(crate) use leg::{Leg, reset_at_close};
pub(crate) use reader::Reader;
pub(crate) use writer::Writer;

use std::os::fd::OwnedFd;

/// What is received in one go: some bytes, or a message.
#[derive(Debug, Default)]
pub(crate) struct Piece {
    pub(crate) bytes: Vec<u8>,
    /// What was passed with the first of the bytes.
    pub(crate) descriptors: Vec<OwnedFd>,
    /// More were passed than could be received.
    pub(crate) descriptors_lost: bool,
}

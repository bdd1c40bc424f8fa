//! Netlink messages: one recv returns several.

use std::iter::FusedIterator;

use super::attributes::{after, malformed, u16_at, u32_at};
use super::{AF_UNIX, SOCK_DIAG_BY_FAMILY, Socket};
use crate::Malformed;

const HEADER: usize = 16;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLM_F_DUMP_INTR: u16 = 0x10;

/// One message of the kernel's answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Message<'a> {
    /// A socket.
    Socket(Socket<'a>),
    /// The dump is complete.
    Done,
    /// The kernel refuses, or gave the dump up: a positive errno.
    Error(i32),
    /// The sockets changed under the dump in a way that may have lost or doubled some: ask again.
    ///
    /// This is the `NLM_F_DUMP_INTR` flag of the message that comes next, given once for each buffer, so that a flagged
    /// socket is not lost. The kernel's `unix_diag` has not set it so far (Linux 6.18).
    Interrupted,
    /// A message of another type, or about another family of sockets.
    Other(u16),
}

/// The messages of one buffer, see [`messages`].
#[derive(Debug, Clone)]
pub struct Messages<'a> {
    rest: &'a [u8],
    offset: usize,
    interrupted: bool,
}

/// Takes the bytes of one recv apart.
///
/// A message that cannot be understood is an error and ends the iteration, as nothing says where the next one starts.
///
/// # Examples
///
/// ```
/// use sockeye_wire::unix_diag::messages;
///
/// assert_eq!(messages(b"").count(), 0);
/// let cut_short = messages(b"\x14\0\0\0").next().unwrap();
/// assert_eq!(
///     cut_short.unwrap_err().to_string(),
///     "parse unix_diag: byte 0: message header cut short",
/// );
/// ```
pub fn messages(buffer: &[u8]) -> Messages<'_> {
    Messages {
        rest: buffer,
        offset: 0,
        interrupted: false,
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let message = self.message();
        if message.is_err() {
            self.rest = &[];
        }
        Some(message)
    }
}

impl FusedIterator for Messages<'_> {}

impl<'a> Messages<'a> {
    fn message(&mut self) -> Result<Message<'a>, Malformed> {
        let (bytes, offset) = (self.rest, self.offset);
        let (Some(length), Some(kind), Some(flags), true) = (
            u32_at(bytes, 0),
            u16_at(bytes, 4),
            u16_at(bytes, 6),
            bytes.len() >= HEADER,
        ) else {
            return Err(malformed(offset, "message header cut short"));
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let Some(payload) = bytes.get(HEADER..length) else {
            return Err(malformed(offset, "message length does not fit"));
        };
        if flags & NLM_F_DUMP_INTR != 0 && !self.interrupted {
            self.interrupted = true;
            return Ok(Message::Interrupted);
        }
        self.rest = after(bytes, length);
        self.offset += length.next_multiple_of(4);
        let offset = offset + HEADER;
        match kind {
            SOCK_DIAG_BY_FAMILY if payload.first().is_none_or(|family| *family == AF_UNIX) => {
                Socket::parse(payload, offset).map(Message::Socket)
            }
            NLMSG_DONE => verdict(payload, offset, Message::Done),
            NLMSG_ERROR => verdict(payload, offset, Message::Other(NLMSG_ERROR)),
            other => Ok(Message::Other(other)),
        }
    }
}

/// Both the end of a dump and an error start with a number: 0, or an errno with its sign changed.
fn verdict<'a>(
    payload: &[u8],
    offset: usize,
    success: Message<'a>,
) -> Result<Message<'a>, Malformed> {
    let Some(status) = u32_at(payload, 0).map(u32::cast_signed) else {
        return Err(malformed(offset, "status cut short"));
    };
    match status.checked_neg() {
        Some(0) => Ok(success),
        Some(errno) if errno > 0 => Ok(Message::Error(errno)),
        _ => Err(malformed(offset, "status is no errno")),
    }
}

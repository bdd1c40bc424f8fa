//! What the kernel tells of one socket.

use std::iter::FusedIterator;

use sockeye_address::Kind;

use super::attributes::{Attribute, Attributes, malformed, u32_at};
use crate::{Device, Malformed};

const BODY: usize = 16;
const RCV_SHUTDOWN: u8 = 1;
const SEND_SHUTDOWN: u8 = 2;

/// A Unix socket, as the kernel sees it.
///
/// A field that was not asked for, or that the kernel has nothing to say about, is `None`, empty or zero.
#[derive(Debug, Clone, PartialEq)]
pub struct Socket<'a> {
    /// Stream, datagram or seqpacket; `None` for a kind that is not known here.
    pub kind: Option<Kind>,
    /// Connected, listening or neither.
    pub state: State,
    /// The inode of the socket itself, the number in `socket:[…]`. One number space for the machine.
    pub inode: u32,
    /// The kernel's mark of this very socket, even where an inode is used again.
    pub cookie: [u32; 2],
    /// The bytes it is bound to: a path without its closing NUL, or an abstract name with its leading NUL.
    ///
    /// An accepted socket has the name of its listener.
    pub name: Option<&'a [u8]>,
    /// The file it is bound to, which a rename of the file does not change. `None` for an abstract name.
    pub vfs: Option<Vfs>,
    /// The inode of the socket at the other end; 0 where that is a connection not accepted yet, which has none.
    pub peer: Option<u32>,
    /// The inodes of the clients that wait to be accepted, when this is a listener.
    pub pending: Inodes<'a>,
    /// What waits to be read or accepted.
    pub queues: Queues,
    /// Which directions were shut down.
    pub shutdown: Option<Shutdown>,
    /// The user who made the socket, as numbered in the user namespace of the netlink socket.
    pub uid: Option<u32>,
}

/// What a socket is doing (`sk_state`, with the names of TCP in `include/net/tcp_states.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Connected. A bound datagram socket too, from the first time another was connected to it: it has no peer then.
    Established,
    /// Neither connected nor listening: new, or bound and receiving datagrams.
    Closed,
    /// Listening.
    Listening,
    /// A state that Unix sockets do not have today.
    Other(u8),
}

impl From<u8> for State {
    fn from(state: u8) -> Self {
        match state {
            1 => Self::Established,
            7 => Self::Closed,
            10 => Self::Listening,
            other => Self::Other(other),
        }
    }
}

/// The file a socket is bound to.
///
/// It stays the same when the file is renamed or removed, so that comparing with a `stat` of the path tells whether the
/// path is still this socket's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Vfs {
    /// The lower 32 bits of the file's inode: all that the kernel tells, even where the file system has more.
    pub inode: u32,
    /// The file system's device, from the kernel's encoding: see [`Device::from_kernel`] for what `ss` gets wrong.
    pub device: Device,
}

/// How full a socket is (`sk_diag_show_rqlen` in `net/unix/diag.c`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Queues {
    /// Of a listener: connections not yet accepted. Else: bytes unread; of a datagram socket those of the next message.
    pub receive: u32,
    /// Of a listener: how many may wait, as given to `listen`. Else: bytes of kernel memory taken by what was sent and is
    /// unread, which is more than the data.
    pub send: u32,
}

/// The directions in which a socket was shut down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shutdown {
    /// Nothing more can be read.
    pub read: bool,
    /// Nothing more can be written.
    pub write: bool,
}

/// Inodes of sockets, four bytes each, not copied.
///
/// A client that closed its end already is 0.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inodes<'a> {
    rest: &'a [[u8; 4]],
}

impl Iterator for Inodes<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(u32::from_ne_bytes(*first))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.rest.len(), Some(self.rest.len()))
    }
}

impl ExactSizeIterator for Inodes<'_> {}
impl FusedIterator for Inodes<'_> {}

impl<'a> Socket<'a> {
    /// Takes a `unix_diag_msg` and its attributes, which start `offset` bytes into the buffer.
    pub(super) fn parse(bytes: &'a [u8], offset: usize) -> Result<Self, Malformed> {
        let Some((&[_family, kind, state, _], attributes)) =
            bytes.first_chunk::<4>().zip(bytes.get(BODY..))
        else {
            return Err(malformed(offset, "socket cut short"));
        };
        let word = |at| u32_at(bytes, at).unwrap_or_default(); // BODY bytes are there
        let mut socket = Self {
            kind: kind_of(kind),
            state: state.into(),
            inode: word(4),
            cookie: [word(8), word(12)],
            name: None,
            vfs: None,
            peer: None,
            pending: Inodes::default(),
            queues: Queues::default(),
            shutdown: None,
            uid: None,
        };
        for attribute in Attributes::new(attributes, offset + BODY) {
            let attribute = attribute?;
            socket
                .take(&attribute)
                .ok_or_else(|| malformed(attribute.offset, "attribute too short for its type"))?;
        }
        Ok(socket)
    }

    /// Fills the field of one attribute in; `None` means that the value is too short.
    fn take(&mut self, attribute: &Attribute<'a>) -> Option<()> {
        let value = attribute.value;
        match attribute.kind {
            0 => self.name = name(value),
            1 => {
                self.vfs = Some(Vfs {
                    inode: u32_at(value, 0)?,
                    device: Device::from_kernel(u32_at(value, 4)?),
                });
            }
            2 => self.peer = Some(u32_at(value, 0)?),
            3 => {
                let (rest, []) = value.as_chunks() else {
                    return None;
                };
                self.pending = Inodes { rest };
            }
            4 => {
                self.queues = Queues {
                    receive: u32_at(value, 0)?,
                    send: u32_at(value, 4)?,
                };
            }
            6 => {
                let bits = *value.first()?;
                self.shutdown = Some(Shutdown {
                    read: bits & RCV_SHUTDOWN != 0,
                    write: bits & SEND_SHUTDOWN != 0,
                });
            }
            7 => self.uid = Some(u32_at(value, 0)?),
            _ => {} // memory counters, and what kernels to come will add
        }
        Some(())
    }
}

/// The kernel sends a path with its closing NUL, an abstract name as it is.
fn name(value: &[u8]) -> Option<&[u8]> {
    match value.first()? {
        0 => Some(value),
        _ => Some(value.strip_suffix(b"\0").unwrap_or(value)),
    }
}

const fn kind_of(kind: u8) -> Option<Kind> {
    match kind {
        1 => Some(Kind::Stream),
        2 => Some(Kind::Datagram),
        5 => Some(Kind::Seqpacket),
        _ => None,
    }
}

//! Every Unix socket of a network namespace, as the kernel tells it over netlink.
//!
//! The format is that of `net/unix/diag.c` and `include/uapi/linux/unix_diag.h` in the kernel tree. A dump is one request
//! ([`dump_request`]) and many buffers of messages ([`messages`]), the last message being [`Message::Done`]. Parsing
//! allocates nothing: a [`Socket`] borrows from the buffer it came in.
//!
//! # Privileges
//!
//! None: the kernel answers everybody, about the network namespace the netlink socket was made in.
//!
//! # Minimum kernel
//!
//! Linux 3.3 with `CONFIG_UNIX_DIAG`; the owner ([`Show::UID`]) since Linux 5.3.

mod attributes;
mod messages;
mod socket;

pub use messages::{Message, Messages, messages};
pub use socket::{Inodes, Queues, Shutdown, Socket, State, Vfs};

use std::ops::BitOr;

/// What the kernel shall tell of each socket besides kind, state and inode.
///
/// ```
/// use sockeye_wire::unix_diag::Show;
///
/// assert_eq!(Show::NAME | Show::PEER, Show(5));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Show(pub u32);

impl Show {
    /// The name it is bound to: [`Socket::name`].
    pub const NAME: Self = Self(1);
    /// The file it is bound to: [`Socket::vfs`].
    pub const VFS: Self = Self(2);
    /// The socket it is connected to: [`Socket::peer`].
    pub const PEER: Self = Self(4);
    /// The clients that wait to be accepted: [`Socket::pending`].
    pub const ICONS: Self = Self(8);
    /// How much waits: [`Socket::queues`].
    pub const RQLEN: Self = Self(16);
    /// Memory counters, which [`Socket`] leaves out.
    pub const MEMINFO: Self = Self(32);
    /// The user who made it: [`Socket::uid`].
    pub const UID: Self = Self(64);
    /// All that a [`Socket`] has a field for.
    pub const ALL_BUT_MEMINFO: Self = Self(1 | 2 | 4 | 8 | 16 | 64);
}

impl BitOr for Show {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

pub(crate) const SOCK_DIAG_BY_FAMILY: u16 = 20;
pub(crate) const AF_UNIX: u8 = 1;
const NLM_F_REQUEST: u16 = 0x1;
const NLM_F_DUMP: u16 = 0x300;

/// The request for a dump of all Unix sockets, in every state, to be written to a `NETLINK_SOCK_DIAG` socket.
///
/// The answer repeats `sequence` in each of its messages.
///
/// # A dump that ends too early
///
/// Receive into 32 KiB or more, and send a [`lookup_request`] and receive its answer first. The kernel gives up, and
/// says [`Message::Done`] as if nothing was missing, at a socket that does not fit into an empty buffer: a listener
/// whose waiting clients are very many. Its buffer is as large as the largest receive on this socket so far, at most
/// 32 KiB (8,000 clients), but only a page before the first one (900 clients). See `netlink_dump` in
/// `net/netlink/af_netlink.c` and `unix_diag_dump` in `net/unix/diag.c`; tried on Linux 6.18.
///
/// # Examples
///
/// ```
/// use sockeye_wire::unix_diag::{Show, dump_request};
///
/// let request = dump_request(Show::ALL_BUT_MEMINFO, 7);
/// assert_eq!(request[..4], 40u32.to_ne_bytes());
/// ```
pub fn dump_request(show: Show, sequence: u32) -> [u8; 40] {
    // The inode counts for a lookup only.
    request(NLM_F_REQUEST | NLM_F_DUMP, 0, show, sequence)
}

/// The request for the one socket with this inode in the network namespace.
///
/// The answer is a single message: the socket, or [`Message::Error`] with `ENOENT`. There is no [`Message::Done`].
///
/// # Examples
///
/// ```
/// use sockeye_wire::unix_diag::{Show, lookup_request};
///
/// // No socket has this inode: the answer is an error, and makes the kernel ready for a large dump.
/// let request = lookup_request(0, Show::default(), 1);
/// assert_eq!(request.len(), 40);
/// ```
pub fn lookup_request(inode: u32, show: Show, sequence: u32) -> [u8; 40] {
    request(NLM_F_REQUEST, inode, show, sequence)
}

fn request(flags: u16, inode: u32, show: Show, sequence: u32) -> [u8; 40] {
    const ANY: u32 = u32::MAX;
    let mut request = [0; 40];
    let mut put = |offset: usize, bytes: &[u8]| {
        for (to, from) in request.iter_mut().skip(offset).zip(bytes) {
            *to = *from;
        }
    };
    put(0, &40u32.to_ne_bytes());
    put(4, &SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    put(6, &flags.to_ne_bytes());
    put(8, &sequence.to_ne_bytes());
    // 12: the sender's port, which the kernel fills in
    put(16, &[AF_UNIX]);
    put(20, &ANY.to_ne_bytes()); // states
    put(24, &inode.to_ne_bytes());
    put(28, &show.0.to_ne_bytes());
    put(32, &ANY.to_ne_bytes()); // cookie
    put(36, &ANY.to_ne_bytes());
    request
}

#[cfg(test)]
mod tests;

//! Bytes and the descriptors passed with them, each descriptor at the byte it was passed with.
//!
//! A receive that ends behind a byte with descriptors says that there were some, not where: what was queued before
//! comes in the same piece. Sent on like that, they would arrive with an earlier byte, and a peer that reads this byte
//! by `read` loses them (OpenSSH's multiplexing does). So each piece is looked at before it is taken.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, UCred, recv, recvmsg, sendmsg,
};
use rustix::process::getpid;
use sockeye_socket::{MAX_DESCRIPTORS, whole_pieces};

use crate::end::socket::Arrived;

/// What was taken from the queue.
#[derive(Debug)]
pub(crate) struct Taken {
    /// How much of the buffer; 0 is the end.
    pub(crate) length_bytes: usize,
    /// What was passed with the first of these bytes.
    pub(crate) descriptors: Vec<OwnedFd>,
    /// Some could not be received: this process may have no more.
    pub(crate) descriptors_lost: bool,
    /// Nothing is left in the queue.
    pub(crate) all: bool,
}

impl Arrived for Taken {
    fn was_all(&self) -> bool {
        self.all
    }
}

/// Takes plain bytes before the next that has descriptors, or that one with its descriptors.
pub(crate) fn take(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<Taken, Errno> {
    let (seen_bytes, passed) = look(socket, buffer)?;
    let seen = &mut buffer[..seen_bytes];
    if !passed {
        let is_all = seen_bytes > 0 && seen_bytes < buffer.len();
        let mut taken = take_plain(socket, &mut buffer[..seen_bytes])?;
        taken.all = is_all;
        return Ok(taken);
    }
    // What is seen ends with the piece that has descriptors, or within it: without its last byte that does not fit.
    let short = seen.len().saturating_sub(1);
    match whole_pieces(socket, &mut seen[..short]).map_err(|error| number_of(&error))? {
        0 => take_passed(socket, seen),
        plain_bytes => take_plain(socket, &mut seen[..plain_bytes]),
    }
}

fn number_of(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

/// Takes bytes with what was passed with the first of them: no others are taken along (`unix_stream_read_generic`,
/// `net/unix/af_unix.c`, ends at them).
pub(crate) fn take_passed(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<Taken, Errno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let capacity_bytes = buffer.len();
    let received = recvmsg(
        socket,
        &mut [IoSliceMut::new(buffer)],
        &mut control,
        RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC,
    )?;
    let mut descriptors = Vec::new();
    for part in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = part {
            descriptors.extend(rights);
        }
    }
    Ok(Taken {
        length_bytes: received.bytes.min(capacity_bytes),
        descriptors_lost: received.flags.contains(ReturnFlags::CTRUNC),
        all: false,
        descriptors,
    })
}

/// Takes bytes of which it is known that nothing was passed with them, or of a socket on which nothing can be.
pub(crate) fn take_plain(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<Taken, Errno> {
    let (length_bytes, _) = recv(socket, buffer, RecvFlags::DONTWAIT)?;
    Ok(Taken {
        length_bytes,
        descriptors: Vec::new(),
        descriptors_lost: false,
        all: false,
    })
}

/// How many bytes are there, and whether descriptors were passed with any of them: without room for descriptors the
/// kernel takes none in and only says that there were some (`scm_detach_fds`, `net/core/scm.c`).
fn look(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<(usize, bool), Errno> {
    let received = recvmsg(
        socket,
        &mut [IoSliceMut::new(buffer)],
        &mut RecvAncillaryBuffer::default(),
        RecvFlags::PEEK | RecvFlags::DONTWAIT,
    )?;
    Ok((received.bytes, received.flags.contains(ReturnFlags::CTRUNC)))
}

/// Who is said to send, to a receiver that asks with each message (`SO_PASSCRED`, `unix(7)`).
///
/// # Privileges
/// The kernel believes `CAP_SYS_ADMIN` another process number, `CAP_SETUID` and `CAP_SETGID` another user and group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Identity(pub(crate) UCred);

/// Sends bytes and passes descriptors with the first of them; answers how many bytes were taken.
pub(crate) fn put(
    socket: BorrowedFd<'_>,
    data: &[u8],
    descriptors: &[OwnedFd],
    identity: Option<Identity>,
) -> Result<usize, Errno> {
    if descriptors.is_empty() && identity.is_none() {
        return rustix::net::send(socket, data, SendFlags::NOSIGNAL | SendFlags::DONTWAIT);
    }
    let borrowed: Vec<BorrowedFd<'_>> = descriptors.iter().map(std::os::fd::AsFd::as_fd).collect();
    let mut space =
        [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS), ScmCredentials(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let fits = borrowed.is_empty() || control.push(SendAncillaryMessage::ScmRights(&borrowed));
    if !fits {
        return Err(Errno::TOOMANYREFS);
    }
    if let Some(Identity(who)) = identity {
        control.push(SendAncillaryMessage::ScmCredentials(who));
    }
    let sent = sendmsg(
        socket,
        &[IoSlice::new(data)],
        &mut control,
        SendFlags::NOSIGNAL | SendFlags::DONTWAIT,
    );
    match (sent, identity) {
        // The client has ended, or its number is not ours to show (scm_check_creds, net/core/scm.c). What it has said is
        // still its user's.
        (Err(Errno::SRCH | Errno::PERM), Some(Identity(who))) if who.pid != getpid() => {
            let who = UCred {
                pid: getpid(),
                ..who
            };
            put(socket, data, descriptors, Some(Identity(who)))
        }
        (sent, _) => sent,
    }
}

//! Messages and the descriptors that travel with them.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    self, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};
use sockeye_address::{Kind, Name};

use crate::descriptor::Descriptor;
use crate::life::{DescriptorNumber, SystemCall};
use crate::long_name::Route;
use crate::name_of;

/// The most descriptors that one message carries (`SCM_MAX_FD`, include/net/scm.h).
pub const MAX_DESCRIPTORS: usize = 253;

/// What one receive brought.
#[derive(Debug)]
pub struct Message {
    /// How many bytes were put into the buffer.
    pub length_bytes: usize,
    /// How long the message was; more than `length_bytes` when the buffer was too small and the rest is lost.
    pub full_length_bytes: usize,
    /// The descriptors that were passed, now this process's own and closed on exec.
    pub descriptors: Vec<OwnedFd>,
    /// Further descriptors were passed but are lost: this process could not hold them (its limit is reached).
    pub descriptors_lost: bool,
    /// Whom it came from. A name that begins with `/proc/self/` is to be read in the sender's `/proc`, not here.
    pub sender: Name,
}

impl Message {
    /// Whether bytes were lost because the buffer was too small.
    pub fn is_cut(&self) -> bool {
        self.full_length_bytes > self.length_bytes
    }

    /// Whether it brought neither bytes nor descriptors: the end of a stream, or an empty message.
    pub fn is_empty(&self) -> bool {
        self.full_length_bytes == 0 && self.descriptors.is_empty()
    }
}

pub(crate) fn send(
    socket: &Descriptor,
    data: &[u8],
    descriptors: &[BorrowedFd<'_>],
    to: Option<(&Route, &Name)>,
) -> Result<usize, Errno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(Errno::INVAL);
    }
    let parts = [IoSlice::new(data)];
    let answer = retry(|| match to {
        Some((route, _)) => net::sendmsg_addr(
            socket,
            &route.address,
            &parts,
            &mut control,
            SendFlags::NOSIGNAL,
        ),
        None => net::sendmsg(socket, &parts, &mut control, SendFlags::NOSIGNAL),
    });
    if socket.life().is_watched() {
        let passed: Vec<_> = descriptors.iter().map(DescriptorNumber::of).collect();
        let to = to.map_or(&Name::Unnamed, |(_, name)| name);
        let call = SystemCall::SendMessage {
            fd: socket.number(),
            data,
            passed: &passed,
            to,
        };
        socket.life().tell(|| call, answer.map(length));
    }
    answer
}

pub(crate) fn receive(
    socket: &Descriptor,
    buffer: &mut [u8],
    kind: Kind,
) -> Result<Message, Errno> {
    // Asking for the true length is an error nowhere, but only kinds with messages have one.
    let flags = if kind.keeps_boundaries() {
        RecvFlags::TRUNC
    } else {
        RecvFlags::empty()
    };
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let capacity_bytes = buffer.len();
    let answer = retry(|| {
        let mut parts = [IoSliceMut::new(buffer)];
        net::recvmsg(
            socket,
            &mut parts,
            &mut control,
            flags | RecvFlags::CMSG_CLOEXEC,
        )
    });
    let message = answer.map(|received| {
        let mut descriptors = Vec::new();
        for part in control.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = part {
                descriptors.extend(rights);
            }
        }
        Message {
            length_bytes: received.bytes.min(capacity_bytes),
            full_length_bytes: received.bytes,
            descriptors,
            descriptors_lost: received.flags.contains(ReturnFlags::CTRUNC),
            sender: received.address.as_ref().map_or(Name::Unnamed, name_of),
        }
    });
    tell_received(socket, buffer, &message);
    message
}

pub(crate) fn tell_received(socket: &Descriptor, buffer: &[u8], message: &Result<Message, Errno>) {
    if !socket.life().is_watched() {
        return;
    }
    let nothing = (0, &[] as &[OwnedFd], &Name::Unnamed);
    let (length_bytes, descriptors, from) = match message {
        Ok(message) => (
            message.length_bytes,
            message.descriptors.as_slice(),
            &message.sender,
        ),
        Err(_) => nothing,
    };
    let passed: Vec<_> = descriptors.iter().map(DescriptorNumber::of).collect();
    let data = buffer.get(..length_bytes).unwrap_or_default();
    let fd = socket.number();
    let call = SystemCall::ReceiveMessage {
        fd,
        data,
        capacity_bytes: buffer.len(),
        passed: &passed,
        from,
    };
    let answer = message
        .as_ref()
        .map(|message| length(message.full_length_bytes))
        .map_err(|number| *number);
    socket.life().tell(|| call, answer);
}

/// A count of bytes as the return value of a call.
pub(crate) fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// Repeats a call that a signal interrupted.
pub(crate) fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            answer => return answer,
        }
    }
}

/// Borrows owned or borrowed descriptors for a send.
pub(crate) fn borrow<F: AsFd>(descriptors: &[F]) -> Vec<BorrowedFd<'_>> {
    descriptors.iter().map(AsFd::as_fd).collect()
}

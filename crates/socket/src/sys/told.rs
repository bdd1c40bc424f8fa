//! `recvmsg(2)` for a message and the credentials of whoever sent it.
#![expect(
    unsafe_code,
    reason = "rustix's credentials cannot hold the pid 0 of a sender in another pid namespace, and the descriptors \
                                 that come after them would be lost"
)]

use std::ffi::c_int;
use std::mem::{MaybeUninit, offset_of};
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

use rustix::io::Errno;
use sockeye_address::Name;

use crate::message::MAX_DESCRIPTORS;

const CONTROL_BYTES: usize =
    rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS), ScmCredentials(1), ScmRights(1));
const CONTROL_WORDS: usize = CONTROL_BYTES.div_ceil(size_of::<u64>());

/// Not in every version of libc (`include/linux/socket.h`).
const SCM_PIDFD: c_int = 4;

/// What one receive brought.
#[derive(Debug)]
pub(crate) struct Told {
    /// How long the message was, be it more than the buffer.
    pub(crate) full_length_bytes: usize,
    /// Not all that was passed could be received.
    pub(crate) control_was_cut: bool,
    pub(crate) sender: Name,
    /// pid (0 when it cannot be seen from here), uid, gid.
    pub(crate) credentials: Option<(i32, u32, u32)>,
    pub(crate) descriptors: Vec<OwnedFd>,
}

/// Receives one message.
pub(crate) fn receive_told(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<Told, Errno> {
    let mut address = MaybeUninit::<libc::sockaddr_storage>::zeroed();
    let mut control = [0_u64; CONTROL_WORDS];
    let mut part = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    // SAFETY: a header of zeroes is one that says nothing.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_name = address.as_mut_ptr().cast();
    header.msg_namelen = libc::socklen_t::try_from(size_of_val(&address)).unwrap_or(0);
    header.msg_iov = &raw mut part;
    header.msg_iovlen = 1;
    header.msg_control = control.as_mut_ptr().cast();
    header.msg_controllen = size_of_val(&control) as _; // its type is the C library's choice
    let flags = libc::MSG_TRUNC | libc::MSG_CMSG_CLOEXEC;
    // SAFETY: each pointer in the header is to memory of the length beside it, which the kernel may write and which
    // outlives the call; the descriptor is open while it is borrowed.
    let answer = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut header, flags) };
    let Ok(full_length_bytes) = usize::try_from(answer) else {
        let error = std::io::Error::last_os_error();
        return Err(Errno::from_io_error(&error).unwrap_or(Errno::IO));
    };
    let mut told = Told {
        full_length_bytes,
        control_was_cut: header.msg_flags & libc::MSG_CTRUNC != 0,
        // SAFETY: all of it was zeroed before the kernel wrote the first bytes, and any bytes are such a structure.
        sender: name_in(&unsafe { address.assume_init() }, header.msg_namelen),
        credentials: None,
        descriptors: Vec::new(),
    };
    // SAFETY: the kernel has written the header and the parts that it describes, and nobody has read them yet.
    unsafe { read_control(&header, &mut told) };
    Ok(told)
}

fn name_in(address: &libc::sockaddr_storage, length: libc::socklen_t) -> Name {
    if c_int::from(address.ss_family) != libc::AF_UNIX {
        return Name::Unnamed;
    }
    let length = usize::try_from(length)
        .unwrap_or(0)
        .min(size_of_val(address));
    // SAFETY: the slice is inside `address`, all of which is initialized, and does not outlive it.
    let bytes =
        unsafe { std::slice::from_raw_parts(std::ptr::from_ref(address).cast::<u8>(), length) };
    let start = offset_of!(libc::sockaddr_un, sun_path);
    Name::from_kernel(bytes.get(start..).unwrap_or_default())
}

/// Takes what came with a message.
///
/// # Safety
/// The kernel must have filled the header in, and this must be the first to read what it describes: the descriptors
/// in it are owned by what they are put into here.
#[expect(
    clippy::disallowed_methods,
    reason = "the numbers come from the kernel, in this function"
)]
unsafe fn read_control(header: &libc::msghdr, told: &mut Told) {
    // SAFETY: the caller vouches for the header; so the walk stays inside the control buffer, each part is a whole
    // header with data of the length that it says, and each number in `SCM_RIGHTS` and `SCM_PIDFD` is a descriptor
    // that the kernel has just made for this process and nobody else knows of.
    unsafe {
        let mut part = libc::CMSG_FIRSTHDR(header);
        while let Some(found) = part.as_ref() {
            let data = libc::CMSG_DATA(part);
            let empty = bytes(libc::CMSG_LEN(0));
            let length = bytes(found.cmsg_len).saturating_sub(empty);
            match (found.cmsg_level, found.cmsg_type) {
                (libc::SOL_SOCKET, libc::SCM_CREDENTIALS) if length >= size_of::<libc::ucred>() => {
                    let sender = data.cast::<libc::ucred>().read_unaligned();
                    told.credentials = Some((sender.pid, sender.uid, sender.gid));
                }
                (libc::SOL_SOCKET, kind @ (libc::SCM_RIGHTS | SCM_PIDFD)) => {
                    for index in 0..length / size_of::<c_int>() {
                        let number = data.cast::<[u8; size_of::<c_int>()]>().add(index).read();
                        let number = c_int::from_ne_bytes(number);
                        // In place of a pidfd there may be an error.
                        if number < 0 {
                            continue;
                        }
                        let fd = OwnedFd::from_raw_fd(number);
                        if kind == libc::SCM_RIGHTS {
                            told.descriptors.push(fd);
                        }
                    }
                }
                _ => {}
            }
            part = libc::CMSG_NXTHDR(header, part);
        }
    }
}

/// A length, whose type is the C library's choice.
fn bytes(length: impl TryInto<usize>) -> usize {
    length.try_into().unwrap_or(0)
}

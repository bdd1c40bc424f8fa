//! `getsockopt(2)` for what the kernel knows of the peer.
#![expect(
    unsafe_code,
    reason = "rustix has no SO_PEERPIDFD, SO_PEERGROUPS or SO_PEERSEC, and its SO_PEERCRED cannot \
                                 hold the pid 0 of a peer in another pid namespace"
)]

use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

use rustix::io::Errno;

/// Reads an option into a value of plain data; `None` when the kernel gave less than a whole one.
///
/// # Safety
/// Every byte pattern must be a valid `T`.
unsafe fn option<T: Copy>(socket: BorrowedFd<'_>, name: c_int) -> Result<T, Errno> {
    let mut value = MaybeUninit::<T>::zeroed();
    let mut length = length_of(size_of::<T>());
    // SAFETY: `value` is `length` bytes that the kernel may write, and the descriptor is open while it is borrowed.
    let answer = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            name,
            value.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    check(answer)?;
    // SAFETY: all bytes were zeroed before the kernel wrote some, and the caller vouches for any pattern.
    Ok(unsafe { value.assume_init() })
}

/// Reads an option of unknown size, `T` by `T`.
///
/// # Safety
/// Every byte pattern must be a valid `T`.
unsafe fn option_list<T: Copy + Default>(
    socket: BorrowedFd<'_>,
    name: c_int,
) -> Result<Vec<T>, Errno> {
    let mut values = vec![T::default(); 64];
    loop {
        let mut length = length_of(values.len() * size_of::<T>());
        // SAFETY: `values` is `length` bytes that the kernel may write, and the descriptor is open while borrowed.
        let answer = unsafe {
            libc::getsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                name,
                values.as_mut_ptr().cast(),
                &raw mut length,
            )
        };
        let count = usize::try_from(length)
            .unwrap_or(0)
            .div_ceil(size_of::<T>());
        match check(answer) {
            // The kernel has written the length that is needed.
            Err(Errno::RANGE) if count > values.len() => values.resize(count, T::default()),
            Err(number) => return Err(number),
            Ok(()) => {
                values.truncate(count);
                return Ok(values);
            }
        }
    }
}

fn length_of(bytes: usize) -> libc::socklen_t {
    libc::socklen_t::try_from(bytes).unwrap_or(libc::socklen_t::MAX)
}

fn check(answer: c_int) -> Result<(), Errno> {
    if answer == 0 {
        Ok(())
    } else {
        Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO))
    }
}

/// pid (0 when it cannot be seen from here), uid, gid.
pub(crate) fn peer_credentials(socket: BorrowedFd<'_>) -> Result<(i32, u32, u32), Errno> {
    // SAFETY: `ucred` is three integers.
    let peer: libc::ucred = unsafe { option(socket, libc::SO_PEERCRED)? };
    Ok((peer.pid, peer.uid, peer.gid))
}

pub(crate) fn peer_groups(socket: BorrowedFd<'_>) -> Result<Vec<u32>, Errno> {
    // SAFETY: group ids are integers.
    unsafe { option_list::<libc::gid_t>(socket, libc::SO_PEERGROUPS) }
}

pub(crate) fn peer_security_label(socket: BorrowedFd<'_>) -> Result<Vec<u8>, Errno> {
    // SAFETY: the label is bytes.
    let mut label = unsafe { option_list::<u8>(socket, libc::SO_PEERSEC)? };
    while label.last() == Some(&0) {
        label.pop();
    }
    Ok(label)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the number comes from the kernel, in this function"
)]
pub(crate) fn peer_pidfd(socket: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    // SAFETY: a descriptor number is an integer.
    let number: c_int = unsafe { option(socket, libc::SO_PEERPIDFD)? };
    if number < 0 {
        return Err(Errno::BADF);
    }
    // SAFETY: the kernel has just installed this descriptor for us (sock_getsockopt, net/core/sock.c); nobody else
    // knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

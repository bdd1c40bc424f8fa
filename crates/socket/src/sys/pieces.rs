//! Where one piece of a stream ends and the next begins.
#![expect(
    unsafe_code,
    reason = "the kernel is handed a place to write to that is none, which no safe call can do"
)]

use std::os::fd::{AsRawFd as _, BorrowedFd};

use rustix::io::Errno;

/// Copies what is queued into `buffer`, takes nothing of it, and answers how many bytes come before the first piece that
/// does not fit whole; 0 when it is the very first.
pub(crate) fn whole_pieces(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<usize, Errno> {
    let mut parts = [
        libc::iovec {
            iov_base: buffer.as_mut_ptr().cast(),
            iov_len: buffer.len(),
        },
        // Nothing is ever mapped there, so whatever does not fit before it fails (`mmap_min_addr`, mmap(2)).
        libc::iovec {
            iov_base: std::ptr::null_mut(),
            iov_len: 1,
        },
    ];
    // SAFETY: all zeroes is a valid header: no name, no parts, no control messages.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_iov = parts.as_mut_ptr();
    header.msg_iovlen = parts.len();
    // SAFETY: the first part is `buffer`, which the kernel may write; at the second it can write nothing, finds that out
    // itself and answers EFAULT or what it had done before; descriptor and header outlive the call.
    let answer = unsafe {
        libc::recvmsg(
            socket.as_raw_fd(),
            &raw mut header,
            libc::MSG_PEEK | libc::MSG_DONTWAIT,
        )
    };
    match usize::try_from(answer) {
        Ok(bytes) => Ok(bytes),
        Err(_) => match Errno::from_io_error(&std::io::Error::last_os_error()) {
            Some(Errno::FAULT) => Ok(0),
            number => Err(number.unwrap_or(Errno::IO)),
        },
    }
}

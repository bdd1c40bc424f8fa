//! Descriptors that are known by their number only: those that were open when the process started.
#![expect(
    unsafe_code,
    reason = "whoever started the process says numbers, and rustix takes descriptors only"
)]

use std::ffi::c_int;
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::Errno;

fn fcntl(number: c_int, command: c_int, argument: c_int) -> Result<c_int, Errno> {
    // SAFETY: the commands of this file take an integer or nothing and touch no memory of the process. None closes a
    // descriptor or changes what it means; of a number that is not open the kernel says EBADF.
    let answer = unsafe { libc::fcntl(number, command, argument) };
    if answer < 0 {
        let error = std::io::Error::last_os_error();
        return Err(Errno::from_io_error(&error).unwrap_or(Errno::IO));
    }
    Ok(answer)
}

pub(crate) fn is_closed_on_exec(number: c_int) -> Result<bool, Errno> {
    Ok(fcntl(number, libc::F_GETFD, 0)? & libc::FD_CLOEXEC != 0)
}

/// Nobody who owns the descriptor notices, except a child that it should have gone to.
pub(crate) fn close_on_exec(number: c_int) -> Result<(), Errno> {
    fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC).map(drop)
}

/// A new descriptor of the same file, closed on exec. The old one stays whosever it is.
#[expect(
    clippy::disallowed_methods,
    reason = "the number comes from the kernel, in this function"
)]
pub(crate) fn duplicate(number: c_int) -> Result<OwnedFd, Errno> {
    let number = fcntl(number, libc::F_DUPFD_CLOEXEC, 0)?;
    // SAFETY: the kernel has just made this descriptor for us; nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Takes the descriptors from `first` on that the service manager announced to this process, as far as `exec` left
/// them open: `None` for one that is closed on exec, which somebody in this process has opened. Each is closed on exec
/// from now on. Only the first call in a process is answered; the others get `None` at once.
///
/// To be called by `activation` only, which has found the process's own number in the announcement.
#[expect(
    clippy::disallowed_methods,
    reason = "the numbers come from the service manager"
)]
pub(crate) fn take_announced(
    first: c_int,
    count: u32,
) -> Option<impl Iterator<Item = Result<Option<OwnedFd>, Errno>>> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if TAKEN.swap(true, Ordering::SeqCst) {
        return None;
    }
    let numbers = (0..count).map_while(move |index| first.checked_add(i32::try_from(index).ok()?));
    Some(numbers.map(|number| {
        if is_closed_on_exec(number)? {
            return Ok(None);
        }
        close_on_exec(number)?;
        // SAFETY: it is open, as the kernel has just answered. Nobody else owns it: it was open before the process
        // began (what std and rustix open is closed on exec, and was told apart above), the announcement to this very
        // process gives it to whoever reads the announcement, and that is done once, as the swap above sees to.
        Ok(Some(unsafe { OwnedFd::from_raw_fd(number) }))
    }))
}

//! Descriptors that the runtime watches.

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Has the runtime watch a descriptor. To be called on the runtime that will use it.
///
/// Its successor in tokio is an unsafe function, because a type of one's own could answer with a descriptor it has closed;
/// [`OwnedFd`] cannot, so for it alone there is nothing to be unsafe about.
#[expect(
    deprecated,
    reason = "sound for OwnedFd, and unsafe code has no place in this crate"
)]
pub(crate) fn watch(fd: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(fd, interest)
}

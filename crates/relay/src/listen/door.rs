//! A listening socket of any family.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use sockeye_socket::Listener;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::{Incoming, Knock, tcp, unix, vsock};
use crate::access::Needs;
use crate::end::watch::watch;
use crate::handle::HandedOver;

/// A listening socket of any family.
pub(crate) enum Door {
    Unix(Listener),
    Tcp(std::net::TcpListener),
    Vsock(socket2::Socket),
}

/// What became of one attempt to accept.
pub(super) enum Attempt {
    Client(Incoming),
    Exhausted(io::Error),
    /// Nobody waits.
    Nobody,
}

impl Door {
    fn attempt(&self, needs: &Needs) -> io::Result<Attempt> {
        match self {
            Door::Unix(listener) => unix::accept(listener, needs),
            Door::Tcp(listener) => tcp::accept(listener),
            Door::Vsock(listener) => vsock::accept(listener),
        }
    }
}

impl AsFd for Door {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Door::Unix(listener) => listener.as_fd(),
            Door::Tcp(listener) => listener.as_fd(),
            Door::Vsock(listener) => listener.as_fd(),
        }
    }
}

/// A door that is waited at.
pub(crate) struct WatchedDoor {
    door: Door,
    knocks: AsyncFd<OwnedFd>,
}

impl WatchedDoor {
    pub(crate) fn new(door: Door) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&door, true)?;
        let again = rustix::io::fcntl_dupfd_cloexec(&door, 3)?;
        Ok(WatchedDoor {
            door,
            knocks: watch(again, Interest::READABLE)?,
        })
    }

    /// Waits for a client.
    pub(super) async fn accept(&self, needs: &Needs) -> io::Result<Knock> {
        loop {
            let mut ready = self.knocks.readable().await?;
            match self.door.attempt(needs)? {
                Attempt::Client(incoming) => return Ok(Knock::Client(Box::new(incoming))),
                Attempt::Exhausted(error) => return Ok(Knock::Exhausted(error)),
                Attempt::Nobody => ready.clear_ready(),
            }
        }
    }

    pub(super) fn port(&self) -> Option<u16> {
        match &self.door {
            Door::Tcp(listener) => Some(listener.local_addr().ok()?.port()),
            _ => None,
        }
    }

    pub(super) fn hand_over(self) -> HandedOver {
        match self.door {
            Door::Unix(listener) => {
                let file = listener.file_identity();
                HandedOver {
                    fd: listener.hand_over(),
                    file,
                }
            }
            Door::Tcp(listener) => HandedOver {
                fd: listener.into(),
                file: None,
            },
            Door::Vsock(listener) => HandedOver {
                fd: listener.into(),
                file: None,
            },
        }
    }
}

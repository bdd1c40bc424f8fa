//! A connected socket that does not wait, and the tasks that wait for it.

use std::future::poll_fn;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{self, RecvFlags, Shutdown, sockopt};
use sockeye_address::Kind;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::watch::watch;

/// What a socket of a relay speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speech {
    /// Bytes that may have descriptors passed with them.
    UnixBytes,
    /// Messages over a connection, that may have descriptors passed with them.
    UnixSeqpacket,
    /// Messages without a connection, that may have descriptors passed with them.
    UnixDatagrams,
    /// Bytes and nothing else.
    Bytes,
    /// Messages without a connection, and nothing else.
    Datagrams,
}

impl Speech {
    /// What a Unix socket of a kind speaks.
    pub(crate) const fn of(kind: Kind) -> Self {
        match kind {
            Kind::Stream => Speech::UnixBytes,
            Kind::Datagram => Speech::UnixDatagrams,
            Kind::Seqpacket => Speech::UnixSeqpacket,
        }
    }

    pub(crate) const fn has_messages(self) -> bool {
        !matches!(self, Speech::UnixBytes | Speech::Bytes)
    }

    pub(crate) const fn passes_descriptors(self) -> bool {
        !matches!(self, Speech::Bytes | Speech::Datagrams)
    }

    /// Whether its peer can end what it says.
    pub(crate) const fn ends(self) -> bool {
        !matches!(self, Speech::UnixDatagrams | Speech::Datagrams)
    }
}

/// A connected socket.
///
/// It is watched for arrivals only. Were it watched for room, too, the kernel would wake this thread each time the peer
/// takes something (`unix_write_space`, `net/unix/af_unix.c`): twice as many wake-ups for nothing. [`Room`] watches for
/// room while a send must wait.
#[derive(Debug)]
pub(crate) struct Socket {
    arrivals: AsyncFd<OwnedFd>,
    speech: Speech,
    was_reset: AtomicBool,
}

impl Socket {
    /// Takes a connected socket. To be called on the runtime that will use it.
    pub(crate) fn new(fd: OwnedFd, speech: Speech) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&fd, true)?;
        if speech == Speech::Bytes {
            // Small messages must not wait for company; it fails on what is not TCP.
            let _ = sockopt::set_tcp_nodelay(&fd, true);
        }
        Ok(Socket {
            arrivals: watch(fd, Interest::READABLE)?,
            speech,
            was_reset: AtomicBool::new(false),
        })
    }

    /// The kernel has told of a reset, and will not again, but what the peer sent before is still to be received.
    pub(crate) fn note_reset(&self) {
        self.was_reset.store(true, Ordering::Relaxed);
    }

    pub(crate) fn was_reset(&self) -> bool {
        self.was_reset.load(Ordering::Relaxed)
    }

    pub(crate) fn speech(&self) -> Speech {
        self.speech
    }

    /// Receives by `take`, waiting until it gives something. It says in what it gives whether there may be more.
    pub(crate) async fn receive<T: Arrived>(
        &self,
        mut take: impl FnMut(BorrowedFd<'_>) -> Result<T, Errno>,
    ) -> io::Result<T> {
        poll_fn(|context| {
            loop {
                let mut ready = ready!(self.arrivals.poll_read_ready(context))?;
                match take(self.as_fd()) {
                    Ok(arrived) => {
                        if arrived.was_all() {
                            // What comes from now on is told anew: the descriptor is watched for edges.
                            ready.clear_ready();
                        }
                        return Poll::Ready(Ok(arrived));
                    }
                    Err(Errno::AGAIN) => ready.clear_ready(),
                    Err(Errno::INTR) => {}
                    Err(number) => return Poll::Ready(Err(number.into())),
                }
            }
        })
        .await
    }

    /// Waits until the peer has closed altogether, or reset the connection; to be used after the end of what it sends.
    pub(crate) async fn hung_up(&self) {
        poll_fn(|context| self.poll_hung_up(context)).await;
    }

    /// [`Self::hung_up`] as a poll.
    pub(crate) fn poll_hung_up(&self, context: &mut Context<'_>) -> Poll<()> {
        // Nothing but a hang-up makes a descriptor "writable" that is watched for arrivals only. One that cannot be
        // watched any more is as good as gone.
        if let Ok(mut told) = ready!(self.arrivals.poll_write_ready(context)) {
            told.retain_ready();
        }
        Poll::Ready(())
    }

    /// Whether something is queued.
    pub(crate) fn has_queued(&self) -> bool {
        let peek = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        matches!(net::recv(self, &mut [0; 1], peek), Ok((1.., _)))
    }

    /// Waits until something is queued, and leaves it there.
    pub(crate) async fn queued(&self) -> io::Result<()> {
        loop {
            let mut ready = self.arrivals.readable().await?;
            let peek = RecvFlags::PEEK | RecvFlags::DONTWAIT;
            match net::recv(self, &mut [0; 1], peek) {
                Err(Errno::AGAIN) => ready.clear_ready(),
                Err(Errno::INTR) => {}
                Err(number) => return Err(number.into()),
                Ok(_) => return Ok(()),
            }
        }
    }

    /// Tells the peer that nothing more will come.
    pub(crate) fn end(&self) {
        // It fails when the peer has gone, who need not be told.
        let _ = net::shutdown(self, Shutdown::Write);
    }

    /// Makes the peer's sends fail.
    pub(crate) fn refuse_more(&self) {
        let _ = net::shutdown(self, Shutdown::Read);
    }

    /// Makes closing this socket a reset for its peer, as far as its family can: TCP discards what is queued and sends
    /// RST. A Unix socket resets its peer when something it sent is unread.
    pub(crate) fn reset_at_close(&self) {
        let _ = sockopt::set_socket_linger(self, Some(Duration::ZERO));
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.arrivals.get_ref().as_fd()
    }
}

/// What a receive gave.
pub(crate) trait Arrived {
    /// Whether nothing was left in the queue.
    fn was_all(&self) -> bool;
}

/// Until the next look for room when there is no descriptor to watch for it with: a connection that is there does not end
/// because new ones took the last.
const UNWATCHED: Duration = Duration::from_millis(5);

/// Sends to a socket, waiting for room where there is none.
#[derive(Debug)]
pub(crate) struct Room<'a> {
    socket: &'a Socket,
    /// Only while there was none: see [`Socket`].
    watched: Option<AsyncFd<OwnedFd>>,
}

impl<'a> Room<'a> {
    pub(crate) fn of(socket: &'a Socket) -> Self {
        Room {
            socket,
            watched: None,
        }
    }

    pub(crate) fn socket(&self) -> &'a Socket {
        self.socket
    }

    /// Sends by `put`, waiting until it could.
    pub(crate) async fn send<T>(
        &mut self,
        mut put: impl FnMut(BorrowedFd<'_>) -> Result<T, Errno>,
    ) -> io::Result<T> {
        let socket = self.socket.as_fd();
        loop {
            match put(socket) {
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) if self.watch().is_ok() => break,
                Err(Errno::AGAIN) => tokio::time::sleep(UNWATCHED).await,
                answer => return answer.map_err(Into::into),
            }
        }
        let watched = self.watch()?;
        loop {
            let mut ready = watched.writable().await?;
            match put(socket) {
                Err(Errno::AGAIN) => ready.clear_ready(),
                Err(Errno::INTR) => {}
                answer => return answer.map_err(Into::into),
            }
        }
    }

    /// No more is to be sent for now.
    pub(crate) fn rest(&mut self) {
        self.watched = None;
    }

    fn watch(&mut self) -> io::Result<&AsyncFd<OwnedFd>> {
        if self.watched.is_none() {
            let again = rustix::io::fcntl_dupfd_cloexec(self.socket, 3)?;
            self.watched = Some(watch(again, Interest::WRITABLE)?);
        }
        self.watched
            .as_ref()
            .ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

//! Where messages from anybody come in.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use sockeye_address::{Address, Kind};
use sockeye_socket::{Custody, Family, FileIdentity, Nature};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::Instant;

use super::queue::Queue;
use super::sender::Key;
use super::session::Session;
use super::socket::{Found, Letter, Outlet, Socket};
use super::table::{Put, Table};
use crate::end::watch::watch;
use crate::event::Client;
use crate::listen::Error;
use crate::plan::Listen;

/// A session that is full holds all others up for so long, where senders are promised that nothing is lost.
const PATIENCE: Duration = Duration::from_secs(1);

/// When there was no memory to receive a message, this long until the next attempt.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(50);

/// What may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    /// So many sessions at once.
    pub(crate) most_sessions: usize,
}

impl Default for Terms {
    fn default() -> Self {
        Terms {
            most_sessions: 4096,
        }
    }
}

/// A bound socket, and the sessions of those who send to it. Dropping it closes the socket and removes its file; the
/// sessions get what they have queued, and can still answer.
#[derive(Debug)]
pub(crate) struct Inbox {
    socket: Socket,
    arrivals: AsyncFd<OwnedFd>,
    sessions: Sessions,
    terms: Terms,
    /// For how long others may be held up.
    patience: Duration,
    held: Option<Held>,
    /// No new sessions.
    draining: bool,
}

/// A message that waits for room in its session.
#[derive(Debug)]
struct Held {
    letter: Letter,
    queue: Arc<Queue>,
    until: Instant,
}

/// The end of an inbox is the end of what its sessions receive.
#[derive(Debug)]
struct Sessions {
    table: Arc<Table>,
    outlet: Arc<Outlet>,
    /// Nobody else receives on the socket.
    last: bool,
}

impl Drop for Sessions {
    fn drop(&mut self) {
        self.table.complete();
        if self.last {
            self.outlet.refuse_more();
        }
    }
}

/// What came.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// A new sender; its first message waits in the session.
    Session(Session),
    /// A new sender that finds as many sessions as may be. Its message is lost.
    TurnedAway(Client),
    /// The kernel has no memory to receive; the messages wait.
    Exhausted(io::Error),
}

impl Inbox {
    /// Opens `unix-dgram:` or `udp:`. To be called on the runtime that will receive.
    pub(crate) fn open(listen: &Listen, terms: Terms) -> Result<Self, Error> {
        let socket = match &listen.address {
            Address::Unix(address) => Socket::bind_unix(&address.name, &listen.bind)?,
            Address::Udp(network) => {
                Socket::bind_udp(network).map_err(|source| failed(&listen.address, source))?
            }
            other => return Err(Error::Unsuitable(Box::new(other.clone()))),
        };
        Inbox::new(socket, true, terms).map_err(|source| failed(&listen.address, source))
    }

    /// Takes over a socket that another process bound. To be called on the runtime that will receive.
    pub(crate) fn adopt(
        fd: OwnedFd,
        custody: Custody,
        address: &Address,
        terms: Terms,
    ) -> Result<Self, Error> {
        let last = custody != Custody::Theirs;
        let nature = Nature::of(&fd)?.map(|nature| (nature.family, nature.kind));
        let socket = match nature {
            Some((Family::Unix, _)) => Socket::adopt_unix(fd, custody)?,
            Some((Family::Inet | Family::Inet6, Some(Kind::Datagram))) => {
                Socket::adopt_udp(fd).map_err(|source| failed(address, source))?
            }
            _ => return Err(failed(address, Errno::PROTOTYPE.into())),
        };
        Inbox::new(socket, last, terms).map_err(|source| failed(address, source))
    }

    fn new(socket: Socket, last: bool, terms: Terms) -> io::Result<Self> {
        let again = rustix::io::fcntl_dupfd_cloexec(&socket, 3)?;
        let patience = match socket {
            Socket::Unix(_) => PATIENCE,
            Socket::Udp { .. } => Duration::ZERO,
        };
        Ok(Inbox {
            arrivals: watch(again, Interest::READABLE)?,
            sessions: Sessions {
                table: Arc::default(),
                outlet: Arc::new(socket.outlet()?),
                last,
            },
            socket,
            terms,
            patience,
            held: None,
            draining: false,
        })
    }

    /// Waits for a new sender; messages of those that are known go to their sessions meanwhile, and only meanwhile.
    ///
    /// # Errors
    /// The socket cannot be received from any more.
    ///
    /// # Cancel safety
    /// No message is lost.
    pub(crate) async fn next(&mut self) -> io::Result<Arrival> {
        loop {
            if let Some(arrival) = self.settle_held().await {
                return Ok(arrival);
            }
            match self.receive().await {
                Ok(letter) => {
                    if let Some(arrival) = self.place(letter) {
                        return Ok(arrival);
                    }
                }
                Err(error) if is_exhaustion(&error) => return Ok(Arrival::Exhausted(error)),
                Err(error) => return Err(error),
            }
            tokio::task::consume_budget().await;
        }
    }

    /// Goes on with the sessions that there are, until they have ended. Messages of others are dropped.
    ///
    /// # Cancel safety
    /// No message of a session is lost.
    pub(crate) async fn drain(&mut self) -> io::Result<()> {
        self.draining = true;
        let table = Arc::clone(&self.sessions.table);
        tokio::select! {
            biased;
            () = table.empty() => Ok(()),
            result = self.deliver() => result,
        }
    }

    async fn deliver(&mut self) -> io::Result<()> {
        loop {
            if let Arrival::Exhausted(_) = self.next().await? {
                tokio::time::sleep(EXHAUSTED_PAUSE).await;
            }
        }
    }

    /// Gives the socket away and leaves its file where it is. Sessions keep what they have, and can still answer; whoever
    /// has the socket receives what they would have.
    pub(crate) fn hand_over(mut self) -> OwnedFd {
        self.sessions.last = false;
        if let Some(Held { letter, queue, .. }) = self.held.take() {
            queue.press(letter.message);
        }
        self.socket.hand_over()
    }

    /// Which file the socket has, to tell whoever takes it over.
    pub(crate) fn file_identity(&self) -> Option<FileIdentity> {
        match &self.socket {
            Socket::Unix(inbox) => inbox.file_identity(),
            Socket::Udp { .. } => None,
        }
    }

    /// How many sessions there are.
    pub(crate) fn sessions(&self) -> usize {
        self.sessions.table.len()
    }

    /// How many messages were dropped, of sessions and of those turned away.
    #[cfg(test)]
    pub(crate) fn lost(&self) -> u64 {
        self.sessions.table.lost()
    }

    #[cfg(test)]
    pub(super) fn hold_up_for(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Which port a UDP socket has; that of another is `None`.
    pub(crate) fn local_port(&self) -> Option<u16> {
        match &self.socket {
            Socket::Unix(_) => None,
            Socket::Udp { socket, .. } => Some(socket.local_addr().ok()?.port()),
        }
    }

    async fn receive(&mut self) -> io::Result<Letter> {
        loop {
            let mut ready = self.arrivals.readable().await?;
            match self.socket.take() {
                Ok(Found::Letter(letter)) => return Ok(letter),
                Ok(Found::Cut) => self.sessions.table.count_lost(),
                Ok(Found::Nothing) => ready.clear_ready(),
                Err(error) if is_about_somebody(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits until the message that waits for room has some, or has waited long enough.
    async fn settle_held(&mut self) -> Option<Arrival> {
        while let Some(held) = &self.held {
            let queue = Arc::clone(&held.queue);
            if tokio::time::timeout_at(held.until, queue.room())
                .await
                .is_err()
            {
                queue.fall_behind();
            }
            let Held { letter, .. } = self.held.take()?;
            if let Some(arrival) = self.place(letter) {
                return Some(arrival);
            }
        }
        None
    }

    fn place(&mut self, letter: Letter) -> Option<Arrival> {
        let Letter { client, message } = letter;
        let key = Key::of(&client);
        match self.sessions.table.put(&key, message) {
            Put::Done => None,
            Put::Full(queue, message) => {
                if self.patience.is_zero() {
                    queue.fall_behind();
                    return self.place(Letter { client, message });
                }
                self.held = Some(Held {
                    letter: Letter { client, message },
                    queue,
                    until: Instant::now() + self.patience,
                });
                None
            }
            Put::Stranger(_) if self.draining => {
                self.sessions.table.count_lost();
                None
            }
            Put::Stranger(_) if self.sessions() >= self.terms.most_sessions => {
                self.sessions.table.count_lost();
                Some(Arrival::TurnedAway(client))
            }
            Put::Stranger(message) => {
                let Sessions { table, outlet, .. } = &self.sessions;
                let queue = table.add(key.clone(), message);
                let (table, outlet) = (Arc::clone(table), Arc::clone(outlet));
                let session = Session::new(key, client, queue, table, outlet);
                Some(Arrival::Session(session))
            }
        }
    }
}

fn failed(address: &Address, source: io::Error) -> Error {
    Error::Network {
        address: Box::new(address.clone()),
        source,
    }
}

fn is_exhaustion(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::OutOfMemory || Errno::from_io_error(error) == Some(Errno::NOBUFS)
}

/// What a network tells of an earlier answer, and a signal: the next receive is not about it.
fn is_about_somebody(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(
            Errno::CONNREFUSED
                | Errno::HOSTUNREACH
                | Errno::NETUNREACH
                | Errno::HOSTDOWN
                | Errno::NETDOWN
                | Errno::MSGSIZE
                | Errno::PROTO
                | Errno::NOPROTOOPT
                | Errno::INTR
        )
    )
}

//! The way to a socket that somebody serves.

use std::io;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{self, SocketAddrUnix, sockopt};
use sockeye_address::{Kind, Name};

use crate::descriptor::Descriptor;
use crate::life::{Life, SystemCall};
use crate::long_name::Route;
use crate::message::retry;
use crate::{Connection, Error, open};

/// The order in which kinds are tried, most frequent first.
const KINDS_TRIED: [Kind; 3] = [Kind::Stream, Kind::Seqpacket, Kind::Datagram];

/// The shortest wait that can be asked for: nothing at all means for ever (`sock_set_timeout`, `net/core/sock.c`).
const SHORTEST_WAIT: Duration = Duration::from_micros(1);

/// How long a connect may wait for room in the queue.
#[derive(Debug, Clone, Copy)]
struct Patience {
    limit: Duration,
    /// None when it lies beyond all time.
    deadline: Option<Instant>,
}

impl Patience {
    fn new(limit: Duration) -> Self {
        Patience {
            limit,
            deadline: Instant::now().checked_add(limit),
        }
    }

    /// Bounds the next connect of this socket to what is left. It takes no less than one tick of the kernel's clock,
    /// so a connect that has room is never refused for time.
    fn bound(self, socket: &Descriptor) -> Result<(), Errno> {
        let left = self.deadline.map(|deadline| {
            let left = deadline.saturating_duration_since(Instant::now());
            left.max(SHORTEST_WAIT)
        });
        sockopt::set_socket_timeout(socket, sockopt::Timeout::Send, left)
    }
}

impl Connection {
    /// Connects to the socket at `name`. Without a kind each is tried: the kernel answers `EPROTOTYPE` to the wrong
    /// one at a path, and `ECONNREFUSED` at an abstract name, of which each kind has its own (`unix_abstract_hash`,
    /// `net/unix/af_unix.c`). A datagram socket is first given a name of the kernel's choice, so that it can be answered.
    ///
    /// It waits while the queue of the listener is full. Success means that there is room in the queue, not that the
    /// server has accepted.
    ///
    /// # Errors
    /// [`Error::WrongKind`] when the kind was said and is another; otherwise what the kernel said: no such file, no
    /// permission to write to it, refused because nobody listens.
    pub fn connect(name: &Name, kind: Option<Kind>, life: &Life) -> Result<Self, Error> {
        Connection::connect_patiently(name, kind, None, life)
    }

    /// [`Self::connect`] that waits no longer than `limit` for room in the queue of the listener: with a limit of
    /// nothing not at all, otherwise at least one tick of the kernel's clock, some milliseconds. Nothing of the limit
    /// stays with the connection.
    ///
    /// # Errors
    /// As [`Self::connect`], and [`Error::TimedOut`].
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use sockeye_socket::{BindOptions, Connection, Error, Kind, Life, Listener, Name};
    ///
    /// let listener = Listener::bind(&Name::Unnamed, Kind::Stream, &BindOptions::new().backlog(0))?;
    /// let limit = Duration::from_millis(10);
    /// let life = Life::default();
    /// let _first = Connection::connect_within(listener.name(), None, limit, &life)?;
    /// let second = Connection::connect_within(listener.name(), None, limit, &life);
    /// assert!(matches!(second, Err(Error::TimedOut { .. }))); // nobody accepts
    /// # Ok::<(), Error>(())
    /// ```
    pub fn connect_within(
        name: &Name,
        kind: Option<Kind>,
        limit: Duration,
        life: &Life,
    ) -> Result<Self, Error> {
        Connection::connect_patiently(name, kind, Some(Patience::new(limit)), life)
    }

    fn connect_patiently(
        name: &Name,
        kind: Option<Kind>,
        patience: Option<Patience>,
        life: &Life,
    ) -> Result<Self, Error> {
        let kinds = kind
            .as_ref()
            .map_or(KINDS_TRIED.as_slice(), std::slice::from_ref);
        let mut last = Error::WrongKind {
            name: name.clone(),
            kind: Kind::Stream,
        };
        for kind in kinds {
            match Connection::connect_kind(name, *kind, patience, life) {
                Err(error) if may_be_another_kind(name, &error) => last = error,
                answer => return answer,
            }
        }
        Err(last)
    }

    fn connect_kind(
        name: &Name,
        kind: Kind,
        patience: Option<Patience>,
        life: &Life,
    ) -> Result<Self, Error> {
        let socket = open(kind, life)?;
        let route = Route::to_existing(name, life)?;
        if kind == Kind::Datagram {
            let answer = net::bind(&socket, &SocketAddrUnix::new_unnamed());
            life.tell(
                || SystemCall::Bind {
                    fd: socket.number(),
                    name: &Name::Unnamed,
                },
                answer.map(|()| 0),
            );
            answer.map_err(|number| Error::call("name a socket for answers of", name, number))?;
        }
        let answer = ask(&socket, &route, patience);
        life.tell(
            || SystemCall::Connect {
                fd: socket.number(),
                name: &route.shown,
                kind,
            },
            answer.map(|()| 0),
        );
        match (answer, patience) {
            (Ok(()), _) => Ok(Connection::connected(socket, name.clone(), kind)),
            (Err(Errno::PROTOTYPE), _) => Err(Error::WrongKind {
                name: name.clone(),
                kind,
            }),
            // The kernel's word for a limit that was reached.
            (Err(Errno::AGAIN), Some(Patience { limit, .. })) => Err(Error::TimedOut {
                name: name.clone(),
                limit,
            }),
            (Err(number), _) => Err(Error::call("connect", name, number)),
        }
    }
}

/// Connects; a wait that a signal interrupted goes on for what is left of it.
fn ask(socket: &Descriptor, route: &Route, patience: Option<Patience>) -> Result<(), Errno> {
    let Some(patience) = patience else {
        return retry(|| net::connect(socket, &route.address));
    };
    if patience.limit.is_zero() {
        rustix::io::ioctl_fionbio(socket, true)?;
        retry(|| net::connect(socket, &route.address))?;
        return rustix::io::ioctl_fionbio(socket, false);
    }
    retry(|| {
        patience.bound(socket)?;
        net::connect(socket, &route.address)
    })?;
    sockopt::set_socket_timeout(socket, sockopt::Timeout::Send, None)
}

fn may_be_another_kind(name: &Name, error: &Error) -> bool {
    matches!(error, Error::WrongKind { .. })
        || (matches!(name, Name::Abstract(_))
            && error.io_kind() == Some(io::ErrorKind::ConnectionRefused))
}

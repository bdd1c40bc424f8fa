//! A socket that clients connect to.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::io::Errno;
use rustix::net::{self, SocketFlags};
use sockeye_address::{Kind, Name};

use crate::adopt::{self, Adopted, Custody};
use crate::bind::{self, Bound};
use crate::descriptor::Descriptor;
use crate::life::{DescriptorNumber, Life, SystemCall};
use crate::message::retry;
use crate::socket_file::{FileIdentity, SocketFile};
use crate::{BindOptions, Connection, Error, long_name, name_of};

/// A listening stream or seqpacket socket. Dropping it closes the socket and removes its file, if the file is still
/// its own.
///
/// # Examples
/// An echo for one client:
/// ```
/// use sockeye_socket::{BindOptions, Connection, Kind, Life, Listener, Name};
///
/// let folder = tempfile::tempdir()?;
/// let name = Name::Path(folder.path().join("echo.sock"));
/// let listener = Listener::bind(&name, Kind::Stream, &BindOptions::new())?;
/// let service = std::thread::spawn(move || -> Result<(), sockeye_socket::Error> {
///     let client = listener.accept()?;
///     let mut buffer = [0; 4096];
///     loop {
///         match client.receive(&mut buffer)? {
///             0 => return listener.close(),
///             length => client.send_all(&buffer[..length])?,
///         }
///     }
/// });
///
/// let server = Connection::connect(&name, None, &Life::default())?;
/// server.send_all(b"hello")?;
/// server.shutdown(sockeye_socket::Direction::Write)?; // all is said, the answer can still come
/// let mut answer = [0; 16];
/// let length = server.receive(&mut answer)?;
/// assert_eq!(&answer[..length], b"hello");
/// service.join().unwrap()?;
/// assert!(!folder.path().join("echo.sock").exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Listener {
    // The file goes before the socket is closed: a client that still finds the file can still connect.
    file: Option<SocketFile>,
    socket: Descriptor,
    name: Arc<Name>,
    kind: Kind,
}

impl Listener {
    /// Makes a socket, binds it to `name` and listens. [`Name::Unnamed`] lets the kernel choose an abstract name.
    ///
    /// # Errors
    /// [`Error::InUse`], [`Error::NotASocket`], [`Error::OfOtherUser`] and [`Error::Unproven`] for what is already
    /// there; [`Error::Unsuitable`] for datagram sockets, which have no clients; otherwise what the kernel said.
    pub fn bind(name: &Name, kind: Kind, options: &BindOptions) -> Result<Self, Error> {
        if !kind.is_connected() {
            return Err(Error::Unsuitable {
                operation: "listen on",
                name: name.clone(),
                kind,
            });
        }
        let Bound {
            socket,
            name,
            mut file,
        } = bind::bind(name, kind, options)?;
        let backlog = i32::try_from(options.backlog).unwrap_or(i32::MAX);
        let answer = net::listen(&socket, backlog);
        let fd = socket.number();
        options.life.tell(
            || SystemCall::Listen {
                fd,
                backlog: options.backlog,
            },
            answer.map(|()| 0),
        );
        answer.map_err(|number| Error::call("listen on", &name, number))?;
        if let Some(file) = &mut file {
            file.publish()?;
        }
        Ok(Listener {
            file,
            socket,
            name: Arc::new(name),
            kind,
        })
    }

    /// Takes over a listening socket that another process made: one of the service manager
    /// ([`activation`](crate::activation)), or one that was passed. Whether [`Self::accept`] waits is left as it is:
    /// that belongs to the socket, and so to everybody who has it. From now on it is closed on exec.
    ///
    /// # Errors
    /// [`Error::Unfit`] for what is no Unix socket, [`Error::NotListening`], [`Error::Unsuitable`] for datagram
    /// sockets, [`Error::ForeignName`] when the file is ours and its place must be told. The descriptor is closed then.
    ///
    /// # Examples
    /// One owner follows another, and no client is refused:
    /// ```
    /// use sockeye_socket::{BindOptions, Connection, Custody, Kind, Life, Listener, Name};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("s");
    /// let life = Life::default();
    /// let old = Listener::bind(&Name::Path(path.clone()), Kind::Stream, &BindOptions::new())?;
    /// let client = Connection::connect(old.name(), None, &life)?;
    ///
    /// let custody = Custody::OursAt { path: path.clone(), identity: old.file_identity() };
    /// let new = Listener::adopt(old.hand_over(), custody, &life)?;
    /// assert_eq!(new.name(), &Name::Path(path.clone()));
    /// new.accept()?;
    /// drop(new);
    /// assert!(!path.exists());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn adopt(fd: OwnedFd, custody: Custody, life: &Life) -> Result<Self, Error> {
        let Adopted {
            socket,
            name,
            kind,
            listening,
            file,
        } = adopt::adopt(fd, custody, life)?;
        let listener = Listener {
            file,
            socket,
            name: Arc::new(name),
            kind,
        };
        let refusal = if !kind.is_connected() {
            Error::Unsuitable {
                operation: "listen on",
                name: listener.name().clone(),
                kind,
            }
        } else if listening {
            return Ok(listener);
        } else {
            Error::NotListening {
                name: listener.name().clone(),
            }
        };
        // Whoever made it goes on with it.
        drop(listener.hand_over());
        Err(refusal)
    }

    /// Waits for a client and takes it out of the queue.
    ///
    /// # Errors
    /// [`Error::Exhausted`] when no descriptor or memory is left: the client stays in the queue and the listener is
    /// whole, so accept again later.
    pub fn accept(&self) -> Result<Connection, Error> {
        loop {
            let answer = retry(|| net::acceptfrom_with(&self.socket, SocketFlags::CLOEXEC));
            let accepted =
                answer.map(|(fd, peer)| (fd, peer.as_ref().map_or(Name::Unnamed, name_of)));
            let peer = accepted.as_ref().map_or(&Name::Unnamed, |(_, peer)| peer);
            let call = SystemCall::Accept {
                fd: self.socket.number(),
                peer,
            };
            let result = accepted
                .as_ref()
                .map(|(fd, _)| long_name::number(DescriptorNumber::of(fd)));
            self.socket
                .life()
                .tell(|| call, result.map_err(|number| *number));
            let (fd, peer) = match accepted {
                Err(Errno::CONNABORTED) => continue,
                Err(number @ (Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM)) => {
                    return Err(Error::Exhausted {
                        name: (*self.name).clone(),
                        source: number.into(),
                    });
                }
                Err(number) => return Err(Error::call("accept on", &self.name, number)),
                Ok(accepted) => accepted,
            };
            let socket = Descriptor::new(fd, self.socket.life());
            return Ok(Connection::accepted(
                socket,
                peer,
                Arc::clone(&self.name),
                self.kind,
            ));
        }
    }

    /// [`Self::accept`] that does not wait: `None` when no client is in the queue. Needs [`Self::set_nonblocking`].
    ///
    /// # Errors
    /// As [`Self::accept`].
    pub fn try_accept(&self) -> Result<Option<Connection>, Error> {
        match self.accept() {
            Err(error) if error.would_block() => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// Chooses whether [`Self::accept`] waits. Accepted connections always wait until told otherwise.
    pub fn set_nonblocking(&self, nonblocking: bool) -> Result<(), Error> {
        rustix::io::ioctl_fionbio(&self.socket, nonblocking)
            .map_err(|number| Error::call("set up", &self.name, number))
    }

    /// The address clients connect to.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Stream or seqpacket.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Which file it has, to tell whoever takes the socket over; `None` when it has none, or one that is not its own.
    pub fn file_identity(&self) -> Option<FileIdentity> {
        self.file.as_ref().map(SocketFile::identity)
    }

    /// Gives the descriptor away and leaves the file where it is: clients keep coming in, and whoever has the
    /// descriptor serves them.
    #[must_use = "dropping the descriptor closes it and leaves a stale file"]
    pub fn hand_over(self) -> OwnedFd {
        if let Some(file) = self.file {
            file.leave();
        }
        self.socket.into_fd()
    }

    /// Removes the file and closes the socket, like dropping it, and says when the file could not be removed.
    pub fn close(mut self) -> Result<(), Error> {
        self.file.as_mut().map_or(Ok(()), SocketFile::remove)
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

//! A socket that clients connect to.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use rustix::io::Errno;
use rustix::net::{self, SocketFlags};
use sockeye_address::{Kind, Name};

use crate::bind::{self, Bound};
use crate::descriptor::Descriptor;
use crate::life::{DescriptorNumber, SystemCall};
use crate::{BindOptions, Connection, Error, bind::SocketFile, long_name, message::retry, name_of};

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

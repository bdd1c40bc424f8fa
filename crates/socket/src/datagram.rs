//! A socket that receives messages from anybody.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::net::sockopt;
use sockeye_address::{Kind, Name};

use crate::adopt::{self, Adopted, Custody};
use crate::bind::{self, Bound};
use crate::descriptor::Descriptor;
use crate::life::Life;
use crate::long_name::Route;
use crate::message::{self, Message};
use crate::socket_file::{FileIdentity, SocketFile};
use crate::{BindOptions, Error, open};

/// A datagram socket with a name. Dropping it closes the socket and removes its file, if the file is still its own.
///
/// # Examples
/// ```
/// use sockeye_socket::{BindOptions, Connection, Datagram, Kind, Life, Name};
///
/// let inbox = Datagram::bind(&Name::Unnamed, &BindOptions::new())?; // the kernel chooses an abstract name
/// let sender = Connection::connect(inbox.name(), Some(Kind::Datagram), &Life::default())?;
/// sender.send(b"ping")?;
///
/// let mut buffer = [0; 64];
/// let message = inbox.receive(&mut buffer)?;
/// assert_eq!(&buffer[..message.length_bytes], b"ping");
/// inbox.send_to(b"pong", &message.sender)?;
/// let length = sender.receive(&mut buffer)?;
/// assert_eq!(&buffer[..length], b"pong");
/// # Ok::<(), sockeye_socket::Error>(())
/// ```
#[derive(Debug)]
pub struct Datagram {
    file: Option<SocketFile>,
    socket: Descriptor,
    name: Name,
}

impl Datagram {
    /// Makes a socket and binds it to `name`. [`Name::Unnamed`] lets the kernel choose an abstract name.
    ///
    /// # Errors
    /// As [`Listener::bind`](crate::Listener::bind).
    pub fn bind(name: &Name, options: &BindOptions) -> Result<Self, Error> {
        let Bound {
            socket,
            name,
            mut file,
        } = bind::bind(name, Kind::Datagram, options)?;
        if let Some(file) = &mut file {
            file.publish()?;
        }
        Ok(Datagram { file, socket, name })
    }

    /// Takes over a datagram socket that another process made, as [`Listener::adopt`](crate::Listener::adopt) does.
    ///
    /// # Errors
    /// [`Error::Unfit`] for what is no Unix socket, [`Error::Unsuitable`] for other kinds, [`Error::ForeignName`] when
    /// the file is ours and its place must be told. The descriptor is closed then.
    ///
    /// # Examples
    /// ```
    /// use sockeye_socket::{BindOptions, Custody, Datagram, Life, Name};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("inbox");
    /// let old = Datagram::bind(&Name::Path(path.clone()), &BindOptions::new())?;
    /// let new = Datagram::adopt(old.hand_over(), Custody::Ours, &Life::default())?;
    /// Datagram::unbound(&Life::default())?.send_to(b"ping", new.name())?;
    /// assert_eq!(new.receive(&mut [0; 8])?.length_bytes, 4);
    /// new.close()?;
    /// assert!(!path.exists());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn adopt(fd: OwnedFd, custody: Custody, life: &Life) -> Result<Self, Error> {
        let Adopted {
            socket,
            name,
            kind,
            file,
            ..
        } = adopt::adopt(fd, custody, life)?;
        let inbox = Datagram { file, socket, name };
        if kind == Kind::Datagram {
            return Ok(inbox);
        }
        let name = inbox.name.clone();
        // Whoever made it goes on with it.
        drop(inbox.hand_over());
        let operation = "receive from anybody on";
        Err(Error::Unsuitable {
            operation,
            name,
            kind,
        })
    }

    /// A socket without a name, which can send but not be answered.
    pub fn unbound(life: &Life) -> Result<Self, Error> {
        Ok(Datagram {
            file: None,
            socket: open(Kind::Datagram, life)?,
            name: Name::Unnamed,
        })
    }

    /// The address messages are sent to.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Receives one message from anybody.
    pub fn receive(&self, buffer: &mut [u8]) -> Result<Message, Error> {
        message::receive(&self.socket, buffer, Kind::Datagram)
            .map_err(|number| Error::call("receive on", &self.name, number))
    }

    /// Sends one message. It waits while the receiver's queue is full.
    pub fn send_to(&self, data: &[u8], to: &Name) -> Result<(), Error> {
        self.send_message_to::<BorrowedFd<'_>>(data, &[], to)
    }

    /// Sends one message and passes descriptors with it.
    pub fn send_message_to<F: AsFd>(
        &self,
        data: &[u8],
        descriptors: &[F],
        to: &Name,
    ) -> Result<(), Error> {
        let route = Route::to_existing(to, self.socket.life())?;
        match message::send(
            &self.socket,
            data,
            &message::borrow(descriptors),
            Some((&route, &route.shown)),
        ) {
            Ok(_) => Ok(()),
            Err(rustix::io::Errno::PROTOTYPE) => Err(Error::WrongKind {
                name: to.clone(),
                kind: Kind::Datagram,
            }),
            Err(number) => Err(Error::call("send to", to, number)),
        }
    }

    /// Chooses whether sends and receives wait.
    pub fn set_nonblocking(&self, nonblocking: bool) -> Result<(), Error> {
        rustix::io::ioctl_fionbio(&self.socket, nonblocking)
            .map_err(|number| Error::call("set up", &self.name, number))
    }

    /// How long a receive waits before it fails with [`std::io::ErrorKind::WouldBlock`]; `None` for ever.
    pub fn set_receive_timeout(&self, timeout: Option<Duration>) -> Result<(), Error> {
        sockopt::set_socket_timeout(&self.socket, sockopt::Timeout::Recv, timeout)
            .map_err(|number| Error::call("set up", &self.name, number))
    }

    /// Which file it has, to tell whoever takes the socket over; `None` when it has none, or one that is not its own.
    pub fn file_identity(&self) -> Option<FileIdentity> {
        self.file.as_ref().map(SocketFile::identity)
    }

    pub(crate) fn descriptor(&self) -> &Descriptor {
        &self.socket
    }

    /// Gives the descriptor away and leaves the file where it is: messages keep coming in, and whoever has the
    /// descriptor reads them.
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

impl AsFd for Datagram {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

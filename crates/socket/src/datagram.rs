//! A socket that receives messages from anybody.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use rustix::net::sockopt;
use sockeye_address::{Kind, Name};

use crate::bind::{self, Bound, SocketFile};
use crate::descriptor::Descriptor;
use crate::long_name::Route;
use crate::message::{self, Message};
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

    /// A socket without a name, which can send but not be answered.
    pub fn unbound(life: &crate::Life) -> Result<Self, Error> {
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

//! A socket with a peer.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{self, AddressFamily, SendFlags, SocketFlags, sockopt};
use sockeye_address::{Kind, Name};

use crate::descriptor::Descriptor;
use crate::life::{DescriptorNumber, Direction, Life, SystemCall};
use crate::message::{self, Message, length, retry};
use crate::{Error, socket_type};

/// One end of a conversation: a client's socket, or the one that a listener accepted.
#[derive(Debug)]
pub struct Connection {
    socket: Descriptor,
    kind: Kind,
    peer: Name,
    /// Where it was accepted.
    listener: Option<Arc<Name>>,
}

impl Connection {
    /// Two sockets connected to each other, without a name.
    pub fn pair(kind: Kind, life: &Life) -> Result<(Self, Self), Error> {
        let answer = net::socketpair(
            AddressFamily::UNIX,
            socket_type(kind),
            SocketFlags::CLOEXEC,
            None,
        );
        let ends = answer
            .as_ref()
            .ok()
            .map(|(near, far)| [DescriptorNumber::of(near), DescriptorNumber::of(far)]);
        let result = answer.as_ref().map(|_| 0).map_err(|number| *number);
        life.tell(|| SystemCall::SocketPair { kind, ends }, result);
        let (near, far) =
            answer.map_err(|number| Error::call("make", "a pair of sockets", number))?;
        let end = |fd| Connection::connected(Descriptor::new(fd, life), Name::Unnamed, kind);
        Ok((end(near), end(far)))
    }

    pub(crate) fn connected(socket: Descriptor, peer: Name, kind: Kind) -> Self {
        Connection {
            socket,
            kind,
            peer,
            listener: None,
        }
    }

    pub(crate) fn accepted(
        socket: Descriptor,
        peer: Name,
        listener: Arc<Name>,
        kind: Kind,
    ) -> Self {
        Connection {
            socket,
            kind,
            peer,
            listener: Some(listener),
        }
    }

    /// Stream, seqpacket, or datagram.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The name of the other end; clients are usually [`Name::Unnamed`].
    pub fn peer(&self) -> &Name {
        &self.peer
    }

    /// Sends bytes; answers how many were taken, which for kinds with messages is all of them.
    pub fn send(&self, data: &[u8]) -> Result<usize, Error> {
        let answer = retry(|| net::send(&self.socket, data, SendFlags::NOSIGNAL));
        self.life().tell(
            || SystemCall::Send {
                fd: self.socket.number(),
                data,
            },
            answer.map(length),
        );
        answer.map_err(|number| self.error("send to", number))
    }

    /// Sends all bytes, as one message if the kind has messages.
    pub fn send_all(&self, mut data: &[u8]) -> Result<(), Error> {
        loop {
            let sent = self.send(data)?;
            data = data.get(sent..).unwrap_or_default();
            if data.is_empty() {
                return Ok(());
            }
        }
    }

    /// Sends bytes and passes descriptors with them; answers how many bytes were taken. The peer gets duplicates.
    /// On a stream at least one byte must go along.
    ///
    /// # Examples
    /// ```
    /// use std::io::Read as _;
    /// use sockeye_socket::{Connection, Kind, Life};
    ///
    /// let mut file = tempfile::NamedTempFile::new()?;
    /// std::io::Write::write_all(&mut file, b"content")?;
    /// let (near, far) = Connection::pair(Kind::Stream, &Life::default())?;
    /// near.send_message(b"a file", &[file.reopen()?])?;
    ///
    /// let mut buffer = [0; 16];
    /// let mut message = far.receive_message(&mut buffer)?;
    /// assert_eq!(&buffer[..message.length_bytes], b"a file");
    /// let mut content = String::new();
    /// std::fs::File::from(message.descriptors.remove(0)).read_to_string(&mut content)?;
    /// assert_eq!(content, "content");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_message<F: AsFd>(&self, data: &[u8], descriptors: &[F]) -> Result<usize, Error> {
        if data.is_empty() && !descriptors.is_empty() && !self.kind.keeps_boundaries() {
            let (operation, name) = ("pass descriptors without a byte to", self.object());
            return Err(Error::Unsuitable {
                operation,
                name,
                kind: self.kind,
            });
        }
        message::send(&self.socket, data, &message::borrow(descriptors), None)
            .map_err(|number| self.error("send to", number))
    }

    /// Receives bytes; 0 is the end of a stream. Descriptors that were passed are closed unseen: use
    /// [`Self::receive_message`] where some may be meant.
    pub fn receive(&self, buffer: &mut [u8]) -> Result<usize, Error> {
        let answer = match self.read(buffer) {
            Err(Errno::CONNRESET) if self.tells_reset_first() => match self.read(buffer) {
                Ok(0) => Err(Errno::CONNRESET),
                answer => answer,
            },
            answer => answer,
        };
        answer.map_err(|number| self.error("receive from", number))
    }

    fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        let answer = retry(|| rustix::io::read(&self.socket, &mut *buffer));
        let (fd, capacity_bytes) = (self.socket.number(), buffer.len());
        let data = buffer.get(..answer.unwrap_or(0)).unwrap_or_default();
        self.life().tell(
            || SystemCall::Read {
                fd,
                data,
                capacity_bytes,
            },
            answer.map(length),
        );
        answer
    }

    /// Receives bytes, or one message, with the descriptors passed along.
    pub fn receive_message(&self, buffer: &mut [u8]) -> Result<Message, Error> {
        let answer = match message::receive(&self.socket, buffer, self.kind) {
            Err(Errno::CONNRESET) if self.tells_reset_first() => {
                match message::receive(&self.socket, buffer, self.kind) {
                    Ok(message) if message.is_empty() => Err(Errno::CONNRESET),
                    answer => answer,
                }
            }
            answer => answer,
        };
        answer.map_err(|number| self.error("receive from", number))
    }

    /// A peer that closes with something unread resets the connection. Of a seqpacket socket the kernel tells that, once,
    /// before it gives what the peer sent (`__skb_try_recv_datagram`, `net/core/datagram.c`); of a stream, after it.
    fn tells_reset_first(&self) -> bool {
        self.kind == Kind::Seqpacket
    }

    /// Whether the peer has ended its side, so that a receive of nothing is the end and no empty message. An empty
    /// message that is the last thing a peer sends cannot be told from its end.
    pub fn is_at_end(&self) -> Result<bool, Error> {
        if self.kind == Kind::Datagram {
            return Ok(false);
        }
        let mut byte = [0; 1];
        let flags = net::RecvFlags::PEEK | net::RecvFlags::DONTWAIT;
        let mut peek = || retry(|| net::recv(&self.socket, &mut byte, flags));
        let answer = match peek() {
            Err(Errno::CONNRESET) => peek(),
            answer => answer,
        };
        match answer {
            Ok((0, _)) => Ok(self
                .poll_peer()?
                .intersects(rustix::event::PollFlags::RDHUP)),
            Ok(_) | Err(Errno::AGAIN) => Ok(false),
            Err(number) => Err(self.error("receive from", number)),
        }
    }

    fn poll_peer(&self) -> Result<rustix::event::PollFlags, Error> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let mut watched = [PollFd::new(&self.socket, PollFlags::RDHUP)];
        retry(|| {
            poll(
                &mut watched,
                Some(&Timespec {
                    tv_sec: 0,
                    tv_nsec: 0,
                }),
            )
        })
        .map_err(|number| self.error("wait for", number))?;
        Ok(watched[0].revents())
    }

    /// Ends one direction, or both. After [`Direction::Write`] the peer reads the end of the stream and can still
    /// answer (half-close).
    pub fn shutdown(&self, direction: Direction) -> Result<(), Error> {
        let how = match direction {
            Direction::Read => net::Shutdown::Read,
            Direction::Write => net::Shutdown::Write,
            Direction::Both => net::Shutdown::Both,
        };
        let answer = net::shutdown(&self.socket, how);
        self.life().tell(
            || SystemCall::Shutdown {
                fd: self.socket.number(),
                direction,
            },
            answer.map(|()| 0),
        );
        answer.map_err(|number| self.error("shut down", number))
    }

    /// How long a receive waits before it fails with [`io::ErrorKind::WouldBlock`]; `None` for ever.
    pub fn set_receive_timeout(&self, timeout: Option<Duration>) -> Result<(), Error> {
        sockopt::set_socket_timeout(&self.socket, sockopt::Timeout::Recv, timeout)
            .map_err(|number| self.error("set up", number))
    }

    /// Chooses whether sends and receives wait.
    pub fn set_nonblocking(&self, nonblocking: bool) -> Result<(), Error> {
        rustix::io::ioctl_fionbio(&self.socket, nonblocking)
            .map_err(|number| self.error("set up", number))
    }

    /// How many bytes may be under way to the peer before a send waits. The kernel doubles the number, and takes at
    /// most `net.core.wmem_max`.
    pub fn set_send_buffer(&self, bytes: usize) -> Result<(), Error> {
        sockopt::set_socket_send_buffer_size(&self.socket, bytes)
            .map_err(|number| self.error("set up", number))
    }

    /// Gives the descriptor away.
    pub fn into_fd(self) -> OwnedFd {
        self.socket.into_fd()
    }

    pub(crate) fn life(&self) -> &Life {
        self.socket.life()
    }

    fn object(&self) -> Name {
        self.listener
            .as_ref()
            .map_or_else(|| self.peer.clone(), |name| (**name).clone())
    }

    pub(crate) fn error(&self, operation: &'static str, number: Errno) -> Error {
        match &self.listener {
            Some(listener) => {
                Error::call(operation, &format_args!("a client of {listener}"), number)
            }
            None => Error::call(operation, &self.peer, number),
        }
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl io::Read for &Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.receive(buffer)?)
    }
}

impl io::Write for &Connection {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        Ok(self.send(data)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

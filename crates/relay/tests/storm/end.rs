//! An end of a connection, whatever it speaks.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use sockeye_address::Kind;
use sockeye_socket::{Connection, Direction};

/// Nothing in these tests waits so long unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) enum End {
    Unix(Connection),
    Tcp(TcpStream),
}

pub(crate) type Answer<T> = Result<T, ErrorKind>;

impl End {
    /// Sends and receives fail when they hang.
    pub(crate) fn impatient(self) -> Self {
        for timeout in [Timeout::Send, Timeout::Recv] {
            set_socket_timeout(&self, timeout, Some(PATIENCE)).unwrap();
        }
        self
    }

    pub(crate) fn has_messages(&self) -> bool {
        matches!(self, End::Unix(connection) if connection.kind() == Kind::Seqpacket)
    }

    pub(crate) fn send_all(&self, data: &[u8]) -> Answer<()> {
        match self {
            End::Unix(connection) => connection.send_all(data).map_err(|error| kind(&error)),
            End::Tcp(stream) => (&*stream).write_all(data).map_err(|error| error.kind()),
        }
    }

    pub(crate) fn pass(&self, data: &[u8], descriptors: &[OwnedFd]) -> Answer<()> {
        let End::Unix(connection) = self else {
            return Err(ErrorKind::Unsupported);
        };
        let sent = connection
            .send_message(data, descriptors)
            .map_err(|error| kind(&error))?;
        match &data[sent..] {
            [] => Ok(()),
            rest => self.send_all(rest),
        }
    }

    /// Receives by `read`, which drops what is passed.
    pub(crate) fn receive(&self, buffer: &mut [u8]) -> Answer<usize> {
        match self {
            End::Unix(connection) => connection.receive(buffer).map_err(|error| kind(&error)),
            End::Tcp(stream) => (&*stream).read(buffer).map_err(|error| error.kind()),
        }
    }

    pub(crate) fn receive_passed(&self, buffer: &mut [u8]) -> Answer<(usize, Vec<OwnedFd>)> {
        match self {
            End::Unix(connection) => {
                let message = connection.receive_message(buffer);
                let message = message.map_err(|error| kind(&error))?;
                assert!(!message.is_cut() && !message.descriptors_lost);
                Ok((message.length_bytes, message.descriptors))
            }
            End::Tcp(_) => Ok((self.receive(buffer)?, Vec::new())),
        }
    }

    pub(crate) fn say_no_more(&self) {
        // It fails when the peer has gone, which whoever receives finds out.
        match self {
            End::Unix(connection) => drop(connection.shutdown(Direction::Write)),
            End::Tcp(stream) => drop(stream.shutdown(Shutdown::Write)),
        }
    }

    /// Waits until there is something to receive, and leaves it there.
    pub(crate) fn wait_for_something(&self) {
        let mut watched = [PollFd::new(self, PollFlags::IN)];
        let patience = Timespec::try_from(PATIENCE).unwrap();
        assert_eq!(poll(&mut watched, Some(&patience)).unwrap(), 1, "a hang");
    }
}

impl AsFd for End {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            End::Unix(connection) => connection.as_fd(),
            End::Tcp(stream) => stream.as_fd(),
        }
    }
}

fn kind(error: &sockeye_socket::Error) -> ErrorKind {
    error.io_kind().unwrap_or(ErrorKind::Other)
}

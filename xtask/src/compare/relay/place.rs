//! Where a server of ours listens and a client of ours connects: a path or a TCP port of this machine.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, getsockname, listen,
    socket_with, sockopt,
};

use crate::Outcome;

/// Room for all clients that a slow relay leaves waiting.
const BACKLOG: i32 = 4096;
/// No relay lets a client wait for so long unless it hangs.
pub(super) const SILENCE: Duration = Duration::from_secs(30);

/// One end of a connection.
#[derive(Clone)]
pub(super) enum Place {
    Path(PathBuf),
    Tcp(SocketAddr),
}

impl Place {
    pub(super) fn path(path: &Path) -> Self {
        Self::Path(path.to_owned())
    }

    /// Any free port of the loopback interface, for [`Place::listen`].
    pub(super) fn any_port() -> Self {
        Self::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }

    /// A listening socket, and where it came to be.
    pub(super) fn listen(&self) -> Outcome<(OwnedFd, Self)> {
        let socket = self.socket()?;
        let place = match self {
            Self::Path(path) => {
                bind(&socket, &SocketAddrUnix::new(path.as_path())?)?;
                self.clone()
            }
            Self::Tcp(address) => {
                bind(&socket, address)?;
                Self::Tcp(SocketAddr::try_from(getsockname(&socket)?)?)
            }
        };
        listen(&socket, BACKLOG)?;
        Ok((socket, place))
    }

    /// A connection, on which connecting, reading and writing fail after [`SILENCE`].
    pub(super) fn connect(&self) -> rustix::io::Result<OwnedFd> {
        let socket = self.socket()?;
        for way in [sockopt::Timeout::Send, sockopt::Timeout::Recv] {
            sockopt::set_socket_timeout(&socket, way, Some(SILENCE))?;
        }
        match self {
            Self::Path(path) => connect(&socket, &SocketAddrUnix::new(path.as_path())?)?,
            Self::Tcp(address) => connect(&socket, address)?,
        }
        Ok(socket)
    }

    fn socket(&self) -> rustix::io::Result<OwnedFd> {
        let family = match self {
            Self::Path(_) => AddressFamily::UNIX,
            Self::Tcp(_) => AddressFamily::INET,
        };
        socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)
    }
}

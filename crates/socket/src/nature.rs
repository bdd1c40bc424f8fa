//! What a descriptor is that somebody else opened.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType, sockopt};
use sockeye_address::Kind;

use crate::{DescriptorNumber, Error};

/// What addresses a socket has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// `AF_UNIX`
    Unix,
    /// `AF_INET`
    Inet,
    /// `AF_INET6`
    Inet6,
    /// `AF_VSOCK`
    Vsock,
    /// One that Sockeye does not speak.
    Other,
}

/// What a socket is.
///
/// ```
/// use sockeye_socket::{Connection, Family, Kind, Life, Nature};
/// let (near, _far) = Connection::pair(Kind::Stream, &Life::default())?;
/// let nature = Nature::of(&near)?.ok_or("no socket")?;
/// assert_eq!((nature.family, nature.kind, nature.listening), (Family::Unix, Some(Kind::Stream), false));
/// assert_eq!(Nature::of(std::fs::File::open("/dev/null")?)?, None); // a file is no socket
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nature {
    /// What addresses it has (`SO_DOMAIN`).
    pub family: Family,
    /// How it carries data (`SO_TYPE`); `None` for raw sockets and others.
    pub kind: Option<Kind>,
    /// Whether clients are accepted on it (`SO_ACCEPTCONN`).
    pub listening: bool,
}

impl Nature {
    /// Asks the kernel; `None` when the descriptor is no socket.
    pub fn of(fd: impl AsFd) -> Result<Option<Nature>, Error> {
        let fd = fd.as_fd();
        match ask(fd) {
            Ok(nature) => Ok(Some(nature)),
            Err(Errno::NOTSOCK) => Ok(None),
            Err(number) => {
                let object = format_args!("descriptor {}", DescriptorNumber::of(fd));
                Err(Error::call("look at", &object, number))
            }
        }
    }
}

fn ask(fd: BorrowedFd<'_>) -> Result<Nature, Errno> {
    let family = match sockopt::socket_domain(fd)? {
        AddressFamily::UNIX => Family::Unix,
        AddressFamily::INET => Family::Inet,
        AddressFamily::INET6 => Family::Inet6,
        AddressFamily::VSOCK => Family::Vsock,
        _ => Family::Other,
    };
    let kind = match sockopt::socket_type(fd)? {
        SocketType::STREAM => Some(Kind::Stream),
        SocketType::DGRAM => Some(Kind::Datagram),
        SocketType::SEQPACKET => Some(Kind::Seqpacket),
        _ => None,
    };
    Ok(Nature {
        family,
        kind,
        listening: sockopt::socket_acceptconn(fd)?,
    })
}

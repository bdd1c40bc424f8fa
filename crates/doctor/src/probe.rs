//! A real connect.

use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{self, Mode, OFlags};
use rustix::io::{self, Errno};
use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use sockeye_address::{Kind, Name, SUN_PATH_BYTES, UnixAddress};

use crate::{Error, Who};

/// What a real connect got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Where to.
    pub name: Name,
    /// Of which kind: the one that was said, else the last that was tried.
    pub kind: Kind,
    /// The kernel's answer. It does not block: a full queue answers `EAGAIN`.
    pub outcome: Result<(), Errno>,
}

/// Connects as `who` and closes at once. The server sees a client that says nothing and leaves; a datagram socket
/// sees nothing. Without a kind in the address each is tried until the kernel says it is the right one.
///
/// # Errors
/// The user's identity cannot be taken on. A connect that fails is an answer and no error.
///
/// # Privileges
/// None for the caller; `CAP_SETUID` and `CAP_SETGID` for another user.
pub fn try_connect(address: &UnixAddress, who: &Who) -> Result<Probe, Error> {
    let kinds = address.kind.map_or(Kind::ALL.to_vec(), |kind| vec![kind]);
    let attempt = || attempt_each(&address.name, &kinds);
    let (kind, outcome) = who.run(attempt)?;
    Ok(Probe {
        name: address.name.clone(),
        kind,
        outcome,
    })
}

fn attempt_each(name: &Name, kinds: &[Kind]) -> (Kind, io::Result<()>) {
    let mut last = (Kind::Stream, Err(Errno::PROTOTYPE));
    for kind in kinds {
        last = (*kind, attempt(name, *kind));
        // Abstract names are apart for each kind, so the wrong one is refused.
        let other_kind = match name {
            Name::Abstract(_) => Err(Errno::CONNREFUSED),
            _ => Err(Errno::PROTOTYPE),
        };
        if last.1 != other_kind {
            break;
        }
    }
    last
}

fn attempt(name: &Name, kind: Kind) -> io::Result<()> {
    let kind = match kind {
        Kind::Stream => SocketType::STREAM,
        Kind::Datagram => SocketType::DGRAM,
        Kind::Seqpacket => SocketType::SEQPACKET,
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = net::socket_with(AddressFamily::UNIX, kind, flags, None)?;
    match name {
        Name::Path(path) if path.as_os_str().len() >= SUN_PATH_BYTES => {
            let (_folder, path) = through_folder(path)?;
            net::connect(&socket, &SocketAddrUnix::new(path)?)
        }
        Name::Path(path) => net::connect(&socket, &SocketAddrUnix::new(path)?),
        Name::Abstract(name) => net::connect(
            &socket,
            &SocketAddrUnix::new_abstract_name(name.as_bytes())?,
        ),
        Name::Unnamed => Err(Errno::INVAL),
    }
}

/// A short path for a long one, good for as long as the folder stays open.
fn through_folder(path: &Path) -> io::Result<(OwnedFd, PathBuf)> {
    let (Some(folder), Some(file)) = (path.parent(), path.file_name()) else {
        return Err(Errno::NAMETOOLONG);
    };
    let folder = fs::open(
        folder,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    let short = Path::new("/proc/thread-self/fd")
        .join(folder.as_raw_fd().to_string())
        .join(file);
    Ok((folder, short))
}

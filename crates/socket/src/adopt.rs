//! Taking over a socket that another process made.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::io::FdFlags;
use rustix::net;
use sockeye_address::{Kind, Name};

use crate::descriptor::Descriptor;
use crate::life::Life;
use crate::nature::{Family, Nature};
use crate::socket_file::SocketFile;
use crate::{DescriptorNumber, Error, FileIdentity, name_of};

/// Who removes the file of a socket that was handed over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Custody {
    /// Somebody else: the service manager that keeps the socket for the next start.
    #[default]
    Theirs,
    /// This process, when it closes the socket: the file that the socket's own name says, if it has one.
    Ours,
    /// This process; the file is at another place than the socket's name says. That is so when the name was long, or
    /// replaced another socket ([`TakeOver::Always`](crate::TakeOver::Always)): the former owner knows the path. It
    /// becomes the name of the socket here. A socket that was not bound to a file has none at any place.
    OursAt {
        /// The file.
        path: PathBuf,
        /// Which file it was to the former owner, if that is known. Where another stands there by now, it is left alone.
        identity: Option<FileIdentity>,
    },
}

/// A Unix socket that another process made.
#[derive(Debug)]
pub(crate) struct Adopted {
    pub(crate) socket: Descriptor,
    pub(crate) name: Name,
    pub(crate) kind: Kind,
    pub(crate) listening: bool,
    pub(crate) file: Option<SocketFile>,
}

pub(crate) fn adopt(fd: OwnedFd, custody: Custody, life: &Life) -> Result<Adopted, Error> {
    let number = DescriptorNumber::of(&fd);
    let unfit = |problem| Error::Unfit {
        number: number.as_u32(),
        problem,
    };
    let nature = Nature::of(&fd)?.ok_or_else(|| unfit("it is no socket"))?;
    let (Family::Unix, Some(kind)) = (nature.family, nature.kind) else {
        return Err(unfit("it is no unix socket"));
    };
    let object = format_args!("descriptor {number}").to_string();
    let failed = |number| Error::call("adopt", &object, number);
    rustix::io::fcntl_setfd(&fd, FdFlags::CLOEXEC).map_err(failed)?;
    let own = name_of(&net::getsockname(&fd).map_err(failed)?);
    let (name, file) = find_file(own, custody, life)?;
    Ok(Adopted {
        socket: Descriptor::new(fd, life),
        name,
        kind,
        listening: nature.listening,
        file,
    })
}

/// The name that the socket has here, and the file to remove at its end.
fn find_file(
    own: Name,
    custody: Custody,
    life: &Life,
) -> Result<(Name, Option<SocketFile>), Error> {
    match (own.as_path(), custody) {
        (None, _) | (_, Custody::Theirs) => Ok((own, None)),
        (Some(path), Custody::Ours) => {
            if leads_anywhere_else(path) {
                return Err(Error::ForeignName { name: own });
            }
            let file = SocketFile::adopt(path, None, life)?;
            Ok((own, file))
        }
        (Some(_), Custody::OursAt { path, identity }) => {
            let path = std::path::absolute(path).map_err(|source| Error::Call {
                operation: "find",
                object: own.to_string(),
                source,
            })?;
            let file = SocketFile::adopt(&path, identity, life)?;
            Ok((Name::Path(path), file))
        }
    }
}

/// Whether a path means something else here than to the process that bound it: it is relative, or goes through that
/// process's own descriptors.
fn leads_anywhere_else(path: &Path) -> bool {
    path.is_relative() || path.starts_with("/proc/self") || path.starts_with("/proc/thread-self")
}

//! Paths longer than `sun_path`: reached through a descriptor, `/proc/self/fd/N`, which is short.

use std::ffi::OsStr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{self, CWD, OFlags};
use rustix::io::Errno;
use rustix::net::SocketAddrUnix;
use sockeye_address::{Name, SUN_PATH_BYTES};

use crate::Error;
use crate::descriptor::Descriptor;
use crate::life::{DescriptorNumber, Life, SystemCall};

/// What to put into `sockaddr_un`, and what keeps it meaning the same.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) address: SocketAddrUnix,
    /// The name in `address`: the real one, or the short way to it.
    pub(crate) shown: Name,
    /// The file or folder that a short way goes through.
    pub(crate) through: Option<Descriptor>,
}

impl Route {
    /// The way to a socket that exists. A long path is opened as what it is (`O_PATH` does not open the socket itself).
    pub(crate) fn to_existing(name: &Name, life: &Life) -> Result<Self, Error> {
        let Name::Path(path) = name else {
            return Route::direct(name);
        };
        if fits(path) {
            return Route::direct(name);
        }
        let file = open(path, OFlags::empty(), life)
            .map_err(|number| Error::call("connect", name, number))?;
        let short = PathBuf::from(format!("/proc/self/fd/{}", DescriptorNumber::of(&file)));
        Route::through(short, file, life)
    }

    /// The way to a socket that is to be made. The folder of a long path is opened and stays open in the route, so
    /// that `/proc/PID/fd/N` lets others resolve the name that the kernel keeps.
    ///
    /// `None` when the last component alone is too long for a short way.
    pub(crate) fn to_new(name: &Name, life: &Life) -> Result<Option<Self>, Error> {
        let Name::Path(path) = name else {
            return Route::direct(name).map(Some);
        };
        if fits(path) {
            return Route::direct(name).map(Some);
        }
        let folder = open(folder_of(path), OFlags::DIRECTORY, life)
            .map_err(|number| Error::call("open the folder of", name, number))?;
        let short = Path::new(&format!("/proc/self/fd/{}", DescriptorNumber::of(&folder)))
            .join(leaf_of(path));
        if fits(&short) {
            Route::through(short, folder, life).map(Some)
        } else {
            Ok(None)
        }
    }

    fn direct(name: &Name) -> Result<Self, Error> {
        let address = match name {
            Name::Unnamed => Ok(SocketAddrUnix::new_unnamed()),
            Name::Path(path) => SocketAddrUnix::new(path),
            Name::Abstract(name) => SocketAddrUnix::new_abstract_name(name.as_bytes()),
        };
        let address = address.map_err(|number| Error::call("write down", name, number))?;
        Ok(Route {
            address,
            shown: name.clone(),
            through: None,
        })
    }

    fn through(short: PathBuf, file: OwnedFd, life: &Life) -> Result<Self, Error> {
        let route = Route::direct(&Name::Path(short))?;
        Ok(Route {
            through: Some(Descriptor::new(file, life)),
            ..route
        })
    }
}

/// Whether a path has room in `sun_path`, its closing NUL included.
fn fits(path: &Path) -> bool {
    path.as_os_str().len() < SUN_PATH_BYTES
}

fn open(path: &Path, more: OFlags, life: &Life) -> Result<OwnedFd, Errno> {
    let file = fs::openat(
        CWD,
        path,
        OFlags::PATH | OFlags::CLOEXEC | more,
        fs::Mode::empty(),
    );
    let answer = file
        .as_ref()
        .map(|file| number(DescriptorNumber::of(file.as_fd())))
        .map_err(|number| *number);
    life.tell(
        || SystemCall::Open {
            path,
            is_folder: more.contains(OFlags::DIRECTORY),
        },
        answer,
    );
    file
}

/// A descriptor as the return value of the call that made it.
pub(crate) fn number(fd: DescriptorNumber) -> u64 {
    fd.to_string().parse().unwrap_or(0)
}

/// The folder a file is in; a bare file name is in the current one.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) => Path::new("."),
        None => Path::new("/"),
    }
}

/// The last component of a path.
pub(crate) fn leaf_of(path: &Path) -> &OsStr {
    path.file_name().unwrap_or(OsStr::new("."))
}

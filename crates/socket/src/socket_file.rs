//! The file of a socket: found to be the one that was made, and removed only then.

use std::ffi::OsString;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, CWD, FileType, OFlags};
use rustix::io::Errno;
use sockeye_address::Name;

use crate::descriptor::Descriptor;
use crate::life::{Life, SystemCall};
use crate::long_name::{Route, leaf_of};
use crate::{BindOptions, Error};

/// Which file a socket has, whatever its name is by now. While the socket is open no other file can be the same: the
/// kernel keeps the inode of a bound socket (`unix_bind_bsd`, `net/unix/af_unix.c`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileIdentity {
    /// `st_dev` of `stat(2)`.
    pub device: u64,
    /// `st_ino` of `stat(2)`.
    pub inode: u64,
}

/// The file of a bound socket. Dropping it removes the file, if it is still the same one.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// The folder of a long name: other programs resolve the name through it as long as the socket lives.
    folder: Option<Descriptor>,
    identity: FileIdentity,
    target: Option<Target>,
    removed: bool,
    life: Life,
}

/// Where a file goes that was made under another name.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) path: PathBuf,
    pub(crate) replaces: bool,
}

impl SocketFile {
    /// The file that a bind has just made.
    pub(crate) fn new(
        path: &Path,
        route: Route,
        target: Option<Target>,
        life: &Life,
    ) -> Result<Self, Error> {
        let folder = route.through;
        let folder_fd = folder.as_ref().map_or(CWD, AsFd::as_fd);
        let place = place(folder.is_some(), path);
        let stat = fs::statat(folder_fd, place, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|number| Error::call("look at", &shown(path), number))?;
        Ok(SocketFile {
            path: path.to_owned(),
            folder,
            identity: identity_of(&stat),
            target,
            removed: false,
            life: life.clone(),
        })
    }

    /// The file that another process made for a socket that is now this one's. `None` when there is no such file any
    /// more, or when it is known which it must be and another is there.
    pub(crate) fn adopt(
        path: &Path,
        known: Option<FileIdentity>,
        life: &Life,
    ) -> Result<Option<Self>, Error> {
        let stat = match fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(None),
            Err(number) => return Err(Error::call("look at", &shown(path), number)),
        };
        let identity = identity_of(&stat);
        let is_socket = FileType::from_raw_mode(stat.st_mode) == FileType::Socket;
        if !is_socket || known.is_some_and(|known| known != identity) {
            return Ok(None);
        }
        Ok(Some(SocketFile {
            path: path.to_owned(),
            folder: None,
            identity,
            target: None,
            removed: false,
            life: life.clone(),
        }))
    }

    pub(crate) fn identity(&self) -> FileIdentity {
        self.identity
    }

    /// Leaves the file to whoever has the socket now.
    pub(crate) fn leave(mut self) {
        self.removed = true;
    }

    fn folder_fd(&self) -> BorrowedFd<'_> {
        self.folder.as_ref().map_or(CWD, AsFd::as_fd)
    }

    /// The path as seen from [`Self::folder_fd`].
    fn place(&self) -> OsString {
        place(self.folder.is_some(), &self.path)
    }

    /// Sets owner, then mode, on the very file that was made, whatever the name points to meanwhile.
    pub(crate) fn settle(&self, options: &BindOptions) -> Result<(), Errno> {
        if options.mode.is_none() && options.user.is_none() && options.group.is_none() {
            return Ok(());
        }
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = fs::openat(self.folder_fd(), self.place(), flags, fs::Mode::empty())?;
        let stat = fs::fstat(&file)?;
        if identity_of(&stat) != self.identity {
            return Err(Errno::STALE);
        }
        let path = self.path.as_path();
        if options.user.is_some() || options.group.is_some() {
            let (user, group) = (options.user, options.group);
            let (uid, gid) = (user.map(fs::Uid::from_raw), group.map(fs::Gid::from_raw));
            let answer = fs::chownat(&file, "", uid, gid, AtFlags::EMPTY_PATH);
            self.life.tell(
                || SystemCall::ChangeOwner { path, user, group },
                answer.map(|()| 0),
            );
            answer?;
        }
        if let Some(mode) = options.mode {
            let held = format!("/proc/self/fd/{}", crate::DescriptorNumber::of(&file));
            let answer = fs::chmod(held, fs::Mode::from_raw_mode(mode.bits()));
            self.life
                .tell(|| SystemCall::ChangeMode { path, mode }, answer.map(|()| 0));
            answer?;
        }
        Ok(())
    }

    /// Gives the file the name it is meant to have, once clients can be served.
    pub(crate) fn publish(&mut self) -> Result<(), Error> {
        let Some(target) = self.target.take() else {
            return Ok(());
        };
        let flags = if target.replaces {
            fs::RenameFlags::empty()
        } else {
            fs::RenameFlags::NOREPLACE
        };
        let to = place(self.folder.is_some(), &target.path);
        let answer = fs::renameat_with(self.folder_fd(), self.place(), self.folder_fd(), to, flags);
        self.life.tell(
            || SystemCall::Rename {
                from: &self.path,
                to: &target.path,
            },
            answer.map(|()| 0),
        );
        answer.map_err(|number| Error::call("rename to", &shown(&target.path), number))?;
        self.path = target.path;
        Ok(())
    }

    /// Removes the file, if the name still belongs to it.
    pub(crate) fn remove(&mut self) -> Result<(), Error> {
        if std::mem::replace(&mut self.removed, true) {
            return Ok(());
        }
        match fs::statat(self.folder_fd(), self.place(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if identity_of(&stat) == self.identity => {}
            // Gone, or another socket's by now.
            _ => return Ok(()),
        }
        let answer = fs::unlinkat(self.folder_fd(), self.place(), AtFlags::empty());
        self.life.tell(
            || SystemCall::Unlink { path: &self.path },
            answer.map(|()| 0),
        );
        answer.map_err(|number| Error::call("remove", &shown(&self.path), number))
    }
}

/// A path as seen from its folder, if that is held, else from anywhere.
fn place(folder_is_held: bool, path: &Path) -> OsString {
    let path = if folder_is_held {
        leaf_of(path)
    } else {
        path.as_os_str()
    };
    path.to_owned()
}

fn identity_of(stat: &fs::Stat) -> FileIdentity {
    FileIdentity {
        device: stat.st_dev,
        inode: stat.st_ino,
    }
}

/// A path as an error shows it: with nothing in it that a terminal obeys.
fn shown(path: &Path) -> Name {
    Name::Path(path.to_owned())
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // A destructor has nobody to tell; `close` of the listener does.
        let _ = self.remove();
    }
}

//! What a process runs, beyond the reach of a reused pid.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{AtFlags, CWD, StatxFlags};
use rustix::io::Errno;
use sockeye_socket::Connection;

use super::Unknown;

/// The file of the program that the peer runs. `named` are those of which a rule would believe it.
pub(super) fn of_peer(
    connection: &Connection,
    pid: Option<u32>,
    named: &[PathBuf],
) -> Result<PathBuf, Unknown> {
    let handle = connection.peer_pidfd();
    let handle = handle
        .map_err(|error| Unknown::Unreadable(error.io_kind().unwrap_or(io::ErrorKind::Other)))?;
    let handle = handle.ok_or(Unknown::NoHandle)?;
    let pid = pid.ok_or(Unknown::OtherPidNamespace)?;
    let found = read(pid, named);
    // Asked last: while the process lives its number is nobody else's, so what was read by number is true of it.
    if has_ended(&handle)? {
        return Err(Unknown::Ended);
    }
    found
}

fn read(pid: u32, named: &[PathBuf]) -> Result<PathBuf, Unknown> {
    let link = format!("/proc/{pid}/exe");
    let target = rustix::fs::readlinkat(CWD, &link, Vec::new()).map_err(unreadable)?;
    let bytes = target.into_bytes();
    // As the kernel marks it (d_path, fs/d_path.c). A living file of such a name is taken for a removed one.
    if let Some(removed) = bytes.strip_suffix(b" (deleted)") {
        return Err(Unknown::Removed(removed.to_vec()));
    }
    let path = PathBuf::from(OsString::from_vec(bytes));
    // A path that no rule names is the peer's choice, and to look there could wait for ever.
    if named.contains(&path) && !same_file(Path::new(&link), &path).map_err(unreadable)? {
        return Err(Unknown::OtherFile(path.into_os_string().into_vec()));
    }
    Ok(path)
}

/// Whether the link of a process, which leads to its file whatever that is called here, and a path do.
fn same_file(link: &Path, path: &Path) -> Result<bool, Errno> {
    // The peer chose the file system behind its link, which may never answer (FUSE, a dead NFS server): so what the
    // kernel has in memory must do.
    let identity = |path: &Path| {
        let facts = rustix::fs::statx(CWD, path, AtFlags::STATX_DONT_SYNC, StatxFlags::INO)?;
        Ok((facts.stx_dev_major, facts.stx_dev_minor, facts.stx_ino))
    };
    let running = identity(link)?;
    match identity(path) {
        Ok(here) => Ok(here == running),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(false),
        Err(number) => Err(number),
    }
}

fn unreadable(number: Errno) -> Unknown {
    Unknown::Unreadable(io::Error::from(number).kind())
}

/// Whether a pidfd is readable, which it is from the end of its process on (`pidfd_open(2)`).
fn has_ended(pidfd: &impl AsFd) -> Result<bool, Unknown> {
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let mut polled = [PollFd::new(pidfd, PollFlags::IN)];
    loop {
        match poll(&mut polled, Some(&now)) {
            Err(Errno::INTR) => {}
            answer => return answer.map(|ready| ready > 0).map_err(unreadable),
        }
    }
}

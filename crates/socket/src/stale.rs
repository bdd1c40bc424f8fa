//! Is anybody behind this socket file?
//!
//! The proof is a `connect` of a *datagram* socket. The kernel looks the file's inode up among all bound sockets before
//! it looks at kinds (`unix_find_bsd`, `net/unix/af_unix.c`), so the answers are: `ECONNREFUSED`, nobody is bound to it;
//! `EPROTOTYPE`, a stream or seqpacket socket is, listening, not yet listening, or with a full queue (to which a stream
//! `connect` would answer `EAGAIN`, or wait); success or `EPERM`, a datagram socket is. No service notices the
//! question: nothing is ever put into its queue.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{self, AtFlags, CWD, FileType, FlockOperation, OFlags, Stat};
use rustix::io::Errno;
use rustix::net;
use sockeye_address::{Kind, Name};

use crate::bind::TakeOver;
use crate::descriptor::Descriptor;
use crate::life::{Life, SystemCall};
use crate::long_name::{Route, folder_of};
use crate::{Error, open};

/// How to get an address that `bind` says is in use.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// The stale file is gone.
    Cleared,
    /// Put the new socket over the file that is there.
    Replace,
}

/// Two programs that take the same stale file over take turns; more than a moment means that somebody holds the lock
/// for another reason.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);

/// Makes way for a socket at `path`, as far as `take_over` allows.
///
/// # Errors
/// Whatever is there stays there: a file that is no socket, a socket somebody is bound to, a socket file of another
/// user, one whose state cannot be found out.
pub(crate) fn make_way(
    name: &Name,
    path: &Path,
    take_over: TakeOver,
    life: &Life,
) -> Result<Way, Error> {
    let Some(found) = socket_file(name, path)? else {
        return Ok(Way::Cleared);
    };
    match take_over {
        TakeOver::Never => Err(Error::InUse { name: name.clone() }),
        TakeOver::Always => Ok(Way::Replace),
        TakeOver::Stale => {
            let owner = found.st_uid;
            if owner != rustix::process::geteuid().as_raw() {
                // Whether it is live matters for the message only.
                prove_stale(name, life)?;
                return Err(Error::OfOtherUser {
                    name: name.clone(),
                    owner,
                });
            }
            remove_stale(name, path, life)
        }
    }
}

fn remove_stale(name: &Name, path: &Path, life: &Life) -> Result<Way, Error> {
    let _lock = lock(path, life).map_err(|number| unproven(name, number))?;
    // Under the lock all is asked again: the one who held it may have made a new socket.
    let Some(before) = socket_file(name, path)? else {
        return Ok(Way::Cleared);
    };
    prove_stale(name, life)?;
    let Some(now) = socket_file(name, path)? else {
        return Ok(Way::Cleared);
    };
    if (now.st_dev, now.st_ino) != (before.st_dev, before.st_ino) {
        return Err(Error::InUse { name: name.clone() });
    }
    let removed = fs::unlink(path);
    life.tell(|| SystemCall::Unlink { path }, removed.map(|()| 0));
    match removed {
        // Its owner, which is ending, may have been faster.
        Ok(()) | Err(Errno::NOENT) => Ok(Way::Cleared),
        Err(number) => Err(Error::call("remove the stale file", name, number)),
    }
}

/// What `stat` says of the file, which must be a socket; `None` when there is no file any more. A symbolic link is no
/// socket, wherever it leads.
fn socket_file(name: &Name, path: &Path) -> Result<Option<Stat>, Error> {
    match fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Socket => Ok(Some(stat)),
        Ok(_) => Err(Error::NotASocket { name: name.clone() }),
        Err(Errno::NOENT) => Ok(None),
        Err(number) => Err(unproven(name, number)),
    }
}

fn prove_stale(name: &Name, life: &Life) -> Result<(), Error> {
    let route = Route::to_existing(name, life)?;
    let probe: Descriptor = open(Kind::Datagram, life)?;
    let answer = net::connect(&probe, &route.address);
    life.tell(
        || SystemCall::Connect {
            fd: probe.number(),
            name: &route.shown,
            kind: Kind::Datagram,
        },
        answer.map(|()| 0),
    );
    match answer {
        // Nobody is bound to it, or its owner has removed it meanwhile.
        Err(Errno::CONNREFUSED | Errno::NOENT) => Ok(()),
        Ok(()) | Err(Errno::PROTOTYPE | Errno::PERM | Errno::AGAIN) => {
            Err(Error::InUse { name: name.clone() })
        }
        Err(number) => Err(unproven(name, number)),
    }
}

/// A lock on the folder: it leaves no file behind, goes with the process, and covers every name in it.
fn lock(path: &Path, life: &Life) -> Result<Descriptor, Errno> {
    let folder_path = folder_of(path);
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = Descriptor::new(
        fs::open(folder_path, flags, fs::Mode::empty())?,
        &Life::default(),
    );
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        let answer = fs::flock(&folder, FlockOperation::NonBlockingLockExclusive);
        life.tell(
            || SystemCall::Lock { path: folder_path },
            answer.map(|()| 0),
        );
        match answer {
            Ok(()) => return Ok(folder),
            Err(Errno::WOULDBLOCK) if Instant::now() < deadline => {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "flock has no deadline of its own"
                )]
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(Errno::INTR) => {}
            Err(number) => return Err(number),
        }
    }
}

fn unproven(name: &Name, number: Errno) -> Error {
    Error::Unproven {
        name: name.clone(),
        source: number.into(),
    }
}

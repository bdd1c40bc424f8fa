//! Giving a socket its name, so that at no moment anybody may use it who should not, and taking the name away again.
//!
//! The file of a socket is made with the mode of the socket's own inode, less the umask (`unix_bind_bsd`,
//! `net/unix/af_unix.c`). So `fchmod` on the socket *before* `bind` makes a private file without touching the umask, which
//! belongs to all threads. Then the owner is changed, then the mode is opened up to what was asked for, then `listen` lets
//! clients in. The order protects datagram sockets too, which have no `listen`.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{self, AtFlags, CWD};
use rustix::io::Errno;
use rustix::net;
use sockeye_address::{Kind, Mode, Name};

use crate::descriptor::Descriptor;
use crate::life::{Life, SystemCall};
use crate::long_name::{Route, folder_of};
use crate::socket_file::{SocketFile, Target};
use crate::stale::{self, Way};
use crate::{Error, name_of, open};

/// What to do when a socket file is already at the address. A file that is no socket is never removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TakeOver {
    /// Fail.
    Never,
    /// Remove it if it belongs to this user and is proven stale: a `connect` was refused.
    #[default]
    Stale,
    /// Put the new socket in its place, live or not, whoever it belongs to. The new one is made under another name and
    /// renamed over the old, so a client finds one or the other at every moment; `getsockname` and the kernel's tables
    /// keep showing the other name.
    Always,
}

/// How a socket is bound.
///
/// ```
/// use sockeye_address::Mode;
/// use sockeye_socket::{BindOptions, TakeOver};
/// let options = BindOptions::new().mode(Mode::new(0o660)).backlog(16).take_over(TakeOver::Never);
/// ```
#[derive(Debug, Clone)]
pub struct BindOptions {
    pub(crate) mode: Option<Mode>,
    pub(crate) user: Option<u32>,
    pub(crate) group: Option<u32>,
    pub(crate) backlog: u32,
    pub(crate) take_over: TakeOver,
    pub(crate) life: Life,
}

impl BindOptions {
    /// Mode by the umask, owner by the process, 4096 clients waiting, stale files taken over.
    pub fn new() -> Self {
        BindOptions {
            mode: None,
            user: None,
            group: None,
            backlog: 4096,
            take_over: TakeOver::default(),
            life: Life::default(),
        }
    }

    /// Permission bits of the file; `None` leaves them to the umask.
    #[must_use]
    pub fn mode(mut self, mode: Option<Mode>) -> Self {
        self.mode = mode;
        self
    }

    /// Owner and group of the file, by number; `None` leaves it as the kernel makes it.
    ///
    /// # Privileges
    /// Another user needs `CAP_CHOWN`; a group, that the process is in it.
    #[must_use]
    pub fn owner(mut self, user: Option<u32>, group: Option<u32>) -> Self {
        (self.user, self.group) = (user, group);
        self
    }

    /// How many clients may wait to be accepted. The kernel takes at most `net.core.somaxconn`.
    #[must_use]
    pub fn backlog(mut self, clients: u32) -> Self {
        self.backlog = clients;
        self
    }

    /// What to do with a socket file that is already there.
    #[must_use]
    pub fn take_over(mut self, take_over: TakeOver) -> Self {
        self.take_over = take_over;
        self
    }

    /// Whom to tell about each call.
    #[must_use]
    pub fn life(mut self, life: Life) -> Self {
        self.life = life;
        self
    }

    /// The mode a file is made with before its owner is set: never wider than asked for, and closed to others.
    fn first_mode(&self) -> Option<Mode> {
        self.mode.and_then(|mode| Mode::new(mode.bits() & 0o600))
    }
}

impl Default for BindOptions {
    fn default() -> Self {
        BindOptions::new()
    }
}

/// A socket with a name.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) socket: Descriptor,
    /// What was asked for, or what the kernel chose.
    pub(crate) name: Name,
    pub(crate) file: Option<SocketFile>,
}

/// Makes a socket and binds it. A stream or seqpacket socket must still listen, then the file be published.
pub(crate) fn bind(name: &Name, kind: Kind, options: &BindOptions) -> Result<Bound, Error> {
    let life = &options.life;
    let socket = open(kind, life)?;
    let Name::Path(path) = name else {
        bind_socket(&socket, &Route::to_existing(name, life)?)
            .map_err(|number| refused(name, number))?;
        let name = net::getsockname(&socket)
            .map(|address| name_of(&address))
            .map_err(|number| Error::call("name", name, number))?;
        return Ok(Bound {
            socket,
            name,
            file: None,
        });
    };
    // The file is removed at the end, wherever the process has gone meanwhile.
    let path = std::path::absolute(path).map_err(|source| Error::Call {
        operation: "find",
        object: name.to_string(),
        source,
    })?;
    if let Some(mode) = options.first_mode() {
        let answer = fs::fchmod(&socket, fs::Mode::from_raw_mode(mode.bits()));
        life.tell(
            || SystemCall::ModeBeforeBind {
                fd: socket.number(),
                mode,
            },
            answer.map(|()| 0),
        );
        answer.map_err(|number| Error::call("set the mode of", name, number))?;
    }
    let file = bind_path(&socket, name, &path, options)?;
    file.settle(options)
        .map_err(|number| Error::call("set owner and mode of", name, number))?;
    Ok(Bound {
        socket,
        name: name.clone(),
        file: Some(file),
    })
}

fn bind_path(
    socket: &Descriptor,
    name: &Name,
    path: &Path,
    options: &BindOptions,
) -> Result<SocketFile, Error> {
    let life = &options.life;
    let mut way = Way::Cleared;
    if let Some(route) = Route::to_new(name, life)? {
        match bind_socket(socket, &route) {
            Ok(()) => return SocketFile::new(path, route, None, life),
            Err(Errno::ADDRINUSE) => way = stale::make_way(name, path, options.take_over, life)?,
            Err(number) => return Err(refused(name, number)),
        }
        if way == Way::Cleared {
            return match bind_socket(socket, &route) {
                Ok(()) => SocketFile::new(path, route, None, life),
                Err(number) => Err(refused(name, number)),
            };
        }
    } else if fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW).is_ok() {
        way = stale::make_way(name, path, options.take_over, life)?;
    }
    let replaces = way == Way::Replace;
    bind_beside(socket, name, path, replaces, life)
}

/// Binds under a short name of its own in the same folder; publishing renames it.
fn bind_beside(
    socket: &Descriptor,
    name: &Name,
    path: &Path,
    replaces: bool,
    life: &Life,
) -> Result<SocketFile, Error> {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let counter = COUNTER.fetch_add(1, Ordering::Relaxed);
    let beside = folder_of(path).join(format!(".sockeye-{}-{counter}", std::process::id()));
    let Some(route) = Route::to_new(&Name::Path(beside.clone()), life)? else {
        return Err(refused(name, Errno::NAMETOOLONG));
    };
    bind_socket(socket, &route).map_err(|number| refused(name, number))?;
    SocketFile::new(
        &beside,
        route,
        Some(Target {
            path: path.to_owned(),
            replaces,
        }),
        life,
    )
}

fn bind_socket(socket: &Descriptor, route: &Route) -> Result<(), Errno> {
    let answer = net::bind(socket, &route.address);
    socket.life().tell(
        || SystemCall::Bind {
            fd: socket.number(),
            name: &route.shown,
        },
        answer.map(|()| 0),
    );
    answer
}

fn refused(name: &Name, number: Errno) -> Error {
    if number == Errno::ADDRINUSE {
        Error::InUse { name: name.clone() }
    } else {
        Error::call("bind", name, number)
    }
}

//! The life of a socket, told one system call at a time.

mod display;
mod error_number;

use std::fmt;
use std::os::fd::{AsFd, AsRawFd as _};
use std::path::Path;
use std::sync::Arc;

use rustix::io::Errno;
use sockeye_address::{Kind, Mode, Name};

use crate::Credentials;
pub use error_number::ErrorNumber;

/// Whom to tell about each system call; by default nobody, which costs nothing.
///
/// Every socket of this crate carries the `Life` it was made with and hands it on: a connection that a listener
/// accepts tells the listener's observer.
///
/// # Examples
/// ```
/// use std::sync::{Arc, Mutex};
/// use sockeye_socket::{Connection, Kind, Life};
///
/// let told = Arc::new(Mutex::new(Vec::new()));
/// let life = Life::watched({
///     let told = Arc::clone(&told);
///     move |event| told.lock().unwrap().push(event.call.name())
/// });
/// let (near, far) = Connection::pair(Kind::Stream, &life)?;
/// near.send(b"hello")?;
/// drop((near, far));
/// assert_eq!(*told.lock().unwrap(), ["socketpair", "sendto", "close", "close"]);
/// # Ok::<(), sockeye_socket::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Life(Option<Arc<Observer>>);

type Observer = dyn Fn(&Event<'_>) + Send + Sync;

impl Life {
    /// Tells `observer` of each call, in the thread that made it, after the kernel has answered.
    pub fn watched(observer: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        Life(Some(Arc::new(observer)))
    }

    /// Whether anybody listens.
    pub fn is_watched(&self) -> bool {
        self.0.is_some()
    }

    /// Tells of `call`; what it looks like is worked out only when somebody listens.
    pub(crate) fn tell<'a>(
        &self,
        call: impl FnOnce() -> SystemCall<'a>,
        result: Result<u64, Errno>,
    ) {
        if let Some(observer) = &self.0 {
            observer(&Event {
                call: call(),
                result: result.map_err(ErrorNumber::from),
            });
        }
    }
}

impl fmt::Debug for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_watched() {
            "Life(watched)"
        } else {
            "Life"
        })
    }
}

/// One system call and the kernel's answer. Prints as C would write it:
/// `socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0) = 3`.
#[derive(Debug)]
pub struct Event<'a> {
    /// The call with its arguments, and with what the kernel wrote into them.
    pub call: SystemCall<'a>,
    /// What it returned.
    pub result: Result<u64, ErrorNumber>,
}

/// The number of a descriptor, for people to read. It is no handle: by the time it is read it may mean another file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DescriptorNumber(i32);

impl DescriptorNumber {
    /// The number of a descriptor.
    pub fn of(fd: impl AsFd) -> Self {
        DescriptorNumber(fd.as_fd().as_raw_fd())
    }

    /// The number; never negative, as the descriptor was open.
    pub(crate) fn as_u32(self) -> u32 {
        self.0.unsigned_abs()
    }
}

impl fmt::Display for DescriptorNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which way a connection is shut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Nothing more is received.
    Read,
    /// Nothing more is sent: the peer reads the end of the stream.
    Write,
    /// Neither.
    Both,
}

/// A system call of this crate. `fd` is the socket it is made on.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
#[expect(
    missing_docs,
    reason = "the fields are the arguments that the manual page of each call describes"
)]
pub enum SystemCall<'a> {
    /// `socket(2)`
    Socket { kind: Kind },
    /// `socketpair(2)`
    SocketPair {
        kind: Kind,
        ends: Option<[DescriptorNumber; 2]>,
    },
    /// `openat(2)` with `O_PATH`: takes hold of a file so that a name too long for `sun_path` can be reached.
    Open { path: &'a Path, is_folder: bool },
    /// `fchmod(2)` on a socket before it is bound: the bits the file will be made with.
    ModeBeforeBind { fd: DescriptorNumber, mode: Mode },
    /// `bind(2)`
    Bind {
        fd: DescriptorNumber,
        name: &'a Name,
    },
    /// `chown(2)`
    ChangeOwner {
        path: &'a Path,
        user: Option<u32>,
        group: Option<u32>,
    },
    /// `chmod(2)`
    ChangeMode { path: &'a Path, mode: Mode },
    /// `listen(2)`
    Listen { fd: DescriptorNumber, backlog: u32 },
    /// `accept4(2)`
    Accept {
        fd: DescriptorNumber,
        peer: &'a Name,
    },
    /// `connect(2)`
    Connect {
        fd: DescriptorNumber,
        name: &'a Name,
        kind: Kind,
    },
    /// `getsockopt(2)` with `SO_PEERCRED`
    PeerCredentials {
        fd: DescriptorNumber,
        credentials: Option<&'a Credentials>,
    },
    /// `read(2)`
    Read {
        fd: DescriptorNumber,
        data: &'a [u8],
        capacity_bytes: usize,
    },
    /// `sendto(2)` without an address
    Send {
        fd: DescriptorNumber,
        data: &'a [u8],
    },
    /// `sendmsg(2)`
    SendMessage {
        fd: DescriptorNumber,
        data: &'a [u8],
        passed: &'a [DescriptorNumber],
        to: &'a Name,
    },
    /// `recvmsg(2)`
    ReceiveMessage {
        fd: DescriptorNumber,
        data: &'a [u8],
        capacity_bytes: usize,
        passed: &'a [DescriptorNumber],
        from: &'a Name,
    },
    /// `shutdown(2)`
    Shutdown {
        fd: DescriptorNumber,
        direction: Direction,
    },
    /// `close(2)`
    Close { fd: DescriptorNumber },
    /// `flock(2)` on the folder of a socket file
    Lock { path: &'a Path },
    /// `rename(2)`
    Rename { from: &'a Path, to: &'a Path },
    /// `unlink(2)`
    Unlink { path: &'a Path },
}

impl SystemCall<'_> {
    /// What the call is named in section 2 of the manual.
    pub fn name(&self) -> &'static str {
        match self {
            SystemCall::Socket { .. } => "socket",
            SystemCall::SocketPair { .. } => "socketpair",
            SystemCall::Open { .. } => "openat",
            SystemCall::ModeBeforeBind { .. } => "fchmod",
            SystemCall::Bind { .. } => "bind",
            SystemCall::ChangeOwner { .. } => "chown",
            SystemCall::ChangeMode { .. } => "chmod",
            SystemCall::Listen { .. } => "listen",
            SystemCall::Accept { .. } => "accept4",
            SystemCall::Connect { .. } => "connect",
            SystemCall::PeerCredentials { .. } => "getsockopt",
            SystemCall::Read { .. } => "read",
            SystemCall::Send { .. } => "sendto",
            SystemCall::SendMessage { .. } => "sendmsg",
            SystemCall::ReceiveMessage { .. } => "recvmsg",
            SystemCall::Shutdown { .. } => "shutdown",
            SystemCall::Close { .. } => "close",
            SystemCall::Lock { .. } => "flock",
            SystemCall::Rename { .. } => "rename",
            SystemCall::Unlink { .. } => "unlink",
        }
    }
}

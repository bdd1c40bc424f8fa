//! What can go wrong: operation, object, cause.

use std::io;
use std::time::Duration;

use rustix::io::Errno;
use sockeye_address::{Kind, Name};

/// Why a socket operation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel refused a call.
    #[error("{operation} {object}")]
    Call {
        /// What was tried, in one or two words.
        operation: &'static str,
        /// The address or file it was tried on.
        object: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// Somebody serves, or at least holds, the address.
    #[error("bind {name}: somebody is bound to this address")]
    InUse {
        /// The address.
        name: Name,
    },
    /// A file that is no socket stands where the socket should be made; it is never removed.
    #[error("bind {name}: there is a file that is no socket")]
    NotASocket {
        /// The address.
        name: Name,
    },
    /// A socket file that belongs to another user is not removed, stale or not.
    #[error("bind {name}: there is a socket file of user {owner}")]
    OfOtherUser {
        /// The address.
        name: Name,
        /// Its owner's uid.
        owner: u32,
    },
    /// Whether somebody is behind the socket file could not be found out, so it is left alone.
    #[error("bind {name}: there is a socket file that cannot be proven stale")]
    Unproven {
        /// The address.
        name: Name,
        /// What stood in the way.
        source: io::Error,
    },
    /// The process or the machine has no descriptors or no memory left for another connection. The client stays in
    /// the queue; accepting again later works.
    #[error("accept on {name}")]
    Exhausted {
        /// The listener's address.
        name: Name,
        /// Which limit it was.
        source: io::Error,
    },
    /// The address is served, but not with any kind of socket that was tried.
    #[error("connect {name}: it is not a {kind} socket")]
    WrongKind {
        /// The address.
        name: Name,
        /// The kind that was tried.
        kind: Kind,
    },
    /// The operation does not exist for this kind of socket.
    #[error("{operation} {name}: a {kind} socket cannot do this")]
    Unsuitable {
        /// What was asked for.
        operation: &'static str,
        /// The address.
        name: Name,
        /// The kind of socket.
        kind: Kind,
    },
    /// The queue of the listener stayed full for as long as the caller would wait.
    #[error("connect {name}: its queue was full for {limit:?}")]
    TimedOut {
        /// The address.
        name: Name,
        /// How long was waited.
        limit: Duration,
    },
    /// A descriptor that was handed over is not what it should be.
    #[error("use descriptor {number}: {problem}")]
    Unfit {
        /// The descriptor.
        number: u32,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A socket that was handed over does not listen, so nobody can be accepted on it.
    #[error("adopt {name}: it does not listen")]
    NotListening {
        /// The address.
        name: Name,
    },
    /// The name of a socket that was handed over leads to its file for the process that made it only, so the path
    /// must be told.
    #[error("adopt {name}: the name of its file is relative to the process that made it")]
    ForeignName {
        /// The name, as that process wrote it.
        name: Name,
    },
    /// An environment variable that whoever started the process set cannot be understood.
    #[error("read {variable}={value}: {problem}")]
    Variable {
        /// Its name.
        variable: &'static str,
        /// Its value, escaped.
        value: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl Error {
    pub(crate) fn call(
        operation: &'static str,
        object: &(impl std::fmt::Display + ?Sized),
        number: Errno,
    ) -> Self {
        Error::Call {
            operation,
            object: object.to_string(),
            source: number.into(),
        }
    }

    /// The kernel's answer, where there is one.
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        match self {
            Error::Call { source, .. }
            | Error::Unproven { source, .. }
            | Error::Exhausted { source, .. } => Some(source.kind()),
            Error::TimedOut { .. } => Some(io::ErrorKind::TimedOut),
            _ => None,
        }
    }

    /// Whether a socket that does not wait had nothing to give or no room to take.
    pub fn would_block(&self) -> bool {
        self.io_kind() == Some(io::ErrorKind::WouldBlock)
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        io::Error::new(error.io_kind().unwrap_or(io::ErrorKind::Other), error)
    }
}

//! Why a control socket cannot be served, or gives no answer.

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::time::Duration;

use sockeye_address::Name;

/// Why a control socket cannot be served, or gives no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The socket cannot be made, reached or used.
    #[error(transparent)]
    Socket(#[from] sockeye_socket::Error),
    /// The folder of control sockets cannot be used.
    #[error("use the folder {path}")]
    Folder {
        /// Where it is.
        path: Name,
        /// What is wrong with it.
        source: io::Error,
    },
    /// The path cannot be that of a control socket.
    #[error("use {path} as a control socket: its name does not end in .ctl")]
    Name {
        /// The path.
        path: Name,
    },
    /// Another process controls relays there that accept clients.
    #[error("bind {path}: another process controls its relays here")]
    Held {
        /// The path.
        path: Name,
        /// Why it does not give the path away.
        source: Box<Error>,
    },
    /// Nobody is there.
    #[error("connect {path}: no relay is controlled here")]
    Nobody {
        /// The path.
        path: Name,
    },
    /// Whoever serves the socket is not this user, nor root.
    #[error("ask {path}: it is served by user {uid}")]
    Stranger {
        /// The path.
        path: Name,
        /// Who it is.
        uid: u32,
    },
    /// No answer came.
    #[error("ask {path}: no answer for {waited:?}")]
    Silent {
        /// The path.
        path: Name,
        /// How long was waited.
        waited: Duration,
    },
    /// The connection ended before the answer.
    #[error("ask {path}: it closed without an answer")]
    Closed {
        /// The path.
        path: Name,
    },
    /// What came is no answer.
    #[error("read the answer of {path}: {problem}")]
    Garbled {
        /// The path.
        path: Name,
        /// What is wrong with it.
        problem: String,
    },
    /// The relay speaks another version.
    #[error("ask {path}: it speaks version {theirs}, not {}", super::VERSION)]
    Version {
        /// The path.
        path: Name,
        /// Its version.
        theirs: u64,
    },
    /// The relay refused, in its own words.
    #[error("{reason}")]
    Refused {
        /// Why.
        reason: String,
    },
    /// The control socket cannot be waited for.
    #[error("serve {path}")]
    Serve {
        /// The path.
        path: Name,
        /// What the kernel said.
        source: io::Error,
    },
}

impl Error {
    pub(super) fn folder(path: &Path, problem: &'static str) -> Self {
        Error::Folder {
            path: Name::Path(path.to_owned()),
            source: io::Error::other(problem),
        }
    }

    /// Whether no relay is there, rather than one that does not answer.
    pub fn is_nobody(&self) -> bool {
        matches!(self, Error::Nobody { .. })
    }
}

/// An error with all its causes, for whoever reads the answer.
pub(super) fn told(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        let _ = write!(text, ": {source}");
        cause = source.source();
    }
    text
}

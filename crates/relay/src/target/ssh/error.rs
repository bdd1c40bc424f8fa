//! What can go wrong on the way to another machine.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;
use std::time::Duration;

use sockeye_address::SshPath;
use sockeye_address::escape::escape;

/// Why a client could not be connected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// `ssh` does not serve it.
    #[error("connect {address}")]
    Down {
        /// The address.
        address: Box<SshPath>,
        /// Why not.
        source: Arc<Failure>,
    },
    /// `ssh` has neither connected nor given up.
    #[error("connect {address}: no answer within {} s", patience.as_secs_f64())]
    TimedOut {
        /// The address.
        address: Box<SshPath>,
        /// How long was waited.
        patience: Duration,
    },
    /// `ssh` runs and does not take the connection.
    #[error("connect {address}")]
    Private {
        /// The address.
        address: Box<SshPath>,
        /// What the kernel said.
        source: sockeye_socket::Error,
    },
    /// There is no thread for `ssh`.
    #[error("connect {address}: start a thread")]
    Thread {
        /// The address.
        address: Box<SshPath>,
        /// What the kernel said.
        source: io::Error,
    },
}

/// Why `ssh` does not serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// A program could not be started.
    #[error("run {}", escape(program.as_bytes(), ""))]
    Start {
        /// The program.
        program: OsString,
        /// What the kernel said.
        source: io::Error,
    },
    /// `ssh` ended; these are its last words, or its exit status.
    #[error("{0}")]
    Ended(String),
    /// `ssh` is connected and does not forward to the socket; these are its words.
    #[error("forward: {0}")]
    Forward(String),
    /// The private folder cannot be made.
    #[error("make a private folder")]
    Folder(#[source] io::Error),
    /// `ssh` cannot be watched.
    #[error("watch ssh")]
    Watch(#[source] io::Error),
}

//! Why no census could be taken.

use std::io;

/// An operation on the kernel's tables failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A system call.
    #[error("{operation}")]
    Io {
        /// What was being done.
        operation: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The kernel's answer could not be read.
    #[error("read unix_diag answer")]
    Malformed(#[from] sockeye_wire::Malformed),
}

impl Error {
    pub(crate) fn io(operation: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Error::Io {
            operation: operation.into(),
            source: source.into(),
        }
    }
}

//! Why no diagnosis could be made.

use std::io;

/// An operation the diagnosis rests on failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The identity of the user could not be found or taken on.
    #[error(transparent)]
    Identity(#[from] sockeye_privilege::Error),
    /// A part of the path could not be looked at, for another reason than those that are verdicts.
    #[error("{operation}")]
    Io {
        /// What was being done.
        operation: String,
        /// Why it failed.
        source: io::Error,
    },
}

impl Error {
    pub(crate) fn io(operation: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Error::Io {
            operation: operation.into(),
            source: source.into(),
        }
    }
}

//! Why an identity could not be found or taken on.

use std::io;

/// An operation on users, groups or the identity of a thread failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The user or group database, or the kernel's list of the caller's groups.
    #[error("look up {object}")]
    LookUp {
        /// What was looked for.
        object: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The kernel refused the identity.
    #[error("act as user {uid}")]
    Assume {
        /// Who was to be acted as.
        uid: u32,
        /// Why it failed; permission denied without `CAP_SETUID` and `CAP_SETGID`.
        source: io::Error,
    },
}

impl Error {
    pub(crate) fn look_up(object: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Error::LookUp {
            object: object.into(),
            source: source.into(),
        }
    }

    /// Whether privilege was missing.
    pub fn is_permission_denied(&self) -> bool {
        let (Error::LookUp { source, .. } | Error::Assume { source, .. }) = self;
        source.kind() == io::ErrorKind::PermissionDenied
    }
}

//! The name a socket is bound to.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::kinds::unix;

/// Size of `sun_path` in `sockaddr_un`, in bytes (`unix(7)`). A path needs one of them for its closing NUL,
/// an abstract name one for its leading NUL.
pub const SUN_PATH_BYTES: usize = 108;

/// What a Unix socket is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// Never bound: the usual state of clients and of both ends of a `socketpair`.
    Unnamed,
    /// A file.
    Path(PathBuf),
    /// A name in the abstract namespace, which belongs to the network namespace and leaves no file.
    Abstract(AbstractName),
}

impl Name {
    /// Reads the bytes of `sun_path` as the kernel gives them: none for an unnamed socket, a leading NUL for an
    /// abstract name, otherwise a path with or without its closing NUL.
    ///
    /// ```
    /// use sockeye_address::Name;
    /// assert_eq!(Name::from_kernel(b""), Name::Unnamed);
    /// assert_eq!(Name::from_kernel(b"/run/app.sock\0").to_string(), "/run/app.sock");
    /// assert_eq!(Name::from_kernel(b"\0app\0").to_string(), r"@app\x00");
    /// ```
    pub fn from_kernel(sun_path: &[u8]) -> Self {
        match sun_path {
            [] => Name::Unnamed,
            [0, rest @ ..] => Name::Abstract(AbstractName(rest.to_vec())),
            path => {
                let path = path.strip_suffix(b"\0").unwrap_or(path);
                Name::Path(PathBuf::from(OsStr::from_bytes(path)))
            }
        }
    }

    /// The bytes of the name: the path, or the abstract name without its leading NUL.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Name::Unnamed => &[],
            Name::Path(path) => path.as_os_str().as_bytes(),
            Name::Abstract(name) => &name.0,
        }
    }

    /// The path, when the name is one.
    pub fn as_path(&self) -> Option<&Path> {
        match self {
            Name::Path(path) => Some(path),
            _ => None,
        }
    }

    /// Whether the socket was never bound.
    pub fn is_unnamed(&self) -> bool {
        matches!(self, Name::Unnamed)
    }
}

impl fmt::Display for Name {
    /// The shortest form that reads back as this name: `/run/app.sock`, `@name`, `unix:/odd\x0aname`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        unix::write_name(f, self, None)
    }
}

/// A name in the abstract namespace, without its leading NUL: at most 107 bytes of any value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AbstractName(Vec<u8>);

impl AbstractName {
    /// Takes the bytes of a name.
    ///
    /// # Errors
    /// More than 107 bytes do not fit and are refused, never cut.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, NameError> {
        let bytes = bytes.into();
        let limit_bytes = SUN_PATH_BYTES - 1;
        if bytes.len() > limit_bytes {
            return Err(NameError::AbstractTooLong {
                length_bytes: bytes.len(),
                limit_bytes,
            });
        }
        Ok(AbstractName(bytes))
    }

    /// The bytes, without the leading NUL.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Why bytes cannot be the name of a socket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// `sun_path` cannot hold it.
    #[error("abstract name is {length_bytes} bytes long, the kernel takes {limit_bytes}")]
    AbstractTooLong {
        /// Length of the name.
        length_bytes: usize,
        /// The longest possible.
        limit_bytes: usize,
    },
    /// No bytes at all.
    #[error("name is empty")]
    Empty,
    /// The kernel ends a path at its first NUL.
    #[error("path holds a NUL byte")]
    NulInPath,
}

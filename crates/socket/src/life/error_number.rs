//! The error numbers that socket calls answer with.

use std::fmt;
use std::io;

use rustix::io::Errno;

/// An error number. Prints its constant and its meaning: `ECONNREFUSED (Connection refused)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ErrorNumber(Errno);

impl From<Errno> for ErrorNumber {
    fn from(number: Errno) -> Self {
        ErrorNumber(number)
    }
}

impl From<ErrorNumber> for io::Error {
    fn from(number: ErrorNumber) -> Self {
        number.0.into()
    }
}

macro_rules! constants {
    ($($number:ident => $constant:literal),* $(,)?) => {
        /// The constant, for the numbers that the calls of this crate are documented to answer with.
        const fn constant(number: Errno) -> Option<&'static str> {
            match number {
                $(Errno::$number => Some($constant),)*
                _ => None,
            }
        }
    };
}

constants! {
    ACCESS => "EACCES", ADDRINUSE => "EADDRINUSE", ADDRNOTAVAIL => "EADDRNOTAVAIL", AGAIN => "EAGAIN", BADF => "EBADF",
    CONNREFUSED => "ECONNREFUSED", CONNRESET => "ECONNRESET", DESTADDRREQ => "EDESTADDRREQ", EXIST => "EEXIST",
    FAULT => "EFAULT", INTR => "EINTR", INVAL => "EINVAL", IO => "EIO", ISCONN => "EISCONN", ISDIR => "EISDIR",
    LOOP => "ELOOP", MFILE => "EMFILE", MSGSIZE => "EMSGSIZE", NAMETOOLONG => "ENAMETOOLONG", NFILE => "ENFILE",
    NOBUFS => "ENOBUFS", NOENT => "ENOENT", NOLCK => "ENOLCK", NOMEM => "ENOMEM", NOSPC => "ENOSPC",
    NOTCONN => "ENOTCONN", NOTDIR => "ENOTDIR", NOTSOCK => "ENOTSOCK", OPNOTSUPP => "EOPNOTSUPP", PERM => "EPERM",
    PIPE => "EPIPE", PROTONOSUPPORT => "EPROTONOSUPPORT", PROTOTYPE => "EPROTOTYPE", ROFS => "EROFS",
    TIMEDOUT => "ETIMEDOUT", TOOMANYREFS => "ETOOMANYREFS",
}

impl fmt::Display for ErrorNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = io::Error::from(self.0).to_string();
        // The standard library adds `(os error 111)`, which the constant says better.
        let meaning = text.split(" (os error").next().unwrap_or_default();
        match constant(self.0) {
            Some(constant) => write!(f, "{constant} ({meaning})"),
            None => write!(f, "{} ({meaning})", self.0.raw_os_error()),
        }
    }
}

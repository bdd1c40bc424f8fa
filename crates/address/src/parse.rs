//! Text to [`Address`].

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::str::FromStr;

use crate::escape::{self, BadEscape};
use crate::kinds::{Address, PREFIXES, Prefix, unix};
use crate::name::NameError;
use crate::options::OPTION_NAMES;
use crate::well_known;
use crate::{Name, UnixAddress};

/// Why text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Nothing there.
    #[error("address is empty")]
    Empty,
    /// A word without a `/`, a prefix or a meaning.
    #[error("unknown name \"{0}\": not a well-known service, and a path has a '/' in it (./{0})")]
    UnknownWord(String),
    /// A bad name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A bad escape.
    #[error(transparent)]
    Escape(#[from] BadEscape),
    /// `unix://host/path`.
    #[error("unix://{0}: a Unix socket has no host: write unix:/path or unix:///path")]
    HostInUnixUrl(String),
    /// An option that does not exist.
    #[error("unknown option \"{0}\": the options are {known}", known = OPTION_NAMES.join(", "))]
    UnknownOption(String),
    /// An option whose value does not fit.
    #[error("option \"{0}\" has a value that does not fit")]
    BadOption(String),
    /// An option given twice.
    #[error("option {0} is given twice")]
    OptionTwice(&'static str),
    /// Not `host:port`.
    #[error("\"{0}\" is not host:port (IPv6 in brackets, port up to 65535)")]
    BadHostPort(String),
    /// Not `cid:port`.
    #[error("\"{0}\" is not cid:port, two numbers")]
    BadVsock(String),
    /// `exec:` without a command.
    #[error("exec: needs a command line in UTF-8")]
    BadCommand,
    /// `fd:` without a number.
    #[error("\"{0}\" is not the number of a descriptor")]
    BadDescriptor(String),
    /// `activation:` with an impossible name.
    #[error("\"{0}\" is not the name of an activated socket")]
    BadActivation(String),
    /// Not `ssh://user@host:port/path`.
    #[error("\"{0}\" is not ssh://user@host:port/path")]
    BadSsh(String),
}

impl Address {
    /// Reads an address as it was typed.
    ///
    /// A word with a `/` in it is a path, taken literally; behind a prefix such as `unix:` escapes are undone and
    /// options follow a comma; `@name` is abstract; other words are well-known services.
    ///
    /// # Errors
    /// Anything that is not of the grammar (docs/address.md).
    pub fn parse(text: &OsStr) -> Result<Self, ParseError> {
        let bytes = text.as_bytes();
        if bytes.is_empty() {
            return Err(ParseError::Empty);
        }
        if bytes == b"-" || bytes.eq_ignore_ascii_case(b"stdio") {
            return Ok(Address::Stdio);
        }
        if let Some(name) = bytes.strip_prefix(b"@") {
            return Ok(Address::Unix(UnixAddress::new(unix::abstract_name(name)?)));
        }
        if let Some((prefix, rest)) = split_prefix(bytes) {
            return (prefix.parse)(rest);
        }
        if bytes.contains(&b'/') {
            return Ok(Address::Unix(UnixAddress::from_path(text)?));
        }
        let word = String::from_utf8_lossy(bytes);
        well_known::find(&word)
            .map(Address::WellKnown)
            .ok_or_else(|| ParseError::UnknownWord(escape::escape(bytes, "")))
    }
}

impl FromStr for Address {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Address::parse(OsStr::new(text))
    }
}

fn split_prefix(bytes: &[u8]) -> Option<(&'static Prefix, &[u8])> {
    let colon = bytes.iter().take(24).position(|byte| *byte == b':')?;
    let word = &bytes[..colon];
    PREFIXES
        .iter()
        .copied()
        .flatten()
        .find(|prefix| prefix.word.as_bytes().eq_ignore_ascii_case(word))
        .map(|prefix| (prefix, &bytes[colon + 1..]))
}

/// Whether a path typed bare is read as this path and as nothing else.
pub(crate) fn reads_as_bare_path(path: &[u8]) -> bool {
    // A word that begins with `-` would be an option of whatever it is pasted behind.
    path.contains(&b'/')
        && !path.starts_with(b"@")
        && !path.starts_with(b"-")
        && split_prefix(path).is_none()
}

/// Splits at commas that no backslash precedes.
pub(crate) fn split_options(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut escaped = false;
    text.split(move |byte| {
        let separates = *byte == b',' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        separates
    })
}

impl From<Name> for Address {
    fn from(name: Name) -> Self {
        Address::Unix(UnixAddress::new(name))
    }
}

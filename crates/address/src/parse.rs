//! Text to [`Address`].

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::str::FromStr;

use crate::escape::{self, BadEscape};
use crate::kinds::{Address, PREFIXES, Prefix, unix};
use crate::name::NameError;
use crate::well_known;
use crate::{Kind, Name, UnixAddress};

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
    #[error("unknown option \"{option}\": {}", options_of(kind, known))]
    UnknownOption {
        /// What was typed.
        option: String,
        /// The kind of address it stands behind.
        kind: &'static str,
        /// The options of this kind.
        known: &'static [&'static str],
    },
    /// An option of another kind of address.
    #[error("option \"{option}\" is not for {kind}: {}", options_of(kind, known))]
    OptionOfOthers {
        /// What was typed.
        option: String,
        /// The kind of address it stands behind.
        kind: &'static str,
        /// The options of this kind.
        known: &'static [&'static str],
    },
    /// An option whose value does not fit.
    #[error("option \"{0}\" has a value that does not fit")]
    BadOption(String),
    /// An option given twice.
    #[error("option {0} is given twice")]
    OptionTwice(&'static str),
    /// An option of socat that asks not to do what is always done.
    #[error("option \"{0}\": this cannot be turned off")]
    AlwaysDone(String),
    /// Two options, or the prefix and an option, that say different kinds of socket.
    #[error("the address says {said}, its option {option}")]
    KindTwice {
        /// What the prefix says.
        said: Kind,
        /// What the option says.
        option: Kind,
    },
    /// Not `host:port`.
    #[error("\"{0}\" is not host:port (IPv6 in brackets, port up to 65535)")]
    BadHostPort(String),
    /// Not a port, where a word of socat takes one alone.
    #[error("\"{0}\" is not a port (a number up to 65535; the host is an option: bind=HOST)")]
    BadPort(String),
    /// A host that a word of socat does not allow.
    #[error(
        "\"{host}\" is not a numeric IPv{version} address: write {word}:host:port for whichever address it has"
    )]
    NotOfFamily {
        /// What was typed.
        host: String,
        /// The prefix that takes any host.
        word: &'static str,
        /// 4 or 6.
        version: u8,
    },
    /// Not `cid:port`.
    #[error("\"{0}\" is not cid:port, two numbers")]
    BadVsock(String),
    /// Not a port of vsock, where a word of socat takes one alone.
    #[error("\"{0}\" is not a port of vsock (a number)")]
    BadVsockPort(String),
    /// A comma in what socat would run.
    #[error(
        "\"{0}\" behind a comma would be an option of EXEC or SYSTEM, which take none: write exec:command, where commas belong to the command"
    )]
    CommandOption(String),
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

fn options_of(kind: &str, known: &[&str]) -> String {
    if known.is_empty() {
        return format!("{kind} takes none");
    }
    format!("the options of {kind} are {}", known.join(", "))
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
    let prefixes = || PREFIXES.iter().copied().flatten();
    // A word in capitals may mean something of its own.
    prefixes()
        .find(|prefix| prefix.word.as_bytes() == word)
        .or_else(|| prefixes().find(|prefix| prefix.word.as_bytes().eq_ignore_ascii_case(word)))
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

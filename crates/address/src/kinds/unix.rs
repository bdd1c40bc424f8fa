//! `unix:/run/app.sock`, `unix-dgram:@name`, `/run/app.sock`, `@name`.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::{Address, Prefix};
use crate::name::{AbstractName, Name, NameError};
use crate::options::{Options, Said, Takes, socat};
use crate::parse::{self, ParseError};
use crate::{Kind, escape};

/// A Unix socket, as typed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UnixAddress {
    /// A path or an abstract name, never [`Name::Unnamed`].
    pub name: Name,
    /// The kind, where it was said. A client can find it out: the kernel answers `EPROTOTYPE` to the wrong one.
    pub kind: Option<Kind>,
    /// What followed the name.
    pub options: Options,
}

impl UnixAddress {
    /// The address of a name, with nothing said about its kind.
    pub fn new(name: Name) -> Self {
        UnixAddress {
            name,
            kind: None,
            options: Options::default(),
        }
    }

    /// A path taken literally, as a bare word with a `/` is.
    ///
    /// # Errors
    /// An empty path or one with a NUL byte names nothing.
    pub fn from_path(path: impl Into<PathBuf>) -> Result<Self, NameError> {
        let path = path.into();
        check_path(path.as_os_str().as_bytes())?;
        Ok(UnixAddress::new(Name::Path(path)))
    }

    /// The same name with a kind.
    #[must_use]
    pub fn with_kind(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }
}

fn check_path(path: &[u8]) -> Result<(), NameError> {
    if path.is_empty() {
        return Err(NameError::Empty);
    }
    if path.contains(&0) {
        return Err(NameError::NulInPath);
    }
    Ok(())
}

macro_rules! unix_prefixes {
    ($($word:literal => $name:ident, $kind:expr;)*) => {
        pub(crate) const PREFIXES: &[Prefix] = &[
            $(Prefix { word: $word, parse: |rest| parse(rest, Form::$name, $kind) },)*
        ];
    };
}

unix_prefixes! {
    "unix" => Either, None;
    "unix-stream" => Either, Some(Kind::Stream);
    "unix-dgram" => Either, Some(Kind::Datagram);
    "unix-seqpacket" => Either, Some(Kind::Seqpacket);
    "abstract" => Abstract, None;
    "unix-abstract" => Abstract, None;
}

/// Which names a prefix takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A path, or an abstract name behind `@`.
    Either,
    /// An abstract name, with or without `@`.
    Abstract,
}

fn parse(rest: &[u8], form: Form, kind: Option<Kind>) -> Result<Address, ParseError> {
    let (name, said) = prefixed(rest, form, &TAKES)?;
    if let (Some(said), Some(option)) = (kind, said.socket_type)
        && said != option
    {
        return Err(ParseError::KindTwice { said, option });
    }
    Ok(Address::Unix(UnixAddress {
        name,
        kind: kind.or(said.socket_type),
        options: said.options,
    }))
}

pub(super) const TAKES: Takes = Takes {
    kind: "unix",
    options: &[
        "mode",
        "user",
        "group",
        "backlog",
        "max-clients",
        "retry",
        "interval",
        "connect-timeout",
    ],
    socat: socat::UNIX,
};

/// Reads what stands behind a prefix: a name and options.
pub(super) fn prefixed(rest: &[u8], form: Form, takes: &Takes) -> Result<(Name, Said), ParseError> {
    let mut parts = parse::split_options(rest);
    let text = parts.next().unwrap_or_default();
    let name = match (text.strip_prefix(b"@"), form) {
        (Some(name), _) => abstract_name(name)?,
        (None, Form::Abstract) => abstract_name(text)?,
        (None, Form::Either) => path_name(text)?,
    };
    Ok((name, Said::read(parts, takes)?))
}

/// Reads an abstract name, escapes undone, without its `@`.
pub(crate) fn abstract_name(text: &[u8]) -> Result<Name, ParseError> {
    Ok(Name::Abstract(AbstractName::new(escape::unescape_bytes(
        text,
    )?)?))
}

fn path_name(text: &[u8]) -> Result<Name, ParseError> {
    let text = match text.strip_prefix(b"//") {
        Some(rest) if rest.starts_with(b"/") => rest,
        Some(rest) => return Err(ParseError::HostInUnixUrl(escape::escape(rest, ""))),
        None => text,
    };
    let path = escape::unescape_bytes(text)?;
    check_path(&path)?;
    Ok(Name::Path(PathBuf::from(OsStr::from_bytes(&path))))
}

impl fmt::Display for UnixAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind.is_none() && self.options.is_empty() {
            return write_name(f, &self.name, None);
        }
        write_name(f, &self.name, Some(prefix_word(self.kind)))?;
        write!(f, "{}", self.options)
    }
}

const fn prefix_word(kind: Option<Kind>) -> &'static str {
    match kind {
        None => "unix",
        Some(Kind::Stream) => "unix-stream",
        Some(Kind::Datagram) => "unix-dgram",
        Some(Kind::Seqpacket) => "unix-seqpacket",
    }
}

/// Writes a name so that it reads back as itself: bare where that is possible and no prefix is asked for.
pub(crate) fn write_name(
    f: &mut fmt::Formatter<'_>,
    name: &Name,
    prefix: Option<&str>,
) -> fmt::Result {
    match name {
        Name::Unnamed => f.pad("(unnamed)"),
        Name::Abstract(name) => match prefix {
            None => write!(f, "@{}", escape::escape(name.as_bytes(), "")),
            Some(prefix) => write!(f, "{prefix}:@{}", escape::escape(name.as_bytes(), ",")),
        },
        Name::Path(path) => {
            let bytes = path.as_os_str().as_bytes();
            if prefix.is_none() && escape::is_plain(bytes) && parse::reads_as_bare_path(bytes) {
                return f.pad(&String::from_utf8_lossy(bytes));
            }
            write!(f, "{}:", prefix.unwrap_or("unix"))?;
            // The first byte may not read as the `@` of an abstract name or the `//` of a URL.
            let guarded = usize::from(bytes.starts_with(b"@") || bytes.starts_with(b"//"));
            for byte in &bytes[..guarded] {
                write!(f, "\\x{byte:02x}")?;
            }
            f.write_str(&escape::escape(&bytes[guarded..], ","))
        }
    }
}

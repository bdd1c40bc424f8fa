//! What may follow a prefixed address: `,mode=660,user=app`.

use std::fmt;

use crate::ParseError;
use crate::escape;

/// Permission bits of a socket file, 0 to 0o7777.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mode(u32);

impl Mode {
    /// Takes permission bits; `None` when there are others among them.
    pub const fn new(bits: u32) -> Option<Self> {
        if bits <= 0o7777 {
            Some(Mode(bits))
        } else {
            None
        }
    }

    /// Reads octal digits, as `chmod` does.
    pub fn parse(digits: &str) -> Option<Self> {
        let octal = !digits.is_empty() && digits.bytes().all(|digit| matches!(digit, b'0'..=b'7'));
        if octal {
            u32::from_str_radix(digits, 8).ok().and_then(Mode::new)
        } else {
            None
        }
    }

    /// The bits.
    pub const fn bits(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03o}", self.0)
    }
}

/// Options of a Unix address. Each has one meaning everywhere; a verb that cannot honour one says so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Options {
    /// Permission bits of the socket file that is made.
    pub mode: Option<Mode>,
    /// Owner of the socket file that is made: a name or a number.
    pub user: Option<String>,
    /// Group of the socket file that is made: a name or a number.
    pub group: Option<String>,
    /// How many clients may wait to be accepted.
    pub backlog: Option<u32>,
}

/// The options there are, for error messages and help.
pub const OPTION_NAMES: [&str; 4] = ["mode", "user", "group", "backlog"];

impl Options {
    /// Whether none was given.
    pub fn is_empty(&self) -> bool {
        *self == Options::default()
    }

    pub(crate) fn set(&mut self, option: &[u8]) -> Result<(), ParseError> {
        let text = String::from_utf8(escape::unescape_bytes(option)?)
            .map_err(|error| ParseError::UnknownOption(escape::escape(error.as_bytes(), "")))?;
        let bad = || ParseError::BadOption(escape::escape(text.as_bytes(), ""));
        let (key, value) = text.split_once('=').unwrap_or((&text, ""));
        let given = |value: &str| {
            if value.is_empty() {
                Err(bad())
            } else {
                Ok(value.to_owned())
            }
        };
        match key {
            "mode" => once("mode", &mut self.mode, Mode::parse(value).ok_or_else(bad)?),
            "user" => once("user", &mut self.user, given(value)?),
            "group" => once("group", &mut self.group, given(value)?),
            "backlog" => once(
                "backlog",
                &mut self.backlog,
                value.parse().map_err(|_| bad())?,
            ),
            _ => Err(ParseError::UnknownOption(escape::escape(
                text.as_bytes(),
                "",
            ))),
        }
    }
}

fn once<T>(name: &'static str, option: &mut Option<T>, value: T) -> Result<(), ParseError> {
    match option.replace(value) {
        None => Ok(()),
        Some(_) => Err(ParseError::OptionTwice(name)),
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(mode) = self.mode {
            write!(f, ",mode={mode}")?;
        }
        for (key, value) in [("user", &self.user), ("group", &self.group)] {
            if let Some(value) = value {
                write!(f, ",{key}={}", escape::escape(value.as_bytes(), ","))?;
            }
        }
        if let Some(backlog) = self.backlog {
            write!(f, ",backlog={backlog}")?;
        }
        Ok(())
    }
}

//! `exec:command line`.

use std::fmt;

use super::{Address, Prefix};
use crate::parse::ParseError;

/// A command line, exactly as typed after `exec:`, not yet split into words.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CommandLine(String);

impl CommandLine {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

pub(crate) const PREFIXES: &[Prefix] = &[Prefix {
    word: "exec",
    parse,
}];

pub(super) fn parse(rest: &[u8]) -> Result<Address, ParseError> {
    match std::str::from_utf8(rest) {
        Ok(text) if !text.trim().is_empty() && !text.contains('\0') => {
            Ok(Address::Exec(CommandLine(text.to_owned())))
        }
        _ => Err(ParseError::BadCommand),
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

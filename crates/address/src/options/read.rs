//! The options of one address, as typed.

use super::table::{self, Declared, Refusal};
use super::{Options, socat};
use crate::parse::ParseError;
use crate::{Kind, escape};

/// What a kind of address takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Takes {
    /// The kind, for error messages.
    pub(crate) kind: &'static str,
    /// Names of options of ours.
    pub(crate) options: &'static [&'static str],
    /// Words of socat that are more than another name of one of ours.
    pub(crate) socat: &'static [&'static str],
}

/// What was read behind an address.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// Our options.
    pub(crate) options: Options,
    /// The kind of a Unix socket, said by number.
    pub(crate) socket_type: Option<Kind>,
    /// The host to listen on.
    pub(crate) bind: Option<String>,
}

impl Said {
    /// Reads all options, each still escaped.
    pub(crate) fn read<'a>(
        typed: impl Iterator<Item = &'a [u8]>,
        takes: &Takes,
    ) -> Result<Self, ParseError> {
        let mut said = Said::default();
        for option in typed {
            said.take(option, takes)?;
        }
        Ok(said)
    }

    fn take(&mut self, typed: &[u8], takes: &Takes) -> Result<(), ParseError> {
        let option = escape::unescape_bytes(typed)?;
        let (key, value) = match option.iter().position(|byte| *byte == b'=') {
            Some(equals) => (&option[..equals], &option[equals + 1..]),
            None => (&option[..], &b""[..]),
        };
        let key = String::from_utf8_lossy(key).to_ascii_lowercase();
        let shown = || escape::escape(&option, "");
        let word = takes.socat.iter().find(|word| **word == key);
        let (name, outcome) = if let Some(word) = word {
            (*word, socat::take(self, word, value))
        } else {
            let declared = declared(&key, takes, shown)?;
            (declared.name, (declared.set)(&mut self.options, value))
        };
        outcome.map_err(|refusal| match refusal {
            Refusal::Value => ParseError::BadOption(shown()),
            Refusal::Twice => ParseError::OptionTwice(name),
            Refusal::Always => ParseError::AlwaysDone(shown()),
        })
    }
}

/// The option of ours that a key means, when this kind of address takes it.
fn declared(
    key: &str,
    takes: &Takes,
    shown: impl Fn() -> String,
) -> Result<&'static Declared, ParseError> {
    let name = socat::our_name(key).unwrap_or(key);
    match table::find(name) {
        Some(declared) if takes.options.contains(&name) => Ok(declared),
        Some(_) => Err(ParseError::OptionOfOthers {
            option: shown(),
            kind: takes.kind,
            known: takes.options,
        }),
        None => Err(ParseError::UnknownOption {
            option: shown(),
            kind: takes.kind,
            known: takes.options,
        }),
    }
}

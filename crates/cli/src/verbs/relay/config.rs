//! A file of relays: TOML whose keys are the long flags, so that there is one declaration of each.

use std::ffi::OsString;
use std::fmt;
use std::io::Read as _;
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Args, Command};
use sockeye_address::escape::escape;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::args::{Process, Relay};
use crate::error::{Error, error_with};

/// Far more than anybody writes; what is longer is no such file.
const LONGEST_BYTES: u64 = 4 * 1024 * 1024;

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct File {
    pub process: Process,
    /// At least one, each with the line on which it begins.
    pub relays: Vec<(Place, Relay)>,
}

/// A line of the file.
#[derive(Debug, Clone)]
pub(super) struct Place {
    file: String,
    line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} line {}", self.file, self.line)
    }
}

/// Reads a file of relays.
///
/// # Errors
/// The file cannot be read (a failure), or says something that cannot be (a usage error that names the line).
pub(super) fn read(path: &Path) -> Result<File, Error> {
    let shown = escape(path.as_os_str().as_encoded_bytes(), "");
    let failed = |error| Error::failure(error_with(format!("read {shown}"), error));
    let mut text = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(LONGEST_BYTES + 1).read_to_end(&mut text))
        .map_err(failed)?;
    let too_long = u64::try_from(text.len()).is_ok_and(|length| length > LONGEST_BYTES);
    let text = String::from_utf8(text).ok().filter(|_| !too_long);
    let text = text.ok_or_else(|| {
        Error::usage(format!(
            "read {shown}: it is no text of at most {} MiB",
            LONGEST_BYTES >> 20
        ))
    })?;
    parse(&shown, &text)
}

fn parse(file: &str, text: &str) -> Result<File, Error> {
    let reader = Reader { file, text };
    let document = DeTable::parse(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        reader.wrong(offset, message)
    })?;
    let mut found = File::default();
    for (key, value) in in_order(document.get_ref()) {
        match (key.get_ref().as_ref(), value.get_ref()) {
            ("process", DeValue::Table(table)) => found.process = reader.read(table)?,
            ("relay", DeValue::Array(tables)) => {
                for table in tables {
                    found.relays.push(reader.relay(table)?);
                }
            }
            ("process", _) => {
                return Err(reader.wrong(key.span().start, "process is a table: [process]"));
            }
            ("relay", _) => {
                return Err(reader.wrong(key.span().start, "relay is a list of tables: [[relay]]"));
            }
            (other, _) => {
                let other = escape(other.as_bytes(), "");
                let problem = format!("unknown key {other}: expected [process] or [[relay]]");
                return Err(reader.wrong(key.span().start, problem));
            }
        }
    }
    if found.relays.is_empty() {
        return Err(
            Error::usage(format!("read {file}: there is no relay in it")).remedy(
                "a relay is a table: [[relay]], then listen = \"ADDRESS\" and target = \"ADDRESS\"",
            ),
        );
    }
    Ok(found)
}

type Entry<'a, 'i> = (
    &'a Spanned<toml::de::DeString<'i>>,
    &'a Spanned<DeValue<'i>>,
);

/// As they stand in the file, so that the first mistake is told first.
fn in_order<'a, 'i>(table: &'a DeTable<'i>) -> Vec<Entry<'a, 'i>> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
}

impl Reader<'_> {
    fn place(&self, offset: usize) -> Place {
        let before = self.text.get(..offset).unwrap_or(self.text);
        Place {
            file: self.file.to_owned(),
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
        }
    }

    fn wrong(&self, offset: usize, problem: impl fmt::Display) -> Error {
        Error::usage(format!("read {}: {problem}", self.place(offset)))
    }

    fn relay(&self, table: &Spanned<DeValue<'_>>) -> Result<(Place, Relay), Error> {
        let begins = table.span().start;
        let DeValue::Table(entries) = table.get_ref() else {
            return Err(self.wrong(begins, "relay is a list of tables: [[relay]]"));
        };
        for needed in ["listen", "target"] {
            if !entries.keys().any(|key| key.get_ref() == needed) {
                let problem = format!("a relay without {needed} = \"ADDRESS\"");
                return Err(self.wrong(begins, problem));
            }
        }
        Ok((self.place(begins), self.read(entries)?))
    }

    /// Turns a table into the command line that says the same, and reads that.
    fn read<T: Args>(&self, table: &DeTable<'_>) -> Result<T, Error> {
        let mut command = T::augment_args(Command::new("relay").no_binary_name(true));
        command.build();
        let entries = in_order(table);
        let (mut flags, mut words) = (Vec::new(), [Vec::new(), Vec::new()]);
        for (key, value) in &entries {
            let name: &str = key.get_ref().as_ref();
            let Some(arg) = argument(&command, name) else {
                let name = escape(name.as_bytes(), "");
                let problem = format!("unknown key {name}: expected one of {}", known(&command));
                return Err(self.wrong(key.span().start, problem));
            };
            match name {
                "listen" => self.values(name, arg, value, &mut words[0])?,
                "target" => self.values(name, arg, value, &mut words[1])?,
                _ => self.values(name, arg, value, &mut flags)?,
            }
        }
        // What is no flag stands behind all flags, where a leading dash means nothing.
        flags.push("--".into());
        flags.extend(words.concat());
        command
            .try_get_matches_from(flags)
            .and_then(|matches| T::from_arg_matches(&matches))
            .map_err(|error| self.refused(&error, &entries))
    }

    /// Adds a value as it would be typed.
    fn values(
        &self,
        name: &str,
        arg: &Arg,
        value: &Spanned<DeValue<'_>>,
        typed: &mut Vec<OsString>,
    ) -> Result<(), Error> {
        let expected =
            |what: &str| self.wrong(value.span().start, format!("{name}: expected {what}"));
        let is_word = arg.is_positional();
        let word = |text: &str| {
            if is_word {
                OsString::from(text)
            } else {
                OsString::from(format!("--{name}={text}"))
            }
        };
        match (value.get_ref(), arg.get_action()) {
            (DeValue::Boolean(yes), ArgAction::SetTrue) => {
                typed.extend(yes.then(|| format!("--{name}").into()));
            }
            (_, ArgAction::SetTrue) => return Err(expected("true or false")),
            (DeValue::Array(values), ArgAction::Append) => {
                if values.is_empty() && is_word {
                    return Err(expected("at least one address"));
                }
                for value in values {
                    typed.push(word(&scalar(name, value.get_ref()).ok_or_else(|| {
                        self.wrong(value.span().start, format!("{name}: expected text"))
                    })?));
                }
            }
            (DeValue::Array(_), _) => return Err(expected("one value, not a list")),
            (value, _) => {
                typed.push(word(
                    &scalar(name, value).ok_or_else(|| expected("text or a number"))?,
                ));
            }
        }
        Ok(())
    }

    /// What is wrong with a value, at its line.
    fn refused(&self, error: &clap::Error, entries: &[Entry<'_, '_>]) -> Error {
        let context = |kind| match error.get(kind) {
            Some(ContextValue::String(text)) => Some(text.clone()),
            Some(ContextValue::Strings(texts)) => Some(texts.join(", ")),
            _ => None,
        };
        let flag = context(ContextKind::InvalidArg).unwrap_or_default();
        let name = key_of(&flag);
        let entry = entries.iter().find(|(key, _)| *key.get_ref() == name);
        let offset = entry.map_or(0, |(_, value)| value.span().start);
        let value = context(ContextKind::InvalidValue).unwrap_or_default();
        let value = escape(value.as_bytes(), "");
        let source = std::error::Error::source(error).map(ToString::to_string);
        let problem = match (error.kind(), source, context(ContextKind::ValidValue)) {
            (ErrorKind::InvalidValue, _, Some(valid)) => {
                format!("{name} = \"{value}\": expected one of {valid}")
            }
            (ErrorKind::ArgumentConflict, ..) => {
                let other = context(ContextKind::PriorArg).unwrap_or_default();
                format!("{name} and {} exclude each other", key_of(&other))
            }
            (_, Some(source), _) => format!("{name} = \"{value}\": {source}"),
            _ => {
                let text = error.to_string();
                let line = text.lines().next().unwrap_or_default();
                line.trim_start_matches("error: ").to_owned()
            }
        };
        self.wrong(offset, problem)
    }
}

/// `--mode <BITS>` is the key `mode`, `<LISTEN>` is `listen`.
fn key_of(flag: &str) -> String {
    let flag = flag.split_whitespace().next().unwrap_or_default();
    let word = |c: char| c.is_ascii_alphanumeric() || c == '-';
    flag.trim_start_matches('-')
        .trim_matches(|c| !word(c))
        .to_ascii_lowercase()
}

fn scalar(name: &str, value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        // 0o660: the digits are what this flag takes.
        DeValue::Integer(number) if number.radix() == 8 && name == "mode" => {
            Some(number.as_str().to_owned())
        }
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        _ => None,
    }
}

fn argument<'a>(command: &'a Command, key: &str) -> Option<&'a Arg> {
    let is_meant = |arg: &&Arg| {
        let positional = arg.is_positional() && arg.get_id().as_str() == key;
        positional || (arg.get_long() == Some(key) && !is_help(arg))
    };
    command.get_arguments().find(is_meant)
}

fn is_help(arg: &Arg) -> bool {
    matches!(
        arg.get_action(),
        ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
    )
}

/// All keys, for error messages.
fn known(command: &Command) -> String {
    let keys: Vec<&str> = command
        .get_arguments()
        .filter(|arg| !is_help(arg))
        .filter_map(|arg| {
            arg.get_long()
                .or(arg.is_positional().then(|| arg.get_id().as_str()))
        })
        .collect();
    keys.join(", ")
}

#[cfg(test)]
mod tests;

//! Every option of ours: its name, how it is read and how it is printed.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use super::{Mode, Options, duration};

/// One option.
pub(crate) struct Declared {
    /// Written before the `=`.
    pub(crate) name: &'static str,
    /// Takes a value, escapes undone.
    pub(crate) set: fn(&mut Options, &[u8]) -> Result<(), Refusal>,
    /// Its values, to be escaped; none when it was not given.
    pub(crate) shown: fn(&Options) -> Vec<Vec<u8>>,
}

/// Why a value is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It does not fit.
    Value,
    /// There is one already.
    Twice,
    /// It asks not to do what is always done.
    Always,
}

macro_rules! options {
    ($($name:literal, $set:expr, $shown:expr;)*) => {
        /// The options there are, for error messages and help. Which of them an address takes depends on its kind.
        pub const OPTION_NAMES: &[&str] = &[$($name),*];
        /// Every option, in the order they are printed.
        pub(crate) const OPTIONS: &[Declared] =
            &[$(Declared { name: $name, set: $set, shown: $shown }),*];
    };
}

options! {
    "mode", |o, value| once(&mut o.mode, text(value).and_then(Mode::parse)), |o| shown(o.mode);
    "user", |o, value| once(&mut o.user, word(value)), |o| shown(o.user.as_ref());
    "group", |o, value| once(&mut o.group, word(value)), |o| shown(o.group.as_ref());
    "backlog", |o, value| once(&mut o.backlog, number(value)), |o| shown(o.backlog);
    "max-clients", |o, value| once(&mut o.max_clients, number(value).filter(|clients| *clients > 0)),
        |o| shown(o.max_clients);
    "retry", |o, value| once(&mut o.retry, number(value)), |o| shown(o.retry);
    "interval", |o, value| once(&mut o.interval, span(value)), |o| shown(o.interval.map(duration::show));
    "connect-timeout", |o, value| once(&mut o.connect_timeout, span(value).filter(|span| !span.is_zero())),
        |o| shown(o.connect_timeout.map(duration::show));
    "cert", |o, value| once(&mut o.tls.cert, file(value)), |o| shown_file(o.tls.cert.as_ref());
    "key", |o, value| once(&mut o.tls.key, file(value)), |o| shown_file(o.tls.key.as_ref());
    "ca", |o, value| once(&mut o.tls.ca, file(value)), |o| shown_file(o.tls.ca.as_ref());
    "name", |o, value| once(&mut o.tls.name, host(value)), |o| shown(o.tls.name.as_ref());
    "verify", |o, value| once(&mut o.tls.verify, yes_or_no(value)), |o| shown(o.tls.verify.map(u8::from));
    "alpn", |o, value| protocol(&mut o.tls.alpn, value), |o| o.tls.alpn.iter().map(|id| id.clone().into()).collect();
}

/// The declaration of an option.
pub(crate) fn find(name: &str) -> Option<&'static Declared> {
    OPTIONS.iter().find(|option| option.name == name)
}

pub(super) fn once<T>(slot: &mut Option<T>, value: Option<T>) -> Result<(), Refusal> {
    let value = value.ok_or(Refusal::Value)?;
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Refusal::Twice),
    }
}

fn text(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value).ok()
}

fn word(value: &[u8]) -> Option<String> {
    text(value)
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
}

fn number(value: &[u8]) -> Option<u32> {
    text(value)
        .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok())
}

fn span(value: &[u8]) -> Option<Duration> {
    text(value).and_then(duration::parse)
}

fn file(value: &[u8]) -> Option<PathBuf> {
    (!value.is_empty() && !value.contains(&0)).then(|| OsStr::from_bytes(value).into())
}

fn host(value: &[u8]) -> Option<String> {
    word(value).filter(|host| crate::kinds::network::is_host(host))
}

/// Alone it says yes.
pub(crate) fn yes_or_no(value: &[u8]) -> Option<bool> {
    match value {
        b"" | b"1" => Some(true),
        b"0" => Some(false),
        _ => None,
    }
}

/// The one option that is given as often as there are protocols.
fn protocol(protocols: &mut Vec<String>, value: &[u8]) -> Result<(), Refusal> {
    // An identifier is told with one byte for its length (RFC 7301, section 3.1).
    let id = word(value)
        .filter(|id| id.len() <= 255)
        .ok_or(Refusal::Value)?;
    if protocols.contains(&id) {
        return Err(Refusal::Twice);
    }
    protocols.push(id);
    Ok(())
}

fn shown<T: ToString>(value: Option<T>) -> Vec<Vec<u8>> {
    value
        .map(|value| value.to_string().into())
        .into_iter()
        .collect()
}

fn shown_file(path: Option<&PathBuf>) -> Vec<Vec<u8>> {
    path.map(|path| path.as_os_str().as_bytes().to_vec())
        .into_iter()
        .collect()
}

//! `-`, `fd:3`, `activation:name`: sockets that somebody else opened.

use std::fmt;

use super::{Address, Prefix};
use crate::escape;
use crate::parse::ParseError;

/// The number of a descriptor that was handed over, as typed; whoever takes it into ownership checks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DescriptorNumber(u16);

impl DescriptorNumber {
    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

/// The name a service manager gave a socket (`sd_listen_fds(3)`, `FileDescriptorName=`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ActivationName(String);

impl ActivationName {
    /// The name; empty for the only socket there is.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

pub(crate) const PREFIXES: &[Prefix] = &[
    Prefix {
        word: "fd",
        parse: descriptor,
    },
    Prefix {
        word: "activation",
        parse: activation,
    },
];

pub(super) fn descriptor(rest: &[u8]) -> Result<Address, ParseError> {
    std::str::from_utf8(rest)
        .ok()
        .and_then(super::network::port_number)
        .map(|number| Address::Descriptor(DescriptorNumber(number)))
        .ok_or_else(|| ParseError::BadDescriptor(escape::escape(rest, "")))
}

fn activation(rest: &[u8]) -> Result<Address, ParseError> {
    // Letters the service manager allows: printable ASCII without a colon.
    match std::str::from_utf8(rest) {
        Ok(text) if text.chars().all(|c| c.is_ascii_graphic() && c != ':') => {
            Ok(Address::Activation(ActivationName(text.to_owned())))
        }
        _ => Err(ParseError::BadActivation(escape::escape(rest, ""))),
    }
}

impl fmt::Display for DescriptorNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for ActivationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

//! `vsock:cid:port`: a virtual machine and its host.

use std::fmt;

use super::{Address, Prefix};
use crate::escape;
use crate::parse::ParseError;

/// A context identifier and a port (`vsock(7)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VsockAddress {
    /// Context identifier: 1 is this machine, 2 the host.
    pub cid: u32,
    /// Port number.
    pub port: u32,
}

pub(crate) const PREFIXES: &[Prefix] = &[
    Prefix {
        word: "vsock",
        parse,
    },
    Prefix {
        word: "vsock-connect",
        parse,
    },
];

fn parse(rest: &[u8]) -> Result<Address, ParseError> {
    let number = |text: &str| -> Option<u32> {
        if text.bytes().all(|digit| digit.is_ascii_digit()) {
            text.parse().ok()
        } else {
            None
        }
    };
    let pair = std::str::from_utf8(rest)
        .ok()
        .and_then(|text| text.split_once(':'));
    pair.and_then(|(cid, port)| {
        Some(VsockAddress {
            cid: number(cid)?,
            port: number(port)?,
        })
    })
    .map(Address::Vsock)
    .ok_or_else(|| ParseError::BadVsock(escape::escape(rest, "")))
}

impl fmt::Display for VsockAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.cid, self.port)
    }
}

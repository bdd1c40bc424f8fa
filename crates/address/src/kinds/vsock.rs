//! `vsock:cid:port`: a virtual machine and its host.

use std::fmt;

use super::{Address, Prefix};
use crate::escape;
use crate::options::{Options, Said, Takes, socat};
use crate::parse::{self, ParseError};

/// A context identifier and a port (`vsock(7)`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VsockAddress {
    /// Context identifier: 1 is this machine, 2 the host, [`VsockAddress::ANY_CID`] whatever this machine is called.
    pub cid: u32,
    /// Port number.
    pub port: u32,
    /// What followed the port.
    pub options: Options,
}

impl VsockAddress {
    /// `VMADDR_CID_ANY`: what a listener binds to be reached by every identifier of its machine; written as none.
    pub const ANY_CID: u32 = u32::MAX;
}

pub(super) const fn takes() -> Takes {
    Takes {
        kind: "vsock",
        options: &[
            "backlog",
            "max-clients",
            "retry",
            "interval",
            "connect-timeout",
        ],
        socat: socat::NETWORK,
    }
}

pub(crate) const PREFIXES: &[Prefix] = &[Prefix {
    word: "vsock",
    parse: |rest| {
        let mut parts = parse::split_options(rest);
        let place = parts.next().unwrap_or_default();
        let (cid, port) =
            cid_port(place).ok_or_else(|| ParseError::BadVsock(escape::escape(place, "")))?;
        let options = Said::read(parts, &takes())?.options;
        Ok(Address::Vsock(VsockAddress { cid, port, options }))
    },
}];

/// Reads `cid:port`.
pub(super) fn cid_port(place: &[u8]) -> Option<(u32, u32)> {
    let (cid, port) = std::str::from_utf8(place).ok()?.split_once(':')?;
    let cid = match cid {
        "" => VsockAddress::ANY_CID,
        cid => number(cid)?,
    };
    Some((cid, number(port)?))
}

pub(super) fn number(digits: &str) -> Option<u32> {
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

impl fmt::Display for VsockAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.cid != VsockAddress::ANY_CID {
            write!(f, "{}", self.cid)?;
        }
        write!(f, ":{}{}", self.port, self.options)
    }
}

//! `tcp:host:port`, `tls:host:port`, `udp:host:port`.

use std::fmt;

use super::{Address, Prefix};
use crate::escape;
use crate::options::{Options, Said, Takes, socat};
use crate::parse::{self, ParseError};

/// A host, not looked up, and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// Name or numeric address, IPv6 without its brackets; empty for every address of this machine when listening.
    pub host: String,
    /// Port number.
    pub port: u16,
}

/// An end of the network, as typed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NetworkAddress {
    /// Where it is.
    pub place: HostPort,
    /// What followed the place.
    pub options: Options,
}

/// The protocols, and what makes each an address.
#[derive(Clone, Copy)]
pub(super) enum Protocol {
    Tcp,
    Tls,
    Udp,
}

impl Protocol {
    pub(super) const fn takes(self) -> Takes {
        let (kind, options): (_, &[&str]) = match self {
            Protocol::Tcp => ("tcp", TCP_OPTIONS),
            Protocol::Tls => ("tls", TLS_OPTIONS),
            Protocol::Udp => ("udp", UDP_OPTIONS),
        };
        let socat = socat::NETWORK;
        Takes {
            kind,
            options,
            socat,
        }
    }

    pub(super) fn address(self, place: HostPort, options: Options) -> Address {
        let network = NetworkAddress { place, options };
        match self {
            Protocol::Tcp => Address::Tcp(network),
            Protocol::Tls => Address::Tls(network),
            Protocol::Udp => Address::Udp(network),
        }
    }
}

const TCP_OPTIONS: &[&str] = &[
    "backlog",
    "max-clients",
    "retry",
    "interval",
    "connect-timeout",
];
const TLS_OPTIONS: &[&str] = &[
    "backlog",
    "max-clients",
    "retry",
    "interval",
    "connect-timeout",
    "cert",
    "key",
    "ca",
    "name",
    "verify",
    "alpn",
];
// Nobody waits to be accepted without a connection; what can fail is to find the host.
const UDP_OPTIONS: &[&str] = &["max-clients", "retry", "interval", "connect-timeout"];

pub(crate) const PREFIXES: &[Prefix] = &[
    Prefix {
        word: "tcp",
        parse: |rest| parse(rest, Protocol::Tcp),
    },
    Prefix {
        word: "tls",
        parse: |rest| parse(rest, Protocol::Tls),
    },
    Prefix {
        word: "udp",
        parse: |rest| parse(rest, Protocol::Udp),
    },
];

fn parse(rest: &[u8], protocol: Protocol) -> Result<Address, ParseError> {
    let mut parts = parse::split_options(rest);
    let place = host_port(parts.next().unwrap_or_default())?;
    let said = Said::read(parts, &protocol.takes())?;
    Ok(protocol.address(place, said.options))
}

/// Reads `host:port`, IPv6 in brackets.
pub(super) fn host_port(text: &[u8]) -> Result<HostPort, ParseError> {
    let bad = || ParseError::BadHostPort(escape::escape(text, ""));
    let colon = text
        .iter()
        .rposition(|byte| *byte == b':')
        .ok_or_else(bad)?;
    let host = listening_host(&text[..colon]).ok_or_else(bad)?;
    let port = std::str::from_utf8(&text[colon + 1..]).ok();
    let port = port.and_then(port_number).ok_or_else(bad)?;
    Ok(HostPort { host, port })
}

/// Reads a host as it stands before a port; empty is every address of this machine.
pub(crate) fn listening_host(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?;
    let host = match text.strip_prefix('[') {
        Some(bracketed) => bracketed
            .strip_suffix(']')
            .filter(|host| host.contains(':'))?,
        // An IPv6 address without brackets cannot be told from its port.
        None if text.contains(':') => return None,
        None => text,
    };
    (host.is_empty() || is_host(host)).then(|| host.to_owned())
}

/// Whether a host may be called this: nothing that means something in an address.
pub(crate) fn is_host(host: &str) -> bool {
    let plain = |c: char| c.is_ascii_graphic() && !"/[]@,\\".contains(c);
    !host.is_empty() && host.chars().all(plain)
}

pub(crate) fn port_number(digits: &str) -> Option<u16> {
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            return write!(f, "[{}]:{}", self.host, self.port);
        }
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl fmt::Display for NetworkAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.place, self.options)
    }
}

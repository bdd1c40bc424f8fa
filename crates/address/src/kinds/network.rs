//! `tcp:host:port`, `tls:host:port`, `udp:host:port`.

use std::fmt;

use super::{Address, Prefix};
use crate::escape;
use crate::parse::ParseError;

/// A host, not looked up, and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// Name or numeric address, IPv6 without its brackets; empty for every address of this machine when listening.
    pub host: String,
    /// Port number.
    pub port: u16,
}

pub(crate) const PREFIXES: &[Prefix] = &[
    Prefix {
        word: "tcp",
        parse: |rest| Ok(Address::Tcp(host_port(rest)?)),
    },
    Prefix {
        word: "tls",
        parse: |rest| Ok(Address::Tls(host_port(rest)?)),
    },
    Prefix {
        word: "udp",
        parse: |rest| Ok(Address::Udp(host_port(rest)?)),
    },
    Prefix {
        word: "tcp-connect",
        parse: |rest| Ok(Address::Tcp(host_port(rest)?)),
    },
    Prefix {
        word: "tcp-listen",
        parse: |rest| Ok(Address::Tcp(port_alone(rest)?)),
    },
    Prefix {
        word: "tcp-l",
        parse: |rest| Ok(Address::Tcp(port_alone(rest)?)),
    },
    Prefix {
        word: "udp-connect",
        parse: |rest| Ok(Address::Udp(host_port(rest)?)),
    },
    Prefix {
        word: "udp-sendto",
        parse: |rest| Ok(Address::Udp(host_port(rest)?)),
    },
    Prefix {
        word: "udp-listen",
        parse: |rest| Ok(Address::Udp(port_alone(rest)?)),
    },
    Prefix {
        word: "openssl",
        parse: |rest| Ok(Address::Tls(host_port(rest)?)),
    },
];

fn host_port(rest: &[u8]) -> Result<HostPort, ParseError> {
    let bad = || ParseError::BadHostPort(escape::escape(rest, ""));
    let text = std::str::from_utf8(rest).map_err(|_| bad())?;
    let (host, port) = text.rsplit_once(':').ok_or_else(bad)?;
    let host = match host.strip_prefix('[') {
        Some(bracketed) => bracketed
            .strip_suffix(']')
            .filter(|host| host.contains(':'))
            .ok_or_else(bad)?,
        // An IPv6 address without brackets cannot be told from its port.
        None if host.contains(':') => return Err(bad()),
        None => host,
    };
    let plain = |c: char| c.is_ascii_graphic() && !"/[]@,\\".contains(c);
    if !host.chars().all(plain) {
        return Err(bad());
    }
    Ok(HostPort {
        host: host.to_owned(),
        port: port_number(port).ok_or_else(bad)?,
    })
}

fn port_alone(rest: &[u8]) -> Result<HostPort, ParseError> {
    let port = std::str::from_utf8(rest).ok().and_then(port_number);
    let port = port.ok_or_else(|| ParseError::BadHostPort(escape::escape(rest, "")))?;
    Ok(HostPort {
        host: String::new(),
        port,
    })
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

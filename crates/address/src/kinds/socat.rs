//! socat's words for addresses (`socat(1)`), where they mean the same as ours. They say which end it is, which here
//! the verb does; so they are printed as ours.

use super::network::{self, HostPort, Protocol};
use super::unix::{Form, UnixAddress};
use super::vsock::{self, VsockAddress};
use super::{Address, Prefix, exec, plain, unix};
use crate::options::{Said, Takes, socat};
use crate::parse::{self, ParseError};
use crate::{Kind, escape};

/// What a word says of an end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Listens,
    Connects,
}
use Side::{Connects, Listens};

/// Which addresses of a protocol a word allows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Any,
    V4,
    V6,
}
use Family::{Any, V4, V6};

macro_rules! prefixes {
    ($($word:literal => $read:ident($($what:expr),*);)*) => {
        pub(crate) const PREFIXES: &[Prefix] =
            &[$(Prefix { word: $word, parse: |rest| $read(rest, $($what),*) }),*];
    };
}

prefixes! {
    "unix-connect" => unix(Connects, Form::Either, Some(Kind::Stream));
    "unix-listen" => unix(Listens, Form::Either, Some(Kind::Stream));
    "unix-l" => unix(Listens, Form::Either, Some(Kind::Stream));
    "unix-client" => unix(Connects, Form::Either, None);
    "unix-sendto" => unix(Connects, Form::Either, Some(Kind::Datagram));
    "unix-recvfrom" => unix(Listens, Form::Either, Some(Kind::Datagram));
    "unix-recv" => unix(Listens, Form::Either, Some(Kind::Datagram));
    "abstract-connect" => unix(Connects, Form::Abstract, Some(Kind::Stream));
    "abstract-listen" => unix(Listens, Form::Abstract, Some(Kind::Stream));
    "abstract-client" => unix(Connects, Form::Abstract, None);
    "abstract-sendto" => unix(Connects, Form::Abstract, Some(Kind::Datagram));
    "abstract-recvfrom" => unix(Listens, Form::Abstract, Some(Kind::Datagram));
    "abstract-recv" => unix(Listens, Form::Abstract, Some(Kind::Datagram));
    "tcp-connect" => connect(Protocol::Tcp, "tcp", Any);
    "tcp4" => connect(Protocol::Tcp, "tcp", V4);
    "tcp4-connect" => connect(Protocol::Tcp, "tcp", V4);
    "tcp6" => connect(Protocol::Tcp, "tcp", V6);
    "tcp6-connect" => connect(Protocol::Tcp, "tcp", V6);
    "tcp-listen" => listen(Protocol::Tcp, "tcp", Any);
    "tcp-l" => listen(Protocol::Tcp, "tcp", Any);
    "tcp4-listen" => listen(Protocol::Tcp, "tcp", V4);
    "tcp4-l" => listen(Protocol::Tcp, "tcp", V4);
    "tcp6-listen" => listen(Protocol::Tcp, "tcp", V6);
    "tcp6-l" => listen(Protocol::Tcp, "tcp", V6);
    "udp-connect" => connect(Protocol::Udp, "udp", Any);
    "udp-sendto" => connect(Protocol::Udp, "udp", Any);
    "udp4" => connect(Protocol::Udp, "udp", V4);
    "udp4-connect" => connect(Protocol::Udp, "udp", V4);
    "udp4-sendto" => connect(Protocol::Udp, "udp", V4);
    "udp6" => connect(Protocol::Udp, "udp", V6);
    "udp6-connect" => connect(Protocol::Udp, "udp", V6);
    "udp6-sendto" => connect(Protocol::Udp, "udp", V6);
    "udp-listen" => listen(Protocol::Udp, "udp", Any);
    "udp-l" => listen(Protocol::Udp, "udp", Any);
    "udp-recvfrom" => listen(Protocol::Udp, "udp", Any);
    "udp4-listen" => listen(Protocol::Udp, "udp", V4);
    "udp4-recvfrom" => listen(Protocol::Udp, "udp", V4);
    "udp6-listen" => listen(Protocol::Udp, "udp", V6);
    "udp6-recvfrom" => listen(Protocol::Udp, "udp", V6);
    "openssl" => connect(Protocol::Tls, "tls", Any);
    "openssl-connect" => connect(Protocol::Tls, "tls", Any);
    "ssl" => connect(Protocol::Tls, "tls", Any);
    "openssl-listen" => listen(Protocol::Tls, "tls", Any);
    "ssl-l" => listen(Protocol::Tls, "tls", Any);
    "vsock-connect" => vsock_connect();
    "vsock-listen" => vsock_listen();
    "vsock-l" => vsock_listen();
    "accept-fd" => accept_fd();
    // Only in capitals, as socat's manual writes it: in ours, commas belong to the command.
    "EXEC" => command();
    "SYSTEM" => command();
}

fn unix(rest: &[u8], side: Side, form: Form, kind: Option<Kind>) -> Result<Address, ParseError> {
    let takes = Takes {
        socat: match side {
            Listens => socat::UNIX,
            Connects => socat::UNIX_CLIENT,
        },
        ..unix::TAKES
    };
    let (name, said) = unix::prefixed(rest, form, &takes)?;
    Ok(Address::Unix(UnixAddress {
        name,
        // A word for streams means the type that is said behind it, as in `UNIX-LISTEN:/p,type=5`.
        kind: said.socket_type.or(kind),
        options: said.options,
    }))
}

fn connect(
    rest: &[u8],
    protocol: Protocol,
    word: &'static str,
    family: Family,
) -> Result<Address, ParseError> {
    let mut parts = parse::split_options(rest);
    let place = network::host_port(parts.next().unwrap_or_default())?;
    family.check(&place.host, word)?;
    let takes = Takes {
        socat: socat::NETWORK_CLIENT,
        ..protocol.takes()
    };
    let said = Said::read(parts, &takes)?;
    Ok(protocol.address(place, said.options))
}

fn listen(
    rest: &[u8],
    protocol: Protocol,
    word: &'static str,
    family: Family,
) -> Result<Address, ParseError> {
    let mut parts = parse::split_options(rest);
    let port = parts.next().unwrap_or_default();
    let number = std::str::from_utf8(port)
        .ok()
        .and_then(network::port_number);
    let number = number.ok_or_else(|| ParseError::BadPort(escape::escape(port, "")))?;
    let takes = Takes {
        socat: socat::NETWORK_LISTENER,
        ..protocol.takes()
    };
    let mut said = Said::read(parts, &takes)?;
    let host = match said.bind {
        Some(host) => {
            family.check(&host, word)?;
            host
        }
        None => family.every_address().to_owned(),
    };
    if matches!(protocol, Protocol::Tls) {
        // There a listener asks for a certificate unless it is told not to.
        said.options.tls.verify.get_or_insert(true);
    }
    Ok(protocol.address(HostPort { host, port: number }, said.options))
}

impl Family {
    const fn every_address(self) -> &'static str {
        match self {
            Any => "",
            V4 => "0.0.0.0",
            V6 => "::",
        }
    }

    /// Which address a name has is found out later, and ours takes whichever it is.
    fn check(self, host: &str, word: &'static str) -> Result<(), ParseError> {
        let version = match self {
            V4 if host.parse::<std::net::Ipv4Addr>().is_err() => 4,
            V6 if host.parse::<std::net::Ipv6Addr>().is_err() => 6,
            _ => return Ok(()),
        };
        Err(ParseError::NotOfFamily {
            host: escape::escape(host.as_bytes(), ""),
            word,
            version,
        })
    }
}

fn vsock_connect(rest: &[u8]) -> Result<Address, ParseError> {
    let bad = |place: &[u8]| ParseError::BadVsock(escape::escape(place, ""));
    let mut parts = parse::split_options(rest);
    let place = parts.next().unwrap_or_default();
    let (cid, port) = vsock::cid_port(place).ok_or_else(|| bad(place))?;
    let takes = Takes {
        socat: socat::NETWORK_CLIENT,
        ..vsock::takes()
    };
    let options = Said::read(parts, &takes)?.options;
    Ok(Address::Vsock(VsockAddress { cid, port, options }))
}

fn vsock_listen(rest: &[u8]) -> Result<Address, ParseError> {
    let mut parts = parse::split_options(rest);
    let typed = parts.next().unwrap_or_default();
    let port = std::str::from_utf8(typed).ok().and_then(vsock::number);
    let port = port.ok_or_else(|| ParseError::BadVsockPort(escape::escape(typed, "")))?;
    let options = Said::read(parts, &vsock::takes())?.options;
    let cid = VsockAddress::ANY_CID;
    Ok(Address::Vsock(VsockAddress { cid, port, options }))
}

fn accept_fd(rest: &[u8]) -> Result<Address, ParseError> {
    let mut parts = parse::split_options(rest);
    let address = plain::descriptor(parts.next().unwrap_or_default())?;
    let takes = Takes {
        kind: "fd",
        options: &[],
        socat: &["fork"],
    };
    Said::read(parts, &takes)?;
    Ok(address)
}

fn command(rest: &[u8]) -> Result<Address, ParseError> {
    if let Some(comma) = rest.iter().position(|byte| *byte == b',') {
        return Err(ParseError::CommandOption(escape::escape(
            &rest[comma + 1..],
            "",
        )));
    }
    exec::parse(rest)
}

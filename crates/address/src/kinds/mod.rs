//! Every kind of endpoint: one file each, and [`Address`] that holds any of them.

use std::fmt;

pub mod exec;
pub mod network;
pub mod plain;
mod socat;
pub mod ssh;
pub mod unix;
pub mod vsock;

use crate::options::Options;
use crate::well_known::Service;
use network::NetworkAddress;
use ssh::SshPath;
use unix::UnixAddress;

/// An endpoint, as typed. Parse one with [`str::parse`] or [`Address::parse`]; print it with `{}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// A Unix socket.
    Unix(UnixAddress),
    /// A well-known service, such as `docker`: where its socket is depends on the machine and the user.
    WellKnown(&'static Service),
    /// `tcp:host:port`.
    Tcp(NetworkAddress),
    /// `tls:host:port`.
    Tls(NetworkAddress),
    /// `udp:host:port`.
    Udp(NetworkAddress),
    /// `vsock:cid:port`.
    Vsock(vsock::VsockAddress),
    /// `-`: standard input and output.
    Stdio,
    /// `exec:command line`.
    Exec(exec::CommandLine),
    /// `fd:3`: a descriptor that was handed over.
    Descriptor(plain::DescriptorNumber),
    /// `activation:name`: a socket from the service manager.
    Activation(plain::ActivationName),
    /// `ssh://user@host:port/path`: a Unix socket on another machine.
    Ssh(SshPath),
}

/// What holds for a kind of endpoint, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traits {
    /// One send arrives as one receive; `None` where it depends on what stands behind it.
    pub keeps_boundaries: Option<bool>,
    /// Many peers can be served through it at once.
    pub serves_many: bool,
}

/// One prefix of the grammar.
pub(crate) struct Prefix {
    /// Written before the colon, in any case where no other is written so exactly.
    pub(crate) word: &'static str,
    /// Reads what follows the colon.
    pub(crate) parse: fn(&[u8]) -> Result<Address, crate::ParseError>,
}

/// Every prefix understood, ours first, then what socat calls the same.
pub(crate) const PREFIXES: &[&[Prefix]] = &[
    unix::PREFIXES,
    network::PREFIXES,
    vsock::PREFIXES,
    exec::PREFIXES,
    plain::PREFIXES,
    ssh::PREFIXES,
    socat::PREFIXES,
];

impl Address {
    /// What holds for this kind of endpoint.
    ///
    /// ```
    /// # use sockeye_address::Address;
    /// let udp: Address = "udp:localhost:53".parse()?;
    /// assert_eq!(udp.traits().keeps_boundaries, Some(true));
    /// # Ok::<(), sockeye_address::ParseError>(())
    /// ```
    pub fn traits(&self) -> Traits {
        let (keeps_boundaries, serves_many) = match self {
            Address::Unix(unix) => (unix.kind.map(crate::Kind::keeps_boundaries), true),
            Address::Tcp(_) | Address::Tls(_) | Address::Vsock(_) | Address::Ssh(_) => {
                (Some(false), true)
            }
            Address::Udp(_) => (Some(true), true),
            Address::Stdio => (Some(false), false),
            Address::Exec(_) => (Some(false), true),
            Address::Descriptor(_) | Address::Activation(_) | Address::WellKnown(_) => (None, true),
        };
        Traits {
            keeps_boundaries,
            serves_many,
        }
    }

    /// The same without what followed it: who it is, not how it is opened.
    ///
    /// ```
    /// # use sockeye_address::Address;
    /// let typed: Address = "tcp:localhost:80,retry=3".parse()?;
    /// assert_eq!(typed.without_options().to_string(), "tcp:localhost:80");
    /// # Ok::<(), sockeye_address::ParseError>(())
    /// ```
    #[must_use]
    pub fn without_options(&self) -> Address {
        let mut bare = self.clone();
        match &mut bare {
            Address::Unix(unix) => unix.options = Options::default(),
            Address::Tcp(network) | Address::Tls(network) | Address::Udp(network) => {
                network.options = Options::default();
            }
            Address::Vsock(vsock) => vsock.options = Options::default(),
            _ => {}
        }
        bare
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Unix(unix) => write!(f, "{unix}"),
            Address::WellKnown(service) => f.write_str(service.word),
            Address::Tcp(place) => write!(f, "tcp:{place}"),
            Address::Tls(place) => write!(f, "tls:{place}"),
            Address::Udp(place) => write!(f, "udp:{place}"),
            Address::Vsock(place) => write!(f, "vsock:{place}"),
            Address::Stdio => f.write_str("-"),
            Address::Exec(command) => write!(f, "exec:{command}"),
            Address::Descriptor(number) => write!(f, "fd:{number}"),
            Address::Activation(name) => write!(f, "activation:{name}"),
            Address::Ssh(place) => write!(f, "{place}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prefix_is_documented_and_means_one_thing() {
        let page = include_str!("../../../../docs/address.md");
        let words: Vec<&str> = PREFIXES
            .iter()
            .flat_map(|kind| kind.iter())
            .map(|prefix| prefix.word)
            .collect();
        for (at, word) in words.iter().enumerate() {
            assert!(!words[..at].contains(word), "{word} twice");
            let forms = ["`", ":"].map(|end| format!("`{word}{end}"));
            assert!(
                forms.iter().any(|form| page.contains(form)),
                "{word} is not in docs/address.md"
            );
        }
    }
}

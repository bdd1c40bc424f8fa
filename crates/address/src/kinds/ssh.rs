//! `ssh://user@host:port/path`: a Unix socket on another machine.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::network::port_number;
use super::{Address, Prefix};
use crate::escape;
use crate::parse::ParseError;

/// Where a socket is on another machine.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SshPath {
    /// Who to be there, where it was said.
    pub user: Option<String>,
    /// The machine.
    pub host: String,
    /// Port of its ssh server, where it was said.
    pub port: Option<u16>,
    /// Absolute path of the socket there.
    pub path: PathBuf,
}

pub(crate) const PREFIXES: &[Prefix] = &[Prefix { word: "ssh", parse }];

fn parse(rest: &[u8]) -> Result<Address, ParseError> {
    let bad = || ParseError::BadSsh(escape::escape(rest, ""));
    let rest = rest.strip_prefix(b"//").ok_or_else(bad)?;
    let slash = rest.iter().position(|byte| *byte == b'/').ok_or_else(bad)?;
    let authority = std::str::from_utf8(&rest[..slash]).map_err(|_| bad())?;
    let path = escape::unescape_bytes(&rest[slash..])?;
    let (user, place) = match authority.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, authority),
    };
    let (host, port) = split_port(place).ok_or_else(bad)?;
    // A host or user that begins with `-` would be an option of ssh.
    let plain = |text: &str| {
        !text.is_empty()
            && !text.starts_with('-')
            && text
                .chars()
                .all(|c| c.is_ascii_graphic() && !"/@\\[]".contains(c))
    };
    if !plain(host) || !user.is_none_or(plain) || path.len() < 2 || path.contains(&0) {
        return Err(bad());
    }
    Ok(Address::Ssh(SshPath {
        user: user.map(str::to_owned),
        host: host.to_owned(),
        port,
        path: PathBuf::from(OsStr::from_bytes(&path)),
    }))
}

fn split_port(place: &str) -> Option<(&str, Option<u16>)> {
    if let Some(bracketed) = place.strip_prefix('[') {
        let (host, after) = bracketed.split_once(']')?;
        let port = if after.is_empty() {
            None
        } else {
            Some(port_number(after.strip_prefix(':')?)?)
        };
        return host.contains(':').then_some((host, port));
    }
    match place.split_once(':') {
        Some((host, port)) => Some((host, Some(port_number(port)?))),
        None => Some((place, None)),
    }
}

impl fmt::Display for SshPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ssh://")?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        if self.host.contains(':') {
            write!(f, "[{}]", self.host)?;
        } else {
            f.write_str(&self.host)?;
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(&escape::escape(self.path.as_os_str().as_bytes(), ""))
    }
}

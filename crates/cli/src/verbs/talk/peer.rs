//! Who is at the other end, for people.

use std::fmt;
use std::os::unix::ffi::OsStrExt as _;

use sockeye_address::escape::escape;
use sockeye_privilege::Names;
use sockeye_socket::{Connection, Credentials};

/// A client and what the kernel says of it.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    /// The how-many-th client it is, from 1.
    pub number: u64,
    /// What the kernel vouches for.
    pub credentials: Option<Credentials>,
    /// Name of the process, while it can be read.
    pub process: Option<String>,
    /// Name of the user.
    pub user: Option<String>,
}

impl Peer {
    /// Asks the kernel, once.
    pub(crate) fn of(connection: &Connection, number: u64, names: &mut Names) -> Self {
        Peer::known_by(connection.credentials().ok(), number, names)
    }

    /// Looks up the names that belong to what the kernel said of it.
    pub(crate) fn known_by(
        credentials: Option<Credentials>,
        number: u64,
        names: &mut Names,
    ) -> Self {
        let process = credentials.and_then(|peer| peer.pid).and_then(process_name);
        let user = credentials.and_then(|peer| names.user(peer.uid).map(str::to_owned));
        Peer {
            number,
            credentials,
            process,
            user,
        }
    }

    /// The short form that stands before each line: `#1 redis-cli[4242]`.
    pub(crate) fn label(&self) -> String {
        let pid = self.credentials.and_then(|peer| peer.pid);
        match (&self.process, pid) {
            (Some(process), Some(pid)) => format!("#{} {process}[{pid}]", self.number),
            (None, Some(pid)) => format!("#{} [{pid}]", self.number),
            _ => format!("#{}", self.number),
        }
    }
}

impl fmt::Display for Peer {
    /// `#1 redis-cli[4242] uid 1000 (anna)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label())?;
        if let Some(peer) = self.credentials {
            write!(f, " uid {}", peer.uid)?;
        }
        match &self.user {
            Some(user) => write!(f, " ({user})"),
            None => Ok(()),
        }
    }
}

fn process_name(pid: u32) -> Option<String> {
    let name = std::fs::read(format!("/proc/{pid}/comm")).ok()?;
    Some(escape(name.strip_suffix(b"\n").unwrap_or(&name), ""))
}

/// What a descriptor leads to, as `/proc` shows it.
pub(crate) fn target(fd: impl std::os::fd::AsFd) -> String {
    let link = format!("/proc/self/fd/{}", sockeye_socket::DescriptorNumber::of(fd));
    match std::fs::read_link(link) {
        Ok(target) => escape(target.as_os_str().as_bytes(), ""),
        Err(_) => "unknown".into(),
    }
}

//! Who is who, and where answers go.

use std::net::SocketAddr;
use std::path::Path;

use sockeye_address::Name;
use sockeye_socket::Credentials;

use crate::event::Client;

/// What makes a sender the same as before.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Unix {
        name: Name,
        /// User and group.
        owner: Option<(u32, u32)>,
        /// Where the name means something to this process only.
        pid: Option<u32>,
    },
    Network(SocketAddr),
    Unknown,
}

impl Key {
    pub(super) fn of(client: &Client) -> Self {
        match client {
            Client::Unix { name, credentials } => Key::Unix {
                name: name.clone(),
                owner: credentials.map(|who| (who.uid, who.gid)),
                pid: credentials
                    .filter(|_| own_path(name).is_some())
                    .and_then(|who| who.pid),
            },
            Client::Network(address) => Key::Network(*address),
            _ => Key::Unknown,
        }
    }
}

/// Where answers go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Unix(Name),
    Network(SocketAddr),
}

/// Why a sender cannot be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unanswerable {
    #[error("answer a sender: its socket has no name")]
    Unnamed,
    #[error("answer a sender: its name is relative, and its process cannot be seen from here")]
    Elsewhere,
}

impl Place {
    pub(super) fn of(client: &Client) -> Result<Self, Unanswerable> {
        match client {
            Client::Unix { name, credentials } => {
                reachable(name, credentials.as_ref()).map(Place::Unix)
            }
            Client::Network(address) => Ok(Place::Network(*address)),
            _ => Err(Unanswerable::Unnamed),
        }
    }
}

/// The name under which a sender's socket is found from here.
fn reachable(name: &Name, credentials: Option<&Credentials>) -> Result<Name, Unanswerable> {
    if name.is_unnamed() {
        return Err(Unanswerable::Unnamed);
    }
    let Some((folder, rest)) = own_path(name) else {
        return Ok(name.clone());
    };
    let pid = credentials
        .and_then(|who| who.pid)
        .ok_or(Unanswerable::Elsewhere)?;
    let process = Path::new("/proc").join(pid.to_string());
    Ok(Name::Path(process.join(folder).join(rest)))
}

/// A path that starts where its process is, or at what it has open: the folder of this process in `/proc`, and the rest.
/// Read here it would lead to something of this process.
fn own_path(name: &Name) -> Option<(&'static str, &Path)> {
    let path = name.as_path()?;
    if path.is_relative() {
        return Some(("cwd", path));
    }
    ["/proc/self", "/proc/thread-self"]
        .iter()
        .find_map(|own| path.strip_prefix(own).ok())
        .map(|rest| ("", rest))
}

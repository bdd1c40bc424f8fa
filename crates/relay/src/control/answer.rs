//! What is answered: one JSON document on a line.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sockeye_address::Name;

use super::VERSION;
use super::error::told;
use crate::event::Client;
use crate::handle::{Connection, Handle, Status};
use crate::shared::Phase;

/// What is answered to a request that was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Answer {
    /// What relays have done and are doing.
    Status {
        /// The process.
        pid: u32,
        /// Its relays, or the one that was named.
        relays: Vec<RelayDocument>,
    },
    /// What goes wrong on purpose, by now.
    Faults {
        /// Of which relays.
        relays: Vec<RelayFaults>,
    },
    /// A connection was cut.
    Cut {
        /// The name of its relay.
        relay: String,
        /// Its number.
        connection: u64,
    },
    /// No more clients are accepted.
    Drain {
        /// By which relays.
        relays: Vec<String>,
    },
    /// Certificates were read again.
    Reload {
        /// By which relays.
        relays: Vec<String>,
    },
    /// The listening socket comes with this answer, if there was one to give.
    HandOver {
        /// Whether it does: no if no relay listens there, or accepts no more.
        passed: bool,
        /// The file it is bound to, whose removal is now the business of whoever gets it.
        file: Option<FileDocument>,
    },
    /// Nobody serves the control socket's path any more.
    Release {},
}

/// A relay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RelayDocument {
    /// What it is called.
    pub name: String,
    /// Where clients connect.
    pub listen: String,
    /// Where they are taken.
    pub targets: Vec<String>,
    /// `serving`, `draining` or `closing`.
    pub phase: String,
    /// How long it runs.
    pub uptime_seconds: f64,
    /// Clients that were accepted, refused ones included.
    pub accepted: u64,
    /// Clients that were not let in.
    pub refused: u64,
    /// Connections that ended for another reason than their ends' wish.
    pub failed: u64,
    /// From clients to targets.
    pub up_bytes: u64,
    /// From targets to clients.
    pub down_bytes: u64,
    /// Those that are open, in the order of arrival.
    pub connections: Vec<ConnectionDocument>,
}

/// An open connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConnectionDocument {
    /// Its number.
    pub connection: u64,
    /// Who the client is.
    pub client: ClientDocument,
    /// Where it was taken; `None` before it was.
    pub target: Option<String>,
    /// How long it is open.
    pub age_seconds: f64,
    /// From the client.
    pub up_bytes: u64,
    /// To the client.
    pub down_bytes: u64,
}

/// Who a client is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientDocument {
    /// `unix`, `network`, `vsock` or `local`.
    pub r#type: String,
    /// Where it comes from; `None` for an unnamed Unix socket, and for a local one.
    pub address: Option<String>,
    /// Its process, user and group, of a Unix socket.
    pub pid: Option<u32>,
    /// See `pid`.
    pub uid: Option<u32>,
    /// See `pid`.
    pub gid: Option<u32>,
}

/// What goes wrong on purpose in a relay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelayFaults {
    /// What it is called.
    pub name: String,
    /// As they are typed, in the order in which what passes comes to them.
    pub faults: Vec<String>,
    /// Of their random numbers.
    pub seed: u64,
}

/// The file of a listening socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDocument {
    /// Its path from the root, escaped.
    pub path: String,
    /// Which file it is.
    pub device: u64,
    /// Which file it is.
    pub inode: u64,
}

impl Answer {
    /// The document that is sent: `{"version":1,"ok":…}`.
    pub fn document(&self) -> Value {
        serde_json::json!({ "version": VERSION, "ok": self })
    }

    /// As it is sent, the end of the line included.
    pub(super) fn line(&self) -> Vec<u8> {
        ended(&self.document())
    }
}

/// An error as it is sent, the end of the line included.
pub(super) fn error_line(error: &dyn std::error::Error) -> Vec<u8> {
    ended(&serde_json::json!({ "version": VERSION, "error": told(error) }))
}

fn ended(document: &Value) -> Vec<u8> {
    let mut line = document.to_string().into_bytes();
    line.push(b'\n');
    line
}

impl RelayFaults {
    pub(super) fn of(handle: &Handle) -> Self {
        let settings = handle.faults();
        RelayFaults {
            name: handle.name().to_owned(),
            faults: settings.faults.iter().map(ToString::to_string).collect(),
            seed: settings.seed,
        }
    }
}

impl From<Status> for RelayDocument {
    fn from(status: Status) -> Self {
        RelayDocument {
            name: status.name,
            listen: status.listen.to_string(),
            targets: status.targets.iter().map(ToString::to_string).collect(),
            phase: phase_word(status.phase).to_owned(),
            uptime_seconds: status.uptime.as_secs_f64(),
            accepted: status.accepted,
            refused: status.refused,
            failed: status.failed,
            up_bytes: status.up_bytes,
            down_bytes: status.down_bytes,
            connections: status.connections.into_iter().map(Into::into).collect(),
        }
    }
}

const fn phase_word(phase: Phase) -> &'static str {
    match phase {
        Phase::Serving => "serving",
        Phase::Draining => "draining",
        Phase::Closing => "closing",
    }
}

impl From<Connection> for ConnectionDocument {
    fn from(connection: Connection) -> Self {
        ConnectionDocument {
            connection: connection.id.0,
            client: connection.client.into(),
            target: connection.target.map(|target| target.to_string()),
            age_seconds: connection.age.as_secs_f64(),
            up_bytes: connection.up_bytes,
            down_bytes: connection.down_bytes,
        }
    }
}

impl From<Client> for ClientDocument {
    fn from(client: Client) -> Self {
        let at = |kind: &str, address: Option<String>| ClientDocument {
            r#type: kind.to_owned(),
            address,
            pid: None,
            uid: None,
            gid: None,
        };
        match client {
            Client::Unix { name, credentials } => ClientDocument {
                pid: credentials.and_then(|who| who.pid),
                uid: credentials.map(|who| who.uid),
                gid: credentials.map(|who| who.gid),
                ..at("unix", (name != Name::Unnamed).then(|| name.to_string()))
            },
            Client::Network(address) => at("network", Some(address.to_string())),
            Client::Vsock(cid, port) => at("vsock", Some(format!("vsock:{cid}:{port}"))),
            Client::Local => at("local", None),
        }
    }
}

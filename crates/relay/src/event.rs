//! What happened, for logs, metrics and whoever watches.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use sockeye_address::{Address, Name};
use sockeye_socket::Credentials;

use crate::fault::Direction;
use crate::pump::Refused;

/// Is told what happens. It is called from every thread of the relay, while a client waits: it must be quick.
pub trait Observer: Send + Sync {
    /// Something happened in the relay called `relay`.
    fn observe(&self, relay: &str, event: &Event<'_>);
}

impl<F: Fn(&str, &Event<'_>) + Send + Sync> Observer for F {
    fn observe(&self, relay: &str, event: &Event<'_>) {
        self(relay, event);
    }
}

/// A connection's number, from 1, in the order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Who a client is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Client {
    /// On this machine, through a Unix socket.
    Unix {
        /// The name of its socket; usually unnamed.
        name: Name,
        /// Whose it is; `None` when the kernel does not say.
        credentials: Option<Credentials>,
    },
    /// Over the network.
    Network(SocketAddr),
    /// Another machine, by vsock: context and port.
    Vsock(u32, u32),
    /// Standard input and output, a command, or a descriptor that was handed over.
    Local,
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Client::Unix { name, credentials } => {
                if *name != Name::Unnamed {
                    write!(f, "{name} ")?;
                }
                match credentials {
                    Some(who) => {
                        write!(f, "uid {} gid {}", who.uid, who.gid)?;
                        who.pid.map_or(Ok(()), |pid| write!(f, " pid {pid}"))
                    }
                    None => f.write_str("unknown"),
                }
            }
            Client::Network(address) => write!(f, "{address}"),
            Client::Vsock(context, port) => write!(f, "vsock:{context}:{port}"),
            Client::Local => f.write_str("local"),
        }
    }
}

/// What happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Clients can connect.
    Ready {
        /// Where.
        listen: &'a Address,
    },
    /// A client has come.
    Accepted {
        /// Its number.
        connection: ConnectionId,
        /// Who it is.
        client: &'a Client,
    },
    /// A client may not connect.
    Refused {
        /// Its number.
        connection: ConnectionId,
        /// Who it is.
        client: &'a Client,
        /// Why.
        reason: &'a str,
    },
    /// The client is joined to a target.
    Connected {
        /// Its number.
        connection: ConnectionId,
        /// Which target.
        target: &'a Address,
        /// How long the connect took.
        took: Duration,
    },
    /// A target could not be connected to.
    TargetFailed {
        /// The client's number.
        connection: ConnectionId,
        /// Which target.
        target: &'a Address,
        /// Why.
        error: &'a (dyn std::error::Error + 'static),
    },
    /// A connection has ended.
    Ended {
        /// Its number.
        connection: ConnectionId,
        /// How.
        report: &'a Report,
    },
    /// No further client can be accepted for now.
    Exhausted {
        /// Which limit it is.
        error: &'a (dyn std::error::Error + 'static),
    },
    /// Bytes pass.
    Passed {
        /// The client's number.
        connection: ConnectionId,
        /// From whom to whom.
        direction: Direction,
        /// The bytes.
        data: &'a [u8],
        /// How many descriptors are passed with them.
        descriptors: usize,
    },
    /// The `ssh` of a target has something to say.
    Ssh {
        /// Which target.
        target: &'a Address,
        /// What.
        notice: &'a crate::ssh::Notice<'a>,
    },
    /// Messages were lost.
    Lost {
        /// The client's number.
        connection: ConnectionId,
        /// Which way they were going.
        direction: Direction,
        /// How many.
        count: u64,
        /// Why, where that is known; otherwise they came faster than they could be passed on.
        error: Option<&'a io::Error>,
    },
    /// No further client is accepted; those that are connected may finish.
    Draining {
        /// How many they are.
        connections: usize,
    },
}

/// How a connection ended.
#[derive(Debug)]
pub struct Report {
    /// From the client to the target.
    pub up_bytes: u64,
    /// From the target to the client.
    pub down_bytes: u64,
    /// How long it lasted, from accept on.
    pub lasted: Duration,
    /// Why it ended.
    pub end: End,
}

/// Why a connection ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum End {
    /// The client may not connect.
    Refused,
    /// Both ends have said all.
    Complete,
    /// One closed while the other had something left to say.
    HungUp(Direction),
    /// One reset the connection: it closed with something unread.
    Reset(Direction),
    /// A sender of messages, who never says that it has gone, has sent none for a while.
    Silent,
    /// Nothing moved for as long as was allowed.
    Idle,
    /// Descriptors were passed that cannot go on.
    Descriptors(Direction, Refused),
    /// No target could be connected to.
    NoTarget,
    /// One end has messages, the other has not, and no framing was said.
    Unframed,
    /// A fault that was asked for.
    Fault,
    /// The relay stopped before the connection had ended.
    Stopped,
    /// It was cut through the control socket.
    Cut,
    /// TLS with the client or the target failed.
    Tls(Direction, crate::tls::PeerError),
    /// The framing of what came from the one or the other is broken.
    Framing(Direction, Box<dyn std::error::Error + Send + Sync>),
    /// Something failed.
    Failed(io::Error),
}

impl End {
    /// Whether it ended for another reason than the wish of its ends, or of who runs the relay.
    pub fn is_failure(&self) -> bool {
        match self {
            End::Complete
            | End::Silent
            | End::HungUp(_)
            | End::Stopped
            | End::Cut
            | End::Fault
            | End::Refused => false,
            End::Reset(_)
            | End::Idle
            | End::Descriptors(..)
            | End::NoTarget
            | End::Unframed
            | End::Tls(..)
            | End::Framing(..)
            | End::Failed(_) => true,
        }
    }
}

//! What a relay is to do, resolved: no name is looked up and no text is read from here on.

use std::ffi::OsString;
use std::time::Duration;

use rustix::process::Rlimit;

use sockeye_address::{Address, Kind};
use sockeye_socket::{BindOptions, MAX_DESCRIPTORS};

use crate::access::Rules;
use crate::fault;
use crate::framing::Framing;

/// One relay: where clients come in, where they are taken, and on what terms.
#[derive(Debug, Clone)]
pub struct Plan {
    /// For logs, metrics and the control socket.
    pub name: String,
    /// Where clients connect.
    pub listen: Listen,
    /// Where they are taken. At least one.
    pub targets: Vec<Target>,
    /// Which target a client gets when there are several.
    pub balance: Balance,
    /// Who may connect.
    pub access: Rules,
    /// How many may be connected.
    pub limits: Limits,
    /// How long things may take.
    pub patience: Patience,
    /// What happens to passed descriptors.
    pub descriptors: Descriptors,
    /// Who the target sees at the other end.
    pub credentials: Credentials,
    /// How messages are told apart in a stream, where one end has messages and the other has not.
    pub framing: Option<Framing>,
    /// What goes wrong on purpose, from the start.
    pub faults: fault::Settings,
    /// Whether what passes is told to the observer.
    pub dump: bool,
    /// For the `ssh` of targets on other machines: see [`crate::ssh::Settings`].
    pub ssh_options: Vec<OsString>,
    /// The limit of open files of commands, where this process has raised its own.
    pub command_open_files: Option<Rlimit>,
}

impl Plan {
    /// Everybody may connect, as many as want; descriptors pass; nothing goes wrong on purpose.
    pub fn new(name: impl Into<String>, listen: Listen, targets: Vec<Target>) -> Self {
        Plan {
            name: name.into(),
            listen,
            targets,
            balance: Balance::default(),
            access: Rules::default(),
            limits: Limits::default(),
            patience: Patience::default(),
            descriptors: Descriptors::Pass {
                most: MAX_DESCRIPTORS,
            },
            credentials: Credentials::default(),
            framing: None,
            faults: fault::Settings::default(),
            dump: false,
            ssh_options: Vec::new(),
            command_open_files: None,
        }
    }

    /// Whether bytes or messages pass, to say which faults suit.
    pub fn passing(&self) -> fault::Passing {
        match self.listen.address.traits().keeps_boundaries {
            _ if matches!(self.listen.address, Address::Unix(_)) => {
                if self.listen.kind.keeps_boundaries() {
                    fault::Passing::Messages
                } else {
                    fault::Passing::Bytes
                }
            }
            Some(true) => fault::Passing::Messages,
            _ => fault::Passing::Bytes,
        }
    }
}

/// Where clients come in.
#[derive(Debug, Clone)]
pub struct Listen {
    /// As typed, well-known names resolved to the socket that is meant.
    pub address: Address,
    /// The kind of a Unix socket.
    pub kind: Kind,
    /// How a Unix socket is made.
    pub bind: BindOptions,
}

/// Where a client is taken.
#[derive(Debug, Clone)]
pub struct Target {
    /// As typed, well-known names resolved to the socket that is meant.
    pub address: Address,
}

/// Which target a client gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Balance {
    /// Each in turn; one that cannot be connected is passed over.
    #[default]
    RoundRobin,
    /// The first that can be connected.
    FirstAlive,
}

/// How many may be connected at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// In all; further ones wait in the queue of the listener.
    pub max_clients: Option<usize>,
    /// Of one user; further ones are refused.
    pub max_per_uid: Option<usize>,
}

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For one attempt to connect to a target.
    pub connect: Duration,
    /// Further attempts, over all targets.
    pub retries: u32,
    /// Between attempts.
    pub retry_interval: Duration,
    /// A connection on which nothing moves is closed; `None`: never.
    pub idle: Option<Duration>,
    /// A connection of which one direction has ended, and nothing moves in the other, is closed; `None`: never.
    pub half_closed: Option<Duration>,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            connect: Duration::from_secs(5),
            retries: 0,
            retry_interval: Duration::from_secs(1),
            idle: None,
            half_closed: None,
        }
    }
}

/// What happens to descriptors that a client or a target passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Descriptors {
    /// They arrive with their bytes, where both ends are Unix sockets.
    Pass {
        /// More with one message end the connection.
        most: usize,
    },
    /// They end the connection.
    Refuse,
}

/// Who the target sees at the other end (`SO_PEERCRED`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Credentials {
    /// This process.
    #[default]
    Own,
    /// The client's user and groups. Needs `CAP_SETUID` and `CAP_SETGID`.
    Client,
}

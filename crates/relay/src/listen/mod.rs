//! Where clients come in.

mod door;
mod inherited;
mod tcp;
mod unix;
mod vsock;

use std::io;
use std::os::fd::OwnedFd;

use sockeye_address::{Address, Kind};

use crate::access::{Needs, Peer};
use crate::datagram::{self, Arrival, Inbox, Session};
use crate::end::socket::Speech;
use crate::event::Client;
use crate::handle::HandedOver;
use crate::plan::Plan;
use crate::target::Targets;
use crate::target::exec::Situation;
use crate::{target, tls};

use door::{Door, WatchedDoor};
pub(crate) use inherited::inherited;

/// Why a relay cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// On a Unix socket.
    #[error(transparent)]
    Unix(#[from] sockeye_socket::Error),
    /// On a network address.
    #[error("listen on {address}")]
    Network {
        /// The address.
        address: Box<Address>,
        /// What the kernel, or the name service, said.
        source: io::Error,
    },
    /// A descriptor that was handed over is not fit to listen on.
    #[error("listen on {address}: {problem}")]
    Inherited {
        /// The address.
        address: Box<Address>,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The one client cannot be had.
    #[error(transparent)]
    Once(#[from] target::Error),
    /// Relays cannot listen on this kind of address.
    #[error("listen on {0}: a relay cannot listen on this kind of address")]
    Unsuitable(Box<Address>),
}

/// A client that has come.
pub(crate) struct Incoming {
    pub(crate) end: IncomingEnd,
    pub(crate) client: Client,
    /// What the access rules must know; `None` where the kernel does not tell.
    pub(crate) peer: Option<Result<Peer, sockeye_socket::Error>>,
    /// Its groups, if anybody needs them.
    pub(crate) groups: Vec<u32>,
}

/// The end of a client, before it is on its thread.
pub(crate) enum IncomingEnd {
    Socket(OwnedFd, Speech),
    Session(Box<Session>),
    /// Standard input and output, or a command.
    Reached(Box<target::Reached>),
}

impl Incoming {
    /// A client of which nothing is known but its socket.
    pub(crate) fn unknown(fd: OwnedFd, speech: Speech, client: Client) -> Self {
        Incoming {
            end: IncomingEnd::Socket(fd, speech),
            client,
            peer: None,
            groups: Vec::new(),
        }
    }

    pub(crate) fn uid(&self) -> Option<u32> {
        match &self.client {
            Client::Unix { credentials, .. } => credentials.map(|who| who.uid),
            _ => None,
        }
    }
}

/// What became of an attempt to accept.
pub(crate) enum Knock {
    /// A client.
    Client(Box<Incoming>),
    /// No descriptor or memory is left; the client keeps waiting.
    Exhausted(io::Error),
    /// A sender of messages that finds as many as may be.
    TurnedAway(Client),
    /// There was one client, and there will be no other.
    NoMore,
}

/// Where clients come in.
pub(crate) enum Entrance {
    /// A listening socket.
    Door(WatchedDoor),
    /// A socket that messages come to, from anybody.
    Inbox(Box<Inbox>),
    /// One client.
    Once(Option<Box<Incoming>>),
}

impl Entrance {
    pub(crate) fn open(plan: &Plan, targets: &Targets) -> Result<Self, Error> {
        let listen = &plan.listen;
        let door = match &listen.address {
            Address::Udp(_) => return Entrance::inbox(plan),
            Address::Unix(_) if listen.kind == Kind::Datagram => return Entrance::inbox(plan),
            Address::Unix(address) => unix::open(address, listen)?,
            Address::Tcp(network) | Address::Tls(network) => {
                tcp::open(network).map_err(|source| network_error(&listen.address, source))?
            }
            Address::Vsock(address) => {
                vsock::open(address).map_err(|source| network_error(&listen.address, source))?
            }
            Address::Descriptor(_) | Address::Activation(_) => return inherited::open(plan),
            Address::Stdio | Address::Exec(_) => {
                let reached = targets.once(&listen.address, Situation::default())?;
                return Ok(Entrance::Once(Some(Box::new(Incoming {
                    end: IncomingEnd::Reached(Box::new(reached)),
                    client: Client::Local,
                    peer: None,
                    groups: Vec::new(),
                }))));
            }
            other => return Err(Error::Unsuitable(Box::new(other.clone()))),
        };
        Entrance::at(door, &listen.address)
    }

    pub(crate) fn adopt(plan: &Plan, handed: HandedOver) -> Result<Self, Error> {
        inherited::adopt(plan, handed)
    }

    fn inbox(plan: &Plan) -> Result<Self, Error> {
        let inbox = Inbox::open(&plan.listen, inbox_terms(plan))?;
        Ok(Entrance::Inbox(Box::new(inbox)))
    }

    fn at(door: Door, address: &Address) -> Result<Self, Error> {
        let watched = WatchedDoor::new(door).map_err(|source| network_error(address, source))?;
        Ok(Entrance::Door(watched))
    }

    /// Waits for a client.
    pub(crate) async fn next(&mut self, needs: &Needs) -> io::Result<Knock> {
        match self {
            Entrance::Door(door) => door.accept(needs).await,
            Entrance::Inbox(inbox) => sender(inbox).await,
            Entrance::Once(client) => Ok(client.take().map_or(Knock::NoMore, Knock::Client)),
        }
    }

    /// The plan with the port that the kernel has chosen, where it was asked to choose one.
    pub(crate) fn announced(&self, mut plan: Plan) -> Plan {
        let chosen = match self {
            Entrance::Door(door) => door.port(),
            Entrance::Inbox(inbox) => inbox.local_port(),
            Entrance::Once(_) => None,
        };
        if let (Address::Tcp(network) | Address::Tls(network) | Address::Udp(network), Some(port)) =
            (&mut plan.listen.address, chosen)
        {
            network.place.port = port;
        }
        plan
    }

    /// Whether further clients wait in a queue of their own until they are accepted. Messages without a connection do
    /// not: they share one queue with those of clients that are there.
    pub(crate) const fn queues(&self) -> bool {
        !matches!(self, Entrance::Inbox(_))
    }

    /// No further client is let in; what serves those that are there goes on until they have left.
    pub(crate) async fn close(self) {
        if let Entrance::Inbox(mut inbox) = self {
            // A socket that fails now has nobody left to disappoint.
            let _ = inbox.drain().await;
        }
    }

    /// Gives the listening socket away.
    pub(crate) fn hand_over(self) -> Option<HandedOver> {
        match self {
            Entrance::Door(door) => Some(door.hand_over()),
            Entrance::Inbox(inbox) => {
                let file = inbox.file_identity();
                Some(HandedOver {
                    fd: inbox.hand_over(),
                    file,
                })
            }
            Entrance::Once(_) => None,
        }
    }
}

async fn sender(inbox: &mut Inbox) -> io::Result<Knock> {
    let session = match inbox.next().await? {
        Arrival::Session(session) => session,
        Arrival::TurnedAway(client) => return Ok(Knock::TurnedAway(client)),
        Arrival::Exhausted(error) => return Ok(Knock::Exhausted(error)),
    };
    let peer = session
        .credentials()
        .map(|who| Ok(Peer::from_credentials(who.pid, who.uid, who.gid)));
    Ok(Knock::Client(Box::new(Incoming {
        client: session.client().clone(),
        end: IncomingEnd::Session(Box::new(session)),
        peer,
        groups: Vec::new(),
    })))
}

fn inbox_terms(plan: &Plan) -> datagram::Terms {
    let terms = datagram::Terms::default();
    datagram::Terms {
        most_sessions: plan.limits.max_clients.unwrap_or(terms.most_sessions),
    }
}

/// What a listener that speaks TLS shows and demands.
pub(crate) fn server_of(address: &Address) -> Result<Option<tls::Server>, tls::LoadError> {
    match address {
        Address::Tls(network) => tls::Server::load(&network.options.tls).map(Some),
        _ => Ok(None),
    }
}

fn network_error(address: &Address, source: io::Error) -> Error {
    Error::Network {
        address: Box::new(address.clone()),
        source,
    }
}

//! A running relay, seen and changed from outside.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sockeye_address::Address;
use sockeye_socket::FileIdentity;
use tokio::sync::{mpsc, oneshot};

use crate::event::{Client, ConnectionId};
use crate::fault;
use crate::shared::{CLOSING, CUT, FAULTS, Live, Phase, Shared};
use crate::tls;

/// A running relay, seen and changed from outside. Clones are of the same relay.
#[derive(Clone)]
pub struct Handle {
    pub(crate) shared: Arc<Shared>,
    pub(crate) requests: mpsc::UnboundedSender<Request>,
}

/// What is asked of the accept loop.
pub(crate) enum Request {
    /// Stop accepting, let clients finish.
    Drain,
    /// Stop accepting and give the listening socket away.
    HandOver(oneshot::Sender<Option<HandedOver>>),
}

/// A listening socket on its way to another process.
#[derive(Debug)]
pub struct HandedOver {
    /// The socket.
    pub fd: OwnedFd,
    /// The file it is bound to, which the other process removes at its end.
    pub file: Option<FileIdentity>,
}

/// What a relay has done and is doing.
#[derive(Debug, Clone)]
pub struct Status {
    /// Its name.
    pub name: String,
    /// Where clients connect.
    pub listen: Address,
    /// Where they are taken.
    pub targets: Vec<Address>,
    /// How far it is.
    pub phase: Phase,
    /// How long it runs.
    pub uptime: Duration,
    /// Clients that were accepted, refused ones included.
    pub accepted: u64,
    /// Clients that were not let in.
    pub refused: u64,
    /// Connections that ended for another reason than their ends' wish.
    pub failed: u64,
    /// From clients to targets, by ended and open connections.
    pub up_bytes: u64,
    /// From targets to clients.
    pub down_bytes: u64,
    /// Those that are open, in the order of arrival.
    pub connections: Vec<Connection>,
}

/// What a relay has done, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Connections that are open.
    pub open: u64,
    /// Clients that were accepted, refused ones included.
    pub accepted: u64,
    /// Clients that were not let in.
    pub refused: u64,
    /// Connections that ended for another reason than their ends' wish.
    pub failed: u64,
    /// From clients to targets, by ended and open connections.
    pub up_bytes: u64,
    /// From targets to clients.
    pub down_bytes: u64,
}

/// An open connection.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Its number.
    pub id: ConnectionId,
    /// Who the client is.
    pub client: Client,
    /// Where it was taken; `None` before it was.
    pub target: Option<Address>,
    /// How long it is open.
    pub age: Duration,
    /// From the client.
    pub up_bytes: u64,
    /// To the client.
    pub down_bytes: u64,
}

impl Connection {
    fn of(live: &Live, shared: &Shared) -> Self {
        let place = live.target.load(Ordering::Relaxed).checked_sub(1);
        Connection {
            id: live.id,
            client: live.client.clone(),
            target: place
                .and_then(|place| shared.plan.targets.get(place))
                .map(|target| target.address.clone()),
            age: live.since.elapsed(),
            up_bytes: live.up_bytes.load(Ordering::Relaxed),
            down_bytes: live.down_bytes.load(Ordering::Relaxed),
        }
    }
}

impl Handle {
    /// The relay's name.
    pub fn name(&self) -> &str {
        &self.shared.plan.name
    }

    /// Where its clients connect.
    pub fn listen(&self) -> &Address {
        &self.shared.plan.listen.address
    }

    /// What it has done and is doing.
    pub fn status(&self) -> Status {
        let shared = &self.shared;
        let (totals, mut connections) = {
            let live = shared.live();
            let connections: Vec<Connection> = live
                .values()
                .map(|live| Connection::of(live, shared))
                .collect();
            (self.totals_with(live.values()), connections)
        };
        connections.sort_unstable_by_key(|connection| connection.id);
        Status {
            name: shared.plan.name.clone(),
            listen: shared.plan.listen.address.clone(),
            targets: shared
                .plan
                .targets
                .iter()
                .map(|target| target.address.clone())
                .collect(),
            phase: *shared.phase.borrow(),
            uptime: shared.began.elapsed(),
            accepted: totals.accepted,
            refused: totals.refused,
            failed: totals.failed,
            up_bytes: totals.up_bytes,
            down_bytes: totals.down_bytes,
            connections,
        }
    }

    /// The figures of [`Self::status`] without the connections, cheap with thousands of them.
    pub fn totals(&self) -> Totals {
        self.totals_with(self.shared.live().values())
    }

    fn totals_with<'a>(&self, open: impl Iterator<Item = &'a Arc<Live>>) -> Totals {
        let ended = &self.shared.totals;
        let mut totals = Totals {
            open: 0,
            accepted: ended.accepted.load(Ordering::Relaxed),
            refused: ended.refused.load(Ordering::Relaxed),
            failed: ended.failed.load(Ordering::Relaxed),
            up_bytes: ended.up_bytes.load(Ordering::Relaxed),
            down_bytes: ended.down_bytes.load(Ordering::Relaxed),
        };
        for live in open {
            totals.open += 1;
            totals.up_bytes += live.up_bytes.load(Ordering::Relaxed);
            totals.down_bytes += live.down_bytes.load(Ordering::Relaxed);
        }
        totals
    }

    /// What goes wrong on purpose.
    pub fn faults(&self) -> Arc<fault::Settings> {
        Arc::clone(&self.shared.faults.borrow())
    }

    /// Changes what goes wrong on purpose, on open connections, too.
    ///
    /// # Errors
    /// A fault does not suit what passes here.
    pub fn set_faults(&self, settings: fault::Settings) -> Result<(), fault::Unsuitable> {
        settings.check(self.shared.plan.passing())?;
        self.shared.faults.send_replace(Arc::new(settings));
        self.shared.tell_connections(FAULTS);
        Ok(())
    }

    /// Cuts a connection; `false` when there is none of this number.
    pub fn cut(&self, connection: ConnectionId) -> bool {
        let live = self.shared.live().get(&connection).cloned();
        live.inspect(|live| live.tell(CUT)).is_some()
    }

    /// Cuts all connections.
    pub fn cut_all(&self) {
        self.shared.tell_connections(CLOSING);
    }

    /// Stops accepting; those that are connected may finish.
    pub fn drain(&self) {
        // The relay has ended if it does not listen, which is what was asked for.
        let _ = self.requests.send(Request::Drain);
    }

    /// Stops accepting and gives the listening socket away, with whoever waits in its queue; `None` when the relay
    /// accepts no more, or has no listening socket to give.
    pub async fn hand_over(&self) -> Option<HandedOver> {
        let (sender, receiver) = oneshot::channel();
        self.requests.send(Request::HandOver(sender)).ok()?;
        receiver.await.ok()?
    }

    /// Reads certificates again, for new connections.
    ///
    /// # Errors
    /// Files that are no good; everything stays as it was then.
    pub fn reload(&self) -> Result<(), tls::LoadError> {
        if let Some(server) = &self.shared.tls {
            server.reload()?;
        }
        self.shared.targets.reload()
    }
}

//! A relay: its listening socket, and the loop that accepts.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sockeye_address::Address;
use tokio::sync::{mpsc, oneshot};

use crate::access::Seat;
use crate::connection;
use crate::event::{Client, End, Event, Observer};
use crate::handle::{HandedOver, Handle, Request};
use crate::listen::{self, Entrance, Incoming, Knock};
use crate::plan::Plan;
use crate::shared::{CLOSING, Live, Parts, Phase, Shared};
use crate::target::Targets;
use crate::tls;
use crate::worker::Workers;

/// Why a relay cannot run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It cannot listen.
    #[error(transparent)]
    Listen(#[from] listen::Error),
    /// A certificate, its key or authorities cannot be used.
    #[error(transparent)]
    Tls(#[from] tls::LoadError),
    /// Its threads cannot be started, or its socket not be watched.
    #[error("set up a relay")]
    SetUp(#[source] io::Error),
    /// Not all that was for standard output could be written there.
    #[error("write standard output")]
    Output(#[source] io::Error),
    /// Its listening socket failed.
    #[error("accept on {address}")]
    Accept {
        /// The address.
        address: Box<Address>,
        /// What the kernel said.
        source: io::Error,
    },
}

/// After a limit of the process or the machine was met, this long until the next attempt to accept.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(50);

/// A relay that accepts clients.
pub struct Relay {
    shared: Arc<Shared>,
    entrance: Entrance,
    sender: mpsc::UnboundedSender<Request>,
    requests: mpsc::UnboundedReceiver<Request>,
}

impl Relay {
    /// Opens the address; from now on clients can connect. To be called on a tokio runtime.
    ///
    /// # Errors
    /// The address cannot be opened, or certificates cannot be used. Targets are not looked at: they may come later.
    pub fn open(
        plan: Plan,
        workers: Arc<Workers>,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, Error> {
        Relay::begin(plan, workers, observer, Entrance::open)
    }

    /// Whether [`Self::open`] and [`Self::adopt`] would find fault with more than the address: to be asked before another
    /// process is asked to give its socket away.
    ///
    /// # Errors
    /// Certificates that cannot be used.
    pub fn check(plan: &Plan) -> Result<(), Error> {
        listen::server_of(&plan.listen.address)?;
        Targets::ready(plan, None)?;
        Ok(())
    }

    /// Goes on with the listening socket of another process.
    ///
    /// # Errors
    /// As [`Self::open`], and when the socket is not of the kind that the plan says.
    pub fn adopt(
        plan: Plan,
        handed: HandedOver,
        workers: Arc<Workers>,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, Error> {
        let enter = |plan: &Plan, _: &Targets| Entrance::adopt(plan, handed);
        Relay::begin(plan, workers, observer, enter)
    }

    /// Certificates and targets first: whatever is wrong with them, nobody has come in yet.
    fn begin(
        plan: Plan,
        workers: Arc<Workers>,
        observer: Arc<dyn Observer>,
        enter: impl FnOnce(&Plan, &Targets) -> Result<Entrance, listen::Error>,
    ) -> Result<Self, Error> {
        let tls = listen::server_of(&plan.listen.address)?;
        let targets = Targets::ready(&plan, Some(&observer))?;
        let entrance = enter(&plan, &targets)?;
        let (sender, requests) = mpsc::unbounded_channel();
        let shared = Shared::new(Parts {
            plan: entrance.announced(plan),
            observer,
            workers,
            targets,
            tls,
        });
        Ok(Relay {
            shared: Arc::new(shared),
            entrance,
            sender,
            requests,
        })
    }

    /// To see and change it while it runs.
    pub fn handle(&self) -> Handle {
        Handle {
            shared: Arc::clone(&self.shared),
            requests: self.sender.clone(),
        }
    }

    /// Accepts clients until `stop` is done or it is told to drain, then lets those that are connected finish, for as
    /// long as `drain`. What is left then is cut.
    ///
    /// # Errors
    /// The listening socket failed. Clients and targets that fail are told to the observer and end nothing.
    pub async fn serve(self, stop: impl Future<Output = ()>, drain: Duration) -> Result<(), Error> {
        let Relay {
            shared,
            mut entrance,
            sender: _sender,
            mut requests,
        } = self;
        shared.targets.start();
        shared.tell(&Event::Ready {
            listen: &shared.plan.listen.address,
        });
        let stopped = {
            let accepting = accept_all(&shared, &mut entrance);
            let asked = next_request(&mut requests);
            tokio::select! {
                result = accepting => Stopped::Accept(result),
                request = asked => Stopped::Asked(request),
                () = stop => Stopped::Asked(Request::Drain),
            }
        };
        drop(requests); // whoever asks now is told that it is over
        let (result, rest) = match stopped {
            Stopped::Accept(result) => (result, Some(entrance)),
            Stopped::Asked(Request::Drain) => (Ok(()), Some(entrance)),
            Stopped::Asked(Request::HandOver(answer)) => {
                give(entrance, answer);
                (Ok(()), None)
            }
        };
        let close = async {
            if let Some(entrance) = rest {
                entrance.close().await;
            }
        };
        tokio::join!(close, finish(&shared, drain));
        let written = shared.targets.end().await.map_err(Error::Output);
        result.and(written)
    }
}

/// Why no more clients are accepted.
enum Stopped {
    /// There are no more, or the socket failed.
    Accept(Result<(), Error>),
    Asked(Request),
}

async fn next_request(requests: &mut mpsc::UnboundedReceiver<Request>) -> Request {
    match requests.recv().await {
        Some(request) => request,
        None => std::future::pending().await,
    }
}

fn give(entrance: Entrance, answer: oneshot::Sender<Option<HandedOver>>) {
    // Whoever asked and left gets nothing: the socket is closed then, as it would have been by them.
    let _ = answer.send(entrance.hand_over());
}

async fn finish(shared: &Shared, drain: Duration) {
    shared.phase.send_if_modified(|phase| {
        let first = *phase < Phase::Draining;
        *phase = (*phase).max(Phase::Draining);
        first
    });
    let connections = shared.live().len();
    if connections > 0 {
        shared.tell(&Event::Draining { connections });
    }
    let _ = tokio::time::timeout(drain, shared.emptied()).await;
    shared.phase.send_replace(Phase::Closing);
    shared.tell_connections(CLOSING);
    shared.emptied().await;
}

async fn accept_all(shared: &Arc<Shared>, entrance: &mut Entrance) -> Result<(), Error> {
    loop {
        let seat = if entrance.queues() {
            Some(shared.occupancy.reserve().await)
        } else {
            None
        };
        let knock = entrance
            .next(&shared.needs)
            .await
            .map_err(|source| Error::Accept {
                address: Box::new(shared.plan.listen.address.clone()),
                source,
            })?;
        match knock {
            Knock::Client(incoming) => {
                match seat.map_or_else(|| shared.occupancy.try_reserve(), Ok) {
                    Ok(seat) => admit(shared, *incoming, seat),
                    Err(full) => turn_away(shared, incoming.client, &full.to_string()),
                }
            }
            Knock::TurnedAway(client) => turn_away(shared, client, "too many senders"),
            Knock::Exhausted(error) => {
                shared.tell(&Event::Exhausted { error: &error });
                tokio::time::sleep(EXHAUSTED_PAUSE).await;
            }
            Knock::NoMore => {
                shared.emptied().await;
                return Ok(());
            }
        }
    }
}

/// Lets a client in, or not.
fn admit(shared: &Arc<Shared>, incoming: Incoming, seat: Seat) {
    let live = shared.enter(incoming.client.clone());
    let refused = match judge(shared, &incoming, live.id.0) {
        Ok(()) => match seat.claim(incoming.uid()) {
            Ok(seat) => {
                shared.tell(&Event::Accepted {
                    connection: live.id,
                    client: &live.client,
                });
                let task = connection::serve(Arc::clone(shared), live, incoming, seat);
                shared.workers.spawn(task);
                return;
            }
            Err(full) => full.to_string(),
        },
        Err(reason) => reason,
    };
    refuse(shared, &live, &refused);
}

fn turn_away(shared: &Shared, client: Client, reason: &str) {
    let live = shared.enter(client);
    refuse(shared, &live, reason);
}

fn refuse(shared: &Shared, live: &Live, reason: &str) {
    shared.totals.refused.fetch_add(1, Ordering::Relaxed);
    shared.tell(&Event::Refused {
        connection: live.id,
        client: &live.client,
        reason,
    });
    connection::finish(shared, live, End::Refused);
}

fn judge(shared: &Shared, incoming: &Incoming, number: u64) -> Result<(), String> {
    if shared.faults.borrow().refuses(number) {
        return Err("fault refuse".to_owned());
    }
    if shared.plan.access.is_empty() {
        return Ok(());
    }
    let peer = match &incoming.peer {
        Some(Ok(peer)) => peer,
        Some(Err(error)) => return Err(error.to_string()),
        None => return Err("this listener does not tell who connects".to_owned()),
    };
    let verdict = shared.plan.access.judge(peer);
    if verdict.is_admitted() {
        Ok(())
    } else {
        Err(verdict.to_string())
    }
}

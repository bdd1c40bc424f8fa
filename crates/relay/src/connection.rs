//! The life of one client: let in, taken to a target, joined to it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::{Duration, Instant};

use sockeye_address::Address;
use sockeye_socket::Credentials as PeerCredentials;
use tokio::net::TcpStream;

use crate::access::Seat;
use crate::end::Leg;
use crate::end::socket::Socket;
use crate::event::{Client, End, Event, Report};
use crate::fault::Direction;
use crate::listen::{Incoming, IncomingEnd};
use crate::plan::{Balance, Credentials, Descriptors};
use crate::pump::{self, Activity, Identity, Terms};
use crate::shared::{CLOSING, CUT, Live, Shared};
use crate::target::exec::Situation;
use crate::target::{OnBehalf, Reached};

/// A session of messages ends when nothing passes for so long, unless something else is said.
const SESSION: Duration = Duration::from_mins(1);

/// A TLS client must have shown who it is by then.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Serves a client to its end, and says how it was.
pub(crate) async fn serve(shared: Arc<Shared>, live: Arc<Live>, incoming: Incoming, seat: Seat) {
    let end = unless_cut(&live, relay(&shared, &live, incoming)).await;
    // The seat is free before the observer hears of it.
    drop(seat);
    finish(&shared, &live, end);
}

/// Does the work of a connection until it is cut.
async fn unless_cut(live: &Live, work: impl Future<Output = End>) -> End {
    tokio::pin!(work);
    let mut attended = false;
    std::future::poll_fn(|context| {
        if !attended {
            live.attend(context.waker()); // a task keeps its waker
            attended = true;
        }
        match live.hears(CUT | CLOSING) {
            0 => work.as_mut().poll(context),
            CUT => Poll::Ready(End::Cut),
            _ => Poll::Ready(End::Stopped),
        }
    })
    .await
}

/// Says how a connection ended.
pub(crate) fn finish(shared: &Shared, live: &Live, end: End) {
    let report = Report {
        up_bytes: live.up_bytes.load(Ordering::Relaxed),
        down_bytes: live.down_bytes.load(Ordering::Relaxed),
        lasted: live.since.elapsed(),
        end,
    };
    shared.tell(&Event::Ended {
        connection: live.id,
        report: &report,
    });
    shared.leave(live, &report);
}

async fn relay(shared: &Shared, live: &Live, incoming: Incoming) -> End {
    let credentials = match &incoming.client {
        Client::Unix { credentials, .. } => *credentials,
        _ => None,
    };
    let groups = incoming.groups;
    // Boxed: what is large while a connection is made is not kept while it lasts.
    let client = match Box::pin(client_leg(shared, incoming.end)).await {
        Ok(client) => client,
        Err(end) => return end,
    };
    let on_behalf = match (shared.plan.credentials, credentials) {
        (Credentials::Client, Some(who)) => Some(OnBehalf { who, groups }),
        _ => None,
    };
    let reached = tokio::select! {
        biased;
        reached = Box::pin(reach(shared, live, on_behalf.as_ref())) => reached,
        () = client.has_left() => return End::HungUp(Direction::Up),
    };
    let Some(reached) = reached else {
        return End::NoTarget;
    };
    let target = match leg(reached) {
        Ok(reached) => reached,
        Err(end) => return end,
    };
    if client.has_messages() != target.has_messages() && shared.plan.framing.is_none() {
        return End::Unframed;
    }
    let passes = client.passes_descriptors() && target.passes_descriptors();
    let terms = Terms {
        shared,
        connection: live.id,
        descriptors: if passes {
            shared.plan.descriptors
        } else {
            Descriptors::Refuse
        },
        identity: on_behalf
            .filter(|_| target.passes_descriptors())
            .map(|behalf| identity(behalf.who)),
        activity: activity(shared, &client),
    };
    let began = Instant::now();
    let end = pump::join(client, target, &terms, live).await;
    explain_silence(shared, live, began);
    end
}

/// Senders of messages without a connection never say that they have gone.
fn activity(shared: &Shared, client: &Leg) -> Option<Activity> {
    let patience = shared.plan.patience;
    let idle = match client {
        Leg::Session(_) => Some(patience.idle.unwrap_or(SESSION)),
        _ => patience.idle,
    };
    Activity::new(idle, patience.half_closed)
}

/// ssh says only on the side that a socket over there could not be opened.
fn explain_silence(shared: &Shared, live: &Live, began: Instant) {
    if live.down_bytes.load(Ordering::Relaxed) > 0 {
        return;
    }
    let place = live.target.load(Ordering::Relaxed).saturating_sub(1);
    let (Some(reason), Some(target)) = (
        shared.targets.refused_since(place, began),
        shared.plan.targets.get(place),
    ) else {
        return;
    };
    shared.tell(&Event::TargetFailed {
        connection: live.id,
        target: &target.address,
        error: &std::io::Error::other(reason),
    });
}

/// A client of another process namespace may have no number in ours; its user it has all the same.
fn identity(who: PeerCredentials) -> Identity {
    let pid = who.pid.and_then(|pid| i32::try_from(pid).ok());
    let pid = pid.and_then(rustix::process::Pid::from_raw);
    Identity(rustix::net::UCred {
        pid: pid.unwrap_or_else(rustix::process::getpid),
        uid: rustix::process::Uid::from_raw(who.uid),
        gid: rustix::process::Gid::from_raw(who.gid),
    })
}

async fn client_leg(shared: &Shared, end: IncomingEnd) -> Result<Leg, End> {
    match (end, &shared.tls) {
        (IncomingEnd::Socket(fd, _), Some(server)) => {
            let stream = tcp_stream(fd).map_err(End::Failed)?;
            let stream = server.accept(stream, HANDSHAKE).await;
            let stream = stream.map_err(|error| End::Tls(Direction::Up, error))?;
            Ok(Leg::Tls(Box::new(stream)))
        }
        (IncomingEnd::Socket(fd, speech), None) => {
            let socket = Socket::new(fd, speech).map_err(End::Failed)?;
            Ok(Leg::Socket(socket))
        }
        (IncomingEnd::Session(session), _) => Ok(Leg::Session(*session)),
        (IncomingEnd::Reached(reached), _) => leg(*reached),
    }
}

/// A connected TCP socket, for TLS.
fn tcp_stream(fd: std::os::fd::OwnedFd) -> std::io::Result<TcpStream> {
    let stream = std::net::TcpStream::from(fd);
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)?;
    TcpStream::from_std(stream)
}

fn leg(reached: Reached) -> Result<Leg, End> {
    match reached {
        Reached::Socket { fd, speech } => {
            let socket = Socket::new(fd, speech).map_err(End::Failed)?;
            Ok(Leg::Socket(socket))
        }
        Reached::Tls(stream) => Ok(Leg::Tls(stream)),
    }
}

/// Connects to the first target that can be connected to, beginning with the one whose turn it is.
async fn reach(shared: &Shared, live: &Live, behalf: Option<&OnBehalf>) -> Option<Reached> {
    let plan = &shared.plan;
    let turn = match plan.balance {
        Balance::FirstAlive => 0,
        Balance::RoundRobin => shared.turn.fetch_add(1, Ordering::Relaxed),
    };
    let situation = Situation {
        address: Some(&plan.listen.address),
        kind: match plan.listen.address {
            Address::Unix(_) => Some(plan.listen.kind),
            _ => None,
        },
        number: Some(live.id.0),
        client: Some(&live.client),
    };
    let retries = shared.targets.retries(plan.patience);
    for attempt in 0..=retries {
        if attempt > 0 {
            tokio::time::sleep(shared.targets.retry_interval(plan.patience)).await;
        }
        for place in shared.targets.order(turn) {
            let Some(target) = plan.targets.get(place) else {
                continue;
            };
            let began = Instant::now();
            match shared
                .targets
                .connect(place, plan.patience, behalf, situation)
                .await
            {
                Ok(reached) => {
                    live.target.store(place + 1, Ordering::Relaxed);
                    shared.tell(&Event::Connected {
                        connection: live.id,
                        target: &target.address,
                        took: began.elapsed(),
                    });
                    return Some(reached);
                }
                Err(error) => shared.tell(&Event::TargetFailed {
                    connection: live.id,
                    target: &target.address,
                    error: &error,
                }),
            }
        }
    }
    None
}

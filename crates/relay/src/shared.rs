//! What the tasks of a relay share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{Notify, watch};

use crate::access::{Needs, Occupancy};
use crate::event::{Client, ConnectionId, Event, Observer, Report};
use crate::fault;
use crate::plan::{Credentials, Plan};
use crate::target::Targets;
use crate::tls;
use crate::worker::Workers;

/// How far a relay is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// It accepts clients.
    Serving,
    /// It accepts no more; those that are connected may finish.
    Draining,
    /// What is still connected is cut.
    Closing,
}

pub(crate) struct Shared {
    pub(crate) plan: Plan,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) workers: Arc<Workers>,
    pub(crate) targets: Targets,
    /// Of a listener that speaks TLS.
    pub(crate) tls: Option<tls::Server>,
    pub(crate) occupancy: Occupancy,
    /// What the access rules must know of a client.
    pub(crate) needs: Needs,
    pub(crate) faults: watch::Sender<Arc<fault::Settings>>,
    pub(crate) phase: watch::Sender<Phase>,
    pub(crate) totals: Totals,
    pub(crate) turn: AtomicUsize,
    pub(crate) began: Instant,
    next: AtomicU64,
    live: Mutex<HashMap<ConnectionId, Arc<Live>>>,
    /// Told whenever the last connection has ended.
    pub(crate) empty: Notify,
}

/// What has happened so far, of connections that have ended.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) accepted: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) up_bytes: AtomicU64,
    pub(crate) down_bytes: AtomicU64,
}

/// A connection that has not ended.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) id: ConnectionId,
    pub(crate) client: Client,
    pub(crate) since: Instant,
    pub(crate) up_bytes: AtomicU64,
    pub(crate) down_bytes: AtomicU64,
    /// Which target, by its place in the plan, plus one; 0 before there is one.
    pub(crate) target: AtomicUsize,
    /// Cuts it.
    pub(crate) cut: Notify,
}

impl Shared {
    pub(crate) fn new(parts: Parts) -> Self {
        let mut needs = parts.plan.access.needs();
        // Whoever is stood in for is in their groups, too.
        needs.groups |= parts.plan.credentials == Credentials::Client;
        Shared {
            occupancy: Occupancy::new(parts.plan.limits),
            needs,
            faults: watch::Sender::new(Arc::new(parts.plan.faults.clone())),
            phase: watch::Sender::new(Phase::Serving),
            plan: parts.plan,
            observer: parts.observer,
            workers: parts.workers,
            targets: parts.targets,
            tls: parts.tls,
            totals: Totals::default(),
            turn: AtomicUsize::new(0),
            began: Instant::now(),
            next: AtomicU64::new(1),
            live: Mutex::default(),
            empty: Notify::new(),
        }
    }

    pub(crate) fn tell(&self, event: &Event<'_>) {
        self.observer.observe(&self.plan.name, event);
    }

    pub(crate) fn live(&self) -> MutexGuard<'_, HashMap<ConnectionId, Arc<Live>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a client its number.
    pub(crate) fn enter(&self, client: Client) -> Arc<Live> {
        let id = ConnectionId(self.next.fetch_add(1, Ordering::Relaxed));
        self.totals.accepted.fetch_add(1, Ordering::Relaxed);
        let live = Arc::new(Live {
            id,
            client,
            since: Instant::now(),
            up_bytes: AtomicU64::new(0),
            down_bytes: AtomicU64::new(0),
            target: AtomicUsize::new(0),
            cut: Notify::new(),
        });
        self.live().insert(id, Arc::clone(&live));
        live
    }

    /// A connection has ended.
    pub(crate) fn leave(&self, live: &Live, report: &Report) {
        self.totals
            .up_bytes
            .fetch_add(report.up_bytes, Ordering::Relaxed);
        self.totals
            .down_bytes
            .fetch_add(report.down_bytes, Ordering::Relaxed);
        if report.end.is_failure() {
            self.totals.failed.fetch_add(1, Ordering::Relaxed);
        }
        let is_last = {
            let mut all = self.live();
            all.remove(&live.id);
            all.is_empty()
        };
        if is_last {
            self.empty.notify_waiters();
        }
    }

    /// Waits until no connection is left.
    pub(crate) async fn emptied(&self) {
        loop {
            let told = self.empty.notified();
            tokio::pin!(told);
            told.as_mut().enable();
            if self.live().is_empty() {
                return;
            }
            told.await;
        }
    }
}

/// What [`Shared`] is made of.
pub(crate) struct Parts {
    pub(crate) plan: Plan,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) workers: Arc<Workers>,
    pub(crate) targets: Targets,
    pub(crate) tls: Option<tls::Server>,
}

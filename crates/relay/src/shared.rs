//! What the tasks of a relay share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
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
    /// What its task has not heard yet: [`CUT`], [`CLOSING`], [`FAULTS`].
    news: AtomicU8,
    /// Wakes its task.
    waker: Mutex<Option<Waker>>,
}

/// To be cut, by request.
pub(crate) const CUT: u8 = 1;
/// To be cut, because the relay ends.
pub(crate) const CLOSING: u8 = 2;
/// The faults are others now.
pub(crate) const FAULTS: u8 = 4;

impl Live {
    /// Tells its task something. A flag is all that a task looks at, each time it is woken anyway: what a channel
    /// costs there is felt in the throughput of small messages.
    pub(crate) fn tell(&self, news: u8) {
        self.news.fetch_or(news, Ordering::AcqRel);
        let waker = self.waker();
        if let Some(waker) = waker.as_ref() {
            waker.wake_by_ref();
        }
    }

    /// What there is to hear, of these.
    pub(crate) fn hears(&self, news: u8) -> u8 {
        self.news.load(Ordering::Acquire) & news
    }

    /// Has the task that polls this woken by news.
    pub(crate) fn attend(&self, waker: &Waker) {
        *self.waker() = Some(waker.clone());
    }

    fn waker(&self) -> MutexGuard<'_, Option<Waker>> {
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }
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

    /// Tells every connection.
    pub(crate) fn tell_connections(&self, news: u8) {
        for live in self.live().values() {
            live.tell(news);
        }
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
            news: AtomicU8::new(0),
            waker: Mutex::new(None),
        });
        self.live().insert(id, Arc::clone(&live));
        live
    }

    /// A connection has ended.
    pub(crate) fn leave(&self, live: &Live, report: &Report) {
        let is_last = {
            // Under the lock, so that nobody counts it twice or not at all.
            let mut all = self.live();
            let totals = &self.totals;
            totals
                .up_bytes
                .fetch_add(report.up_bytes, Ordering::Relaxed);
            totals
                .down_bytes
                .fetch_add(report.down_bytes, Ordering::Relaxed);
            if report.end.is_failure() {
                totals.failed.fetch_add(1, Ordering::Relaxed);
            }
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

//! When something moved last, for connections that may not be silent for ever.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// When something moved last on a connection.
#[derive(Debug)]
pub(crate) struct Activity {
    began: Instant,
    last_millis: AtomicU64,
    half_closed: AtomicBool,
    idle: Option<Duration>,
    when_half_closed: Option<Duration>,
}

impl Activity {
    /// `None` when a connection may be silent for ever.
    pub(crate) fn new(idle: Option<Duration>, when_half_closed: Option<Duration>) -> Option<Self> {
        (idle.is_some() || when_half_closed.is_some()).then(|| Activity {
            began: Instant::now(),
            last_millis: AtomicU64::new(0),
            half_closed: AtomicBool::new(false),
            idle,
            when_half_closed,
        })
    }

    /// Something moves.
    pub(crate) fn note(&self) {
        let millis = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_millis.store(millis, Ordering::Relaxed);
    }

    /// One direction has ended.
    pub(crate) fn half_close(&self) {
        self.half_closed.store(true, Ordering::Relaxed);
        self.note();
    }

    /// Waits until nothing has moved for `limit`.
    pub(crate) async fn quiet_for(&self, limit: Duration) {
        loop {
            let due = self.last() + limit;
            if due <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(due.into()).await;
        }
    }

    fn last(&self) -> Instant {
        self.began + Duration::from_millis(self.last_millis.load(Ordering::Relaxed))
    }

    /// Waits until nothing has moved for as long as may be.
    pub(crate) async fn silence(&self) {
        loop {
            let Some(due) = self.due() else {
                // The limit for half-closed connections comes to hold later, if at all: look again.
                tokio::time::sleep(self.when_half_closed.unwrap_or(Duration::MAX)).await;
                continue;
            };
            if due <= Instant::now() {
                return;
            }
            let again = self
                .when_half_closed
                .map_or(due, |limit| due.min(Instant::now() + limit));
            tokio::time::sleep_until(again.into()).await;
        }
    }

    fn due(&self) -> Option<Instant> {
        let when_half_closed = self
            .when_half_closed
            .filter(|_| self.half_closed.load(Ordering::Relaxed));
        let limit = match (self.idle, when_half_closed) {
            (Some(idle), Some(half_closed)) => idle.min(half_closed),
            (one, other) => one.or(other)?,
        };
        Some(self.last() + limit)
    }
}

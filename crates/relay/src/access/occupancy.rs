//! How many clients are connected, in all and per user.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::plan::Limits;

/// Counts clients, and says when there are enough. Clones count together.
///
/// Seats are there before their clients: an accept loop takes one with [`reserve`](Self::reserve), then accepts, then
/// says whose it is with [`Seat::claim`]. So several loops together never accept one too many, and further clients
/// wait in the queue of the listener, where nothing is lost when the relay ends.
///
/// # Examples
/// ```
/// use sockeye_relay::access::{Full, Occupancy};
/// use sockeye_relay::plan::Limits;
/// let occupancy = Occupancy::new(Limits { max_clients: Some(2), max_per_uid: Some(1) });
/// let seat = occupancy.admit(Some(1000))?;
/// assert_eq!(occupancy.admit(Some(1000)).unwrap_err(), Full::OfUid { uid: 1000, most: 1 });
/// let other = occupancy.admit(Some(0))?;
/// assert_eq!(occupancy.admit(None).unwrap_err(), Full::Clients { most: 2 });
/// drop(seat);
/// assert_eq!(occupancy.clients(), 1);
/// # Ok::<(), Full>(())
/// ```
#[derive(Debug, Clone)]
pub struct Occupancy {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limits: Limits,
    /// One permit per client that there may be; `None` when there is no limit. Never closed.
    free: Option<Arc<Semaphore>>,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    clients: usize,
    /// Of those only who have any.
    of_uid: HashMap<u32, usize>,
}

/// A place for one client, given back when it is dropped. Not yet anybody's until [`claim`](Self::claim).
#[derive(Debug)]
#[must_use = "the place is free again as soon as this is dropped"]
pub struct Seat {
    shared: Arc<Shared>,
    client: Client,
    _permit: Option<OwnedSemaphorePermit>,
}

#[derive(Debug, Clone, Copy)]
enum Client {
    Nobody,
    Somebody { uid: Option<u32> },
}

/// There are as many clients as may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// In all.
    #[error("admit client: as many as may be are connected, {most}")]
    Clients {
        /// How many may be.
        most: usize,
    },
    /// Of one user.
    #[error("admit client: as many of user {uid} as may be are connected, {most}")]
    OfUid {
        /// The user.
        uid: u32,
        /// How many may be.
        most: usize,
    },
}

impl Occupancy {
    /// Nobody is connected yet.
    pub fn new(limits: Limits) -> Self {
        let permits = |most: usize| Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        let shared = Shared {
            limits,
            free: limits.max_clients.map(permits),
            taken: Mutex::default(),
        };
        Occupancy {
            shared: Arc::new(shared),
        }
    }

    /// A place for one more client, as soon as there is one. Those who wait are served in their order.
    ///
    /// # Cancel safety
    /// Nothing is taken when it is dropped before it is ready, but the place in the queue is lost.
    pub async fn reserve(&self) -> Seat {
        let permit = match &self.shared.free {
            Some(free) => Arc::clone(free).acquire_owned().await.ok(),
            None => None,
        };
        self.seat(permit)
    }

    /// A place for one more client, if there is one now.
    ///
    /// # Errors
    /// [`Full::Clients`].
    pub fn try_reserve(&self) -> Result<Seat, Full> {
        let Some((free, most)) = self
            .shared
            .free
            .as_ref()
            .zip(self.shared.limits.max_clients)
        else {
            return Ok(self.seat(None));
        };
        let permit = Arc::clone(free).try_acquire_owned();
        let permit = permit.map_err(|_| Full::Clients { most })?;
        Ok(self.seat(Some(permit)))
    }

    /// A place for a client that is there already, if there is one now: [`try_reserve`](Self::try_reserve) and
    /// [`Seat::claim`].
    ///
    /// # Errors
    /// Too many clients are connected, in all or of this user.
    pub fn admit(&self, uid: Option<u32>) -> Result<Seat, Full> {
        self.try_reserve()?.claim(uid)
    }

    /// How many clients are connected: seats that were claimed.
    pub fn clients(&self) -> usize {
        self.shared.taken().clients
    }

    /// How many of them are a user's.
    pub fn clients_of(&self, uid: u32) -> usize {
        self.shared.taken().of_uid.get(&uid).copied().unwrap_or(0)
    }

    fn seat(&self, permit: Option<OwnedSemaphorePermit>) -> Seat {
        Seat {
            shared: Arc::clone(&self.shared),
            client: Client::Nobody,
            _permit: permit,
        }
    }
}

impl Seat {
    /// Says whose the place is; `None` for a client that has no user, as over the network: no limit per user holds
    /// for it. A seat that was claimed before changes hands.
    ///
    /// # Errors
    /// [`Full::OfUid`]; the place is free again.
    pub fn claim(mut self, uid: Option<u32>) -> Result<Self, Full> {
        self.vacate();
        let most = self.shared.limits.max_per_uid;
        let mut taken = self.shared.taken();
        if let Some(uid) = uid {
            let of_uid = taken.of_uid.get(&uid).copied().unwrap_or(0);
            if let Some(most) = most.filter(|most| of_uid >= *most) {
                return Err(Full::OfUid { uid, most });
            }
            taken.of_uid.insert(uid, of_uid + 1);
        }
        taken.clients += 1;
        drop(taken);
        self.client = Client::Somebody { uid };
        Ok(self)
    }

    fn vacate(&mut self) {
        let Client::Somebody { uid } = std::mem::replace(&mut self.client, Client::Nobody) else {
            return;
        };
        let mut taken = self.shared.taken();
        taken.clients -= 1;
        let Some(uid) = uid else { return };
        if let Some(of_uid) = taken.of_uid.get_mut(&uid) {
            *of_uid -= 1;
            if *of_uid == 0 {
                taken.of_uid.remove(&uid);
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // Before the permit, so that whoever gets the place finds the counts right.
        self.vacate();
    }
}

impl Shared {
    /// Nothing panics while it is held.
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll, Waker};
    use std::thread;

    use super::*;

    fn occupancy(max_clients: Option<usize>, max_per_uid: Option<usize>) -> Occupancy {
        Occupancy::new(Limits {
            max_clients,
            max_per_uid,
        })
    }

    fn is_ready(future: std::pin::Pin<&mut impl Future<Output = Seat>>) -> Option<Seat> {
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(seat) => Some(seat),
            Poll::Pending => None,
        }
    }

    #[test]
    fn without_limits_everybody_is_admitted_and_counted() {
        let occupancy = occupancy(None, None);
        let seats: Vec<Seat> = (0..100)
            .map(|client| occupancy.admit((client % 2 == 0).then_some(7)).unwrap())
            .collect();
        assert_eq!((occupancy.clients(), occupancy.clients_of(7)), (100, 50));
        drop(seats);
        assert_eq!((occupancy.clients(), occupancy.clients_of(7)), (0, 0));
    }

    #[test]
    fn a_limit_of_none_at_all_admits_nobody() {
        assert_eq!(
            occupancy(Some(0), None).admit(None).unwrap_err(),
            Full::Clients { most: 0 }
        );
        let nobody_of_a_user = occupancy(None, Some(0));
        assert!(nobody_of_a_user.admit(Some(1)).is_err());
        assert!(nobody_of_a_user.admit(None).is_ok());
    }

    #[test]
    fn a_refused_claim_gives_the_seat_back() {
        let occupancy = occupancy(Some(2), Some(1));
        let _first = occupancy.admit(Some(1)).unwrap();
        assert!(occupancy.admit(Some(1)).is_err());
        let second = occupancy.admit(Some(2));
        assert!(second.is_ok());
    }

    #[test]
    fn a_seat_that_changes_hands_counts_once() {
        let occupancy = occupancy(Some(1), Some(1));
        let seat = occupancy.admit(Some(1)).unwrap().claim(Some(1)).unwrap();
        let _seat = seat.claim(Some(2)).unwrap();
        let counts = [1, 2].map(|uid| occupancy.clients_of(uid));
        assert_eq!((occupancy.clients(), counts), (1, [0, 1]));
    }

    #[test]
    fn a_reserved_seat_is_taken_but_no_client() {
        let occupancy = occupancy(Some(1), None);
        let reserved = occupancy.try_reserve().unwrap();
        assert_eq!(occupancy.clients(), 0);
        assert_eq!(
            occupancy.admit(None).unwrap_err(),
            Full::Clients { most: 1 }
        );
        drop(reserved);
        assert!(occupancy.admit(None).is_ok());
    }

    #[test]
    fn whoever_waits_gets_the_seat_that_is_given_back() {
        let occupancy = occupancy(Some(1), None);
        let seat = occupancy.admit(None).unwrap();
        let mut waiting = pin!(occupancy.reserve());
        assert!(is_ready(waiting.as_mut()).is_none());
        drop(seat);
        assert!(occupancy.try_reserve().is_err(), "it is already promised");
        assert!(is_ready(waiting.as_mut()).is_some());
    }

    #[test]
    fn whoever_stops_waiting_takes_nothing() {
        let occupancy = occupancy(Some(1), None);
        let seat = occupancy.admit(None).unwrap();
        {
            let mut waiting = pin!(occupancy.reserve());
            assert!(is_ready(waiting.as_mut()).is_none());
            drop(seat);
        }
        assert!(occupancy.try_reserve().is_ok());
    }

    #[test]
    fn threads_that_come_and_go_never_exceed_a_limit_and_leave_nothing() {
        let occupancy = occupancy(Some(5), Some(2));
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let of_uid = [const { AtomicUsize::new(0) }; 3];
        let come_and_go = |uid: u32| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap();
            for _ in 0..500 {
                let Ok(seat) = runtime.block_on(occupancy.reserve()).claim(Some(uid)) else {
                    continue;
                };
                let mine = &of_uid[uid as usize];
                most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                assert!(mine.fetch_add(1, Ordering::SeqCst) < 2);
                thread::yield_now();
                mine.fetch_sub(1, Ordering::SeqCst);
                inside.fetch_sub(1, Ordering::SeqCst);
                drop(seat);
            }
        };
        thread::scope(|scope| {
            for thread in 0..9_u32 {
                scope.spawn(move || come_and_go(thread % 3));
            }
        });
        assert!((1..=5).contains(&most.into_inner()));
        assert_eq!(occupancy.clients(), 0);
        assert!(occupancy.shared.taken().of_uid.is_empty());
        let all: Vec<Seat> = (0..5).map(|_| occupancy.try_reserve().unwrap()).collect();
        assert!(occupancy.try_reserve().is_err());
        drop(all);
    }
}

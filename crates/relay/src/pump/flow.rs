//! What belongs to one direction of a connection.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::{Activity, Broken, Identity, Refused};
use crate::event::{ConnectionId, Event};
use crate::fault::Direction;
use crate::plan::Descriptors;
use crate::shared::Shared;

/// What holds for a connection.
pub(crate) struct Terms<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) connection: ConnectionId,
    pub(crate) descriptors: Descriptors,
    /// Who is said to send to the target.
    pub(crate) identity: Option<Identity>,
    pub(crate) activity: Option<Activity>,
}

/// One direction of a connection.
pub(crate) struct Flow<'a> {
    pub(crate) terms: &'a Terms<'a>,
    pub(crate) direction: Direction,
    moved_bytes: &'a AtomicU64,
    /// Something was received that is not sent yet: now is no time to stop.
    holding: AtomicBool,
    /// To stop at the next time that suits.
    leaving: AtomicBool,
    /// The source has said all.
    ended: AtomicBool,
}

impl<'a> Flow<'a> {
    pub(crate) fn new(
        terms: &'a Terms<'a>,
        direction: Direction,
        moved_bytes: &'a AtomicU64,
    ) -> Self {
        Flow {
            terms,
            direction,
            moved_bytes,
            holding: AtomicBool::new(false),
            leaving: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        }
    }

    /// Bytes were received, and will now be sent.
    pub(crate) fn passes(&self, bytes: usize) {
        self.moved_bytes
            .fetch_add(u64::try_from(bytes).unwrap_or(0), Ordering::Relaxed);
        self.holding.store(true, Ordering::Relaxed);
        if let Some(activity) = &self.terms.activity {
            activity.note();
        }
    }

    /// All that was received is sent.
    pub(crate) fn passed(&self) {
        self.holding.store(false, Ordering::Relaxed);
    }

    pub(crate) fn is_holding(&self) -> bool {
        self.holding.load(Ordering::Relaxed)
    }

    pub(crate) fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed)
    }

    /// The source has said all.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(activity) = &self.terms.activity {
            activity.half_close();
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    pub(crate) fn identity(&self) -> Option<Identity> {
        self.terms
            .identity
            .filter(|_| self.direction == Direction::Up)
    }

    /// Whether passed descriptors may go on.
    pub(crate) fn admit(&self, passed: &[OwnedFd], lost: bool) -> Result<(), Broken> {
        let count = passed.len();
        let refused = match self.terms.descriptors {
            _ if lost => Refused::Lost,
            _ if count == 0 => return Ok(()),
            Descriptors::Refuse => Refused::NotPassed { count },
            Descriptors::Pass { most } if count > most => Refused::TooMany { count, most },
            Descriptors::Pass { .. } => return Ok(()),
        };
        Err(Broken::Descriptors(refused))
    }

    /// A message was lost.
    pub(crate) fn lost(&self, error: &std::io::Error) {
        self.tell_lost(1, Some(error));
    }

    /// So many messages came faster than they could be passed on.
    pub(crate) fn dropped(&self, count: u64) {
        if count > 0 {
            self.tell_lost(count, None);
        }
    }

    fn tell_lost(&self, count: u64, error: Option<&std::io::Error>) {
        self.terms.shared.tell(&Event::Lost {
            connection: self.terms.connection,
            direction: self.direction,
            count,
            error,
        });
    }

    /// Shows what passes, where that is asked for.
    pub(crate) fn show(&self, data: &[u8], descriptors: usize) {
        let shared = self.terms.shared;
        if shared.plan.dump {
            shared.tell(&Event::Passed {
                connection: self.terms.connection,
                direction: self.direction,
                data,
                descriptors,
            });
        }
    }
}

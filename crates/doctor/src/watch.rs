//! Whether an accept queue moves.

use std::cell::OnceCell;
use std::time::{Duration, Instant};

use sockeye_census::{Census, Socket, SocketInode};

/// How long a queue is watched at most.
const PATIENCE: Duration = Duration::from_millis(300);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(40);

/// What a queue did while it was watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Movement {
    /// A client left it.
    Moves,
    /// None did, all the time.
    Stands,
    /// It could not be watched, or there is none.
    Unknown,
}

/// A queue, and how to look at it again.
pub(crate) struct Watch<'a> {
    first: Option<&'a Socket>,
    look_again: &'a dyn Fn() -> Option<Census>,
    seen: OnceCell<Movement>,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(
        census: &'a Census,
        socket: Option<SocketInode>,
        look_again: &'a dyn Fn() -> Option<Census>,
    ) -> Self {
        let first = socket.and_then(|inode| census.socket(inode));
        Watch {
            first,
            look_again,
            seen: OnceCell::new(),
        }
    }

    pub(crate) fn movement(&self) -> Movement {
        *self.seen.get_or_init(|| {
            self.first
                .map_or(Movement::Unknown, |first| self.watch(first))
        })
    }

    fn watch(&self, first: &Socket) -> Movement {
        let end = Instant::now() + PATIENCE;
        loop {
            #[expect(
                clippy::disallowed_methods,
                reason = "the kernel tells no event for a queue that moves"
            )]
            std::thread::sleep(PAUSE.min(end.saturating_duration_since(Instant::now())));
            let Some(census) = (self.look_again)() else {
                return Movement::Unknown;
            };
            let Some(now) = census.socket(first.inode) else {
                return Movement::Unknown;
            };
            if has_moved(first, now) {
                return Movement::Moves;
            }
            if Instant::now() >= end {
                return Movement::Stands;
            }
        }
    }
}

/// A busy server keeps its queue as long as it was: then others wait in it.
fn has_moved(first: &Socket, now: &Socket) -> bool {
    now.receive_queue < first.receive_queue
        || first
            .pending
            .iter()
            .any(|waiting| !now.pending.contains(waiting))
}

//! As many clients wait as may.

use std::fmt;

use sockeye_address::Name;
use sockeye_census::Queue;

use super::Cause;
use crate::Processes;
use crate::scene::Scene;
use crate::watch::Movement;

/// A blocking connect waits until somebody is accepted, another gets `EAGAIN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueFull {
    /// The name.
    pub name: Name,
    /// The processes that listen.
    pub processes: Processes,
    /// How many wait, and the backlog.
    pub queue: Queue,
}

impl Cause for QueueFull {
    const WORD: &'static str = "queue-full";
    const CONNECT_SUCCEEDS: Option<bool> = None;

    fn find(scene: &Scene<'_>) -> Option<Self> {
        let queue = scene.endpoint?.queue?;
        // One that is full and moves belongs to a busy server: a connect waits its turn and works.
        (queue.is_full() && scene.queue_movement() != Movement::Moves).then(|| QueueFull {
            name: scene.address.name.clone(),
            processes: scene.processes.clone(),
            queue,
        })
    }
}

impl fmt::Display for QueueFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Queue { used, limit } = self.queue;
        let clients = if used == 1 {
            "client waits"
        } else {
            "clients wait"
        };
        write!(
            f,
            "the accept queue of {} is full: {used} {clients}, the backlog is {limit}, ",
            self.name
        )?;
        let does = self.processes.verb("does", "do");
        write!(f, "and {} {does} not accept", self.processes)
    }
}

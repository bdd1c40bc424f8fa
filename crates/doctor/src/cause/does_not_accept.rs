//! Somebody listens and nobody accepts.

use std::fmt;

use sockeye_address::{Kind, Name};

use super::Cause;
use crate::scene::Scene;
use crate::watch::Movement;
use crate::{Processes, process};

/// A connect would succeed as long as the queue has room, and then wait for nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoesNotAccept {
    /// The name.
    pub name: Name,
    /// The processes that listen.
    pub processes: Processes,
    /// How it showed.
    pub sign: Sign,
    /// Clients that wait to be accepted.
    pub waiting: u32,
    /// The letters of their states, as in `ps`, where they could be read.
    pub states: Vec<char>,
}

/// How it showed that nobody accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Every process that listens is stopped or frozen.
    Stopped,
    /// Clients wait, and none left the queue while it was watched.
    QueueStands,
}

impl Sign {
    /// The word used in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Sign::Stopped => "stopped",
            Sign::QueueStands => "queue-stands",
        }
    }
}

impl Cause for DoesNotAccept {
    const WORD: &'static str = "does-not-accept";
    const CONNECT_SUCCEEDS: Option<bool> = None;

    fn find(scene: &Scene<'_>) -> Option<Self> {
        let endpoint = scene.endpoint?;
        let queue = endpoint.queue;
        let sign = if scene.processes.all(process::is_stopped) {
            Sign::Stopped
        } else {
            // A full queue has a verdict of its own.
            let some_wait = queue.is_some_and(|queue| queue.used > 0 && !queue.is_full());
            (some_wait && scene.queue_movement() == Movement::Stands)
                .then_some(Sign::QueueStands)?
        };
        let (name, processes) = (scene.address.name.clone(), scene.processes.clone());
        let states = processes
            .0
            .iter()
            .filter_map(|process| process::state(process.pid))
            .map(char::from)
            .collect();
        let waiting = queue.map_or(0, |queue| queue.used);
        let is_connected = endpoint.kind.is_some_and(Kind::is_connected);
        is_connected.then_some(DoesNotAccept {
            name,
            processes,
            sign,
            waiting,
            states,
        })
    }
}

impl fmt::Display for DoesNotAccept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (processes, name) = (&self.processes, &self.name);
        let listens = processes.verb("listens", "listen");
        let (is, does) = (processes.verb("is", "are"), processes.verb("does", "do"));
        let accepts = processes.verb("it accepts", "they accept");
        match self.sign {
            Sign::Stopped => write!(
                f,
                "{processes} {listens} on {name} but {is} stopped, so {accepts} nobody"
            )?,
            Sign::QueueStands => {
                write!(f, "{processes} {listens} on {name} but {does} not accept")?;
            }
        }
        match self.waiting {
            0 => Ok(()),
            1 => f.write_str(": 1 client waits already"),
            many => write!(f, ": {many} clients wait already"),
        }
    }
}

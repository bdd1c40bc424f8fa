//! The process has no descriptor left for a client.

use std::fmt;

use sockeye_address::{Kind, Name};

use super::Cause;
use crate::scene::Scene;
use crate::{Processes, process};

/// Its `accept` fails with `EMFILE`: clients pile up in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientLimitReached {
    /// The name.
    pub name: Name,
    /// The processes that listen, each at its limit.
    pub processes: Processes,
    /// The limit (`RLIMIT_NOFILE`) of the first of them.
    pub limit: u64,
}

impl Cause for ClientLimitReached {
    const WORD: &'static str = "client-limit-reached";
    const CONNECT_SUCCEEDS: Option<bool> = None;

    fn find(scene: &Scene<'_>) -> Option<Self> {
        let is_connected = scene.endpoint?.kind.is_some_and(Kind::is_connected);
        let processes = scene.processes.clone();
        let limit = process::descriptor_limit_reached(processes.0.first()?.pid)?;
        let all = processes.all(|pid| process::descriptor_limit_reached(pid).is_some());
        (is_connected && all).then(|| ClientLimitReached {
            name: scene.address.name.clone(),
            processes,
            limit,
        })
    }
}

impl fmt::Display for ClientLimitReached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (processes, limit, name) = (&self.processes, self.limit, &self.name);
        let (has, it) = (processes.verb("has", "have"), processes.verb("it", "they"));
        write!(
            f,
            "{processes} {has} all {limit} descriptors open that {it} may, so {it} cannot accept a client on {name}"
        )
    }
}

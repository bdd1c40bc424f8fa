//! Nothing stands in the way.

use std::fmt;

use sockeye_address::{Kind, Name};

use super::Cause;
use crate::scene::Scene;
use crate::{Probe, Processes};

/// A connect would work; for a datagram socket, a send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotRefused {
    /// The name.
    pub name: Name,
    /// The kind of the socket.
    pub kind: Option<Kind>,
    /// The processes behind it.
    pub processes: Processes,
    /// Whether no process has it open, and not only none that can be seen.
    pub is_held_by_nobody: bool,
}

impl NotRefused {
    /// What a real connect proved.
    pub(crate) fn proven(probe: &Probe) -> Self {
        NotRefused {
            name: probe.name.clone(),
            kind: Some(probe.kind),
            processes: Processes::default(),
            is_held_by_nobody: false,
        }
    }
}

impl Cause for NotRefused {
    const WORD: &'static str = "would-connect";
    const CONNECT_SUCCEEDS: Option<bool> = Some(true);

    fn find(scene: &Scene<'_>) -> Option<Self> {
        let kind = scene.endpoint?.kind;
        Some(NotRefused {
            name: scene.address.name.clone(),
            kind,
            processes: scene.processes.clone(),
            is_held_by_nobody: scene.is_held_by_nobody(),
        })
    }
}

impl fmt::Display for NotRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, processes) = (&self.name, &self.processes);
        match self.kind {
            Some(Kind::Datagram) => write!(
                f,
                "a send would work: {name} is a datagram socket of {processes}"
            ),
            _ if self.is_held_by_nobody => {
                write!(
                    f,
                    "a connect would work: {name} listens, and no process has it open"
                )
            }
            _ => write!(
                f,
                "a connect would work: {processes} {} on {name}",
                processes.verb("listens", "listen")
            ),
        }
    }
}

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
}

impl NotRefused {
    /// What a real connect proved.
    pub(crate) fn proven(probe: &Probe) -> Self {
        NotRefused {
            name: probe.name.clone(),
            kind: Some(probe.kind),
            processes: Processes::default(),
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
            _ => write!(f, "a connect would work: {processes} listens on {name}"),
        }
    }
}

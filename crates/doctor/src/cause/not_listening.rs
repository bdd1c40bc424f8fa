//! Bound, and not listening.

use std::fmt;

use sockeye_address::{Kind, Name};
use sockeye_census::EndpointState;

use super::Cause;
use crate::Processes;
use crate::scene::Scene;

/// `ECONNREFUSED`: the server has called `bind` and not (yet) `listen`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotListening {
    /// The name.
    pub name: Name,
    /// The processes that hold the socket.
    pub processes: Processes,
}

impl Cause for NotListening {
    const WORD: &'static str = "not-listening";

    fn find(scene: &Scene<'_>) -> Option<Self> {
        let endpoint = scene.endpoint?;
        let is_connected = endpoint.kind.is_some_and(Kind::is_connected);
        (endpoint.state == EndpointState::Bound && is_connected).then(|| NotListening {
            name: scene.address.name.clone(),
            processes: scene.processes.clone(),
        })
    }
}

impl fmt::Display for NotListening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (processes, name) = (&self.processes, &self.name);
        let (has, does) = (processes.verb("has", "have"), processes.verb("does", "do"));
        write!(
            f,
            "{processes} {has} bound {name} but {does} not listen on it"
        )
    }
}

//! A datagram socket that takes messages of one peer only.

use std::fmt;

use sockeye_address::{Kind, Name};

use super::Cause;
use crate::Processes;
use crate::scene::Scene;

/// `EPERM`: the socket is connected to another one (`unix_may_send` in `net/unix/af_unix.c`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherPeer {
    /// The name.
    pub name: Name,
    /// The processes that hold the socket.
    pub processes: Processes,
    /// The processes at its other end.
    pub peer: Processes,
}

impl Cause for OtherPeer {
    const WORD: &'static str = "other-peer";

    fn find(scene: &Scene<'_>) -> Option<Self> {
        let endpoint = scene.endpoint?;
        let peer = scene.census.socket(endpoint.socket?)?.peer?;
        (endpoint.kind == Some(Kind::Datagram)).then(|| OtherPeer {
            name: scene.address.name.clone(),
            processes: scene.processes.clone(),
            peer: Processes::holding(scene.census, peer),
        })
    }
}

impl fmt::Display for OtherPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (processes, name, peer) = (&self.processes, &self.name, &self.peer);
        let (has, takes) = (
            processes.verb("has", "have"),
            processes.verb("takes", "take"),
        );
        write!(
            f,
            "{processes} {has} connected {name} to {peer} and {takes} messages from there only"
        )
    }
}

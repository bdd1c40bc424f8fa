//! The listener is there and its file is not.

use std::fmt;

use sockeye_address::Name;

use super::Cause;
use crate::Processes;
use crate::scene::Scene;
use crate::walk::End;

/// Somebody removed or renamed the file of a socket that is still bound: no new client can find it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    /// The name asked about.
    pub name: Name,
    /// The processes that still hold the socket.
    pub processes: Processes,
}

impl Cause for Deleted {
    const WORD: &'static str = "deleted";

    fn find(scene: &Scene<'_>) -> Option<Self> {
        if scene.walk.as_ref()?.end != End::Missing {
            return None;
        }
        let endpoint = scene.bound_to_path().next()?;
        Some(Deleted {
            name: scene.address.name.clone(),
            processes: scene.processes_of(endpoint),
        })
    }
}

impl fmt::Display for Deleted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} still has a socket of the name {}, but its file was removed",
            self.processes, self.name
        )
    }
}

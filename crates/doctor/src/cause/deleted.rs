//! The listener is there and its file is not.

use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use sockeye_address::Name;
use sockeye_address::escape::escape;

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
    /// Where the file is instead: it was renamed, or the process has another root directory.
    pub found_at: Option<PathBuf>,
    /// Whether the file may be where it was, in the mount namespace of a process that could not be seen.
    pub may_be_elsewhere: bool,
}

impl Cause for Deleted {
    const WORD: &'static str = "deleted";

    fn find(scene: &Scene<'_>) -> Option<Self> {
        if scene.walk.as_ref()?.end != End::Missing {
            return None;
        }
        let endpoint = scene.bound_to_path().next()?;
        let file = endpoint.file.as_ref();
        Some(Deleted {
            name: scene.address.name.clone(),
            processes: scene.processes_of(endpoint),
            found_at: file.map(|file| file.path.clone()),
            may_be_elsewhere: endpoint.possible_fault.is_some(),
        })
    }
}

impl fmt::Display for Deleted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, processes) = (&self.name, &self.processes);
        let has = processes.verb("has", "have");
        match &self.found_at {
            Some(path) => write!(
                f,
                "{processes} {has} a socket of the name {name}, but its file is at {}",
                escape(path.as_os_str().as_bytes(), "")
            ),
            None if self.may_be_elsewhere => write!(
                f,
                "{processes} {has} a socket of the name {name}, but its file was removed or is in another mount namespace"
            ),
            None => write!(
                f,
                "{processes} still {has} a socket of the name {name}, but its file was removed"
            ),
        }
    }
}

//! Something else at the path.

use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use sockeye_address::escape::escape;

use super::Cause;
use crate::scene::Scene;
use crate::walk::End;
use crate::{FileKind, Found};

/// The kernel answers `ECONNREFUSED`, as if nobody listened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotASocket {
    /// Where.
    pub at: PathBuf,
    /// What it is instead.
    pub is: FileKind,
}

impl Cause for NotASocket {
    const WORD: &'static str = "not-a-socket";

    fn find(scene: &Scene<'_>) -> Option<Self> {
        let walk = scene.walk.as_ref()?;
        let last = walk.steps.last()?;
        match last.found {
            Found::Other(is) if walk.end == End::Arrived => Some(NotASocket {
                at: last.path.clone(),
                is,
            }),
            _ => None,
        }
    }
}

impl fmt::Display for NotASocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} is a {} and no socket",
            escape(self.at.as_os_str().as_bytes(), ""),
            self.is
        )
    }
}

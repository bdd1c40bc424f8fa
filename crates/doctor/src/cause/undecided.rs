//! What cannot be told without more privilege or a real connect.

use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use sockeye_address::escape::escape;

use super::Cause;
use crate::Found;
use crate::cause::Stale;
use crate::scene::Scene;

/// The answer is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecided {
    /// Why not.
    pub unseen: Unseen,
}

/// What was not seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unseen {
    /// The caller may not look into the way, while the user asked about may.
    Path(PathBuf),
    /// No socket seen is bound to the file, and there are or may be network namespaces that were not.
    Namespaces(Stale),
    /// The sockets themselves.
    Sockets,
}

impl Undecided {
    pub(crate) fn nothing_found() -> Self {
        Undecided {
            unseen: Unseen::Sockets,
        }
    }
}

impl Cause for Undecided {
    const WORD: &'static str = "undecided";
    const CONNECT_SUCCEEDS: Option<bool> = None;

    fn find(scene: &Scene<'_>) -> Option<Self> {
        let walk = scene.walk.as_ref()?;
        let last = walk.steps.last()?;
        if last.found == Found::Hidden {
            return Some(Undecided {
                unseen: Unseen::Path(last.path.clone()),
            });
        }
        let unclaimed = Undecided {
            unseen: Unseen::Namespaces(Stale::find(scene)?),
        };
        (!scene.census.unseen().no_namespace()).then_some(unclaimed)
    }
}

impl fmt::Display for Undecided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |path: &PathBuf| escape(path.as_os_str().as_bytes(), "");
        match &self.unseen {
            Unseen::Path(path) => write!(
                f,
                "it cannot be told: what is at {} may not be seen",
                shown(path)
            ),
            Unseen::Namespaces(stale) => write!(
                f,
                "it cannot be told: no socket seen is bound to {}, but not every network namespace could be looked into",
                shown(&stale.path)
            ),
            Unseen::Sockets => {
                f.write_str("it cannot be told: the sockets of this machine could not be seen")
            }
        }
    }
}

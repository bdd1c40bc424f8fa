//! Links that lead in a circle.

use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use sockeye_address::escape::escape;

use super::Cause;
use crate::scene::Scene;
use crate::walk::End;

/// More links than the kernel follows (`ELOOP`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkLoop {
    /// The link it gave up at.
    pub at: PathBuf,
}

impl Cause for LinkLoop {
    const WORD: &'static str = "link-loop";

    fn find(scene: &Scene<'_>) -> Option<Self> {
        let walk = scene.walk.as_ref()?;
        let at = walk.steps.last()?.path.clone();
        (walk.end == End::TooManyLinks).then_some(LinkLoop { at })
    }
}

impl fmt::Display for LinkLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = escape(self.at.as_os_str().as_bytes(), "");
        write!(
            f,
            "the path has more than 40 symbolic links, so it likely leads in a circle at {at}"
        )
    }
}

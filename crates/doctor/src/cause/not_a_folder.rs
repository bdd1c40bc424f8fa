//! The path goes on behind something that is no folder.

use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use sockeye_address::escape::escape;

use super::Cause;
use crate::scene::Scene;
use crate::walk::End;

/// `ENOTDIR`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAFolder {
    /// What is no folder.
    pub at: PathBuf,
    /// What it is.
    pub is: &'static str,
}

impl Cause for NotAFolder {
    const WORD: &'static str = "not-a-folder";

    fn find(scene: &Scene<'_>) -> Option<Self> {
        let walk = scene.walk.as_ref()?;
        let last = walk.steps.last()?;
        (walk.end == End::NotAFolder).then(|| NotAFolder {
            at: last.path.clone(),
            is: last.found.word(),
        })
    }
}

impl fmt::Display for NotAFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = escape(self.at.as_os_str().as_bytes(), "");
        write!(
            f,
            "the path goes on behind {at}, which is a {} and no folder",
            self.is
        )
    }
}

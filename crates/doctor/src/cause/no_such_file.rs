//! Nothing at the path.

use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use sockeye_address::escape::escape;

use super::{Cause, Near, near};
use crate::scene::Scene;
use crate::walk::End;

/// `ENOENT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoSuchFile {
    /// The first part that is missing.
    pub missing: PathBuf,
    /// Whether it is a folder on the way, and not the socket itself.
    pub is_folder: bool,
    /// Whether a link leads there.
    pub behind_link: bool,
    /// What may have been meant, the likeliest first.
    pub near: Vec<Near>,
}

impl Cause for NoSuchFile {
    const WORD: &'static str = "no-such-file";

    fn find(scene: &Scene<'_>) -> Option<Self> {
        let walk = scene.walk.as_ref()?;
        if walk.end != End::Missing {
            return None;
        }
        let missing = walk.steps.last()?.path.clone();
        let typed = scene.address.name.as_path()?;
        let is_folder = missing.file_name() != typed.file_name();
        let behind_link = walk
            .steps
            .iter()
            .any(|step| matches!(step.found, crate::Found::Link(_)));
        let near = near::to_path(typed, &missing, scene.census);
        Some(NoSuchFile {
            missing,
            is_folder,
            behind_link,
            near,
        })
    }
}

impl fmt::Display for NoSuchFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let missing = escape(self.missing.as_os_str().as_bytes(), "");
        match (self.is_folder, self.behind_link) {
            (true, false) => write!(f, "there is no folder {missing}"),
            (false, false) => write!(f, "there is no file {missing}"),
            (_, true) => write!(f, "there is no file {missing}, where a link leads"),
        }
    }
}

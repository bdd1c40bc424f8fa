//! A socket file that no socket is bound to.

use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{self, Access, AtFlags};
use sockeye_address::escape::escape;
use sockeye_census::EndpointState;

use super::Cause;
use crate::scene::Scene;
use crate::{Owner, Who};

/// Whoever made the file is gone; the kernel answers `ECONNREFUSED`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// The file.
    pub path: PathBuf,
    /// Whose it is.
    pub owner: Owner,
    /// Whether the user may remove it; `None` where the kernel did not tell.
    pub removable: Option<bool>,
    /// Connections accepted before the listener closed that live on.
    pub left_connections: u32,
}

impl Cause for Stale {
    const WORD: &'static str = "stale";

    fn find(scene: &Scene<'_>) -> Option<Self> {
        let (step, file) = scene.walk.as_ref()?.socket()?;
        if scene.endpoint.is_some() {
            return None;
        }
        let (path, owner) = (step.path.clone(), step.owner?);
        let closed = scene.census.endpoints().iter().find(|endpoint| {
            endpoint.state == EndpointState::Closed && endpoint.bound_file == Some(file)
        });
        let left_connections = closed.map_or(0, |endpoint| endpoint.clients);
        let removable = path
            .parent()
            .and_then(|folder| may_remove(folder, owner, scene.who));
        Some(Stale {
            path,
            owner,
            removable,
            left_connections,
        })
    }
}

/// Removing asks for the folder's permission, and in a sticky folder for being the owner of one of the two.
fn may_remove(folder: &Path, file: Owner, who: &Who) -> Option<bool> {
    let stat = fs::stat(folder).ok()?;
    let wanted = Access::WRITE_OK | Access::EXEC_OK;
    let open = who
        .run(|| fs::accessat(fs::CWD, folder, wanted, AtFlags::EACCESS).is_ok())
        .ok()?;
    let uid = who.user().uid;
    let sticky = stat.st_mode & 0o1000 != 0;
    Some(open && (!sticky || uid == 0 || uid == file.uid || uid == stat.st_uid))
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = escape(self.path.as_os_str().as_bytes(), "");
        write!(
            f,
            "{path} is stale: no socket is bound to the file, so whoever made it is gone"
        )?;
        match self.left_connections {
            0 => Ok(()),
            1 => f.write_str(" (1 connection it had accepted lives on)"),
            many => write!(f, " ({many} connections it had accepted live on)"),
        }
    }
}

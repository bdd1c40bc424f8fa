//! Socket files anywhere on disk, live or stale.
//!
//! Folders are read by as many threads as there are processors, each entry judged by the type its folder gives it,
//! so that nothing is opened but folders. What cannot hold sockets (`/proc`, `/sys`, …) is passed over, and so are
//! filesystems of other machines, whose sockets are theirs.
//!
//! ```
//! use sockeye_census::scan::{Depth, Start, scan};
//! let found = scan(&[Start { folder: "/run".into(), depth: Depth::All }]);
//! println!("{} socket files, {} folders could not be read", found.sockets.len(), found.unreadable_folders);
//! ```

use std::path::PathBuf;

mod mounts;
mod queue;
mod walk;

use mounts::Mounts;

/// How far below its start a scan goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// To the bottom.
    All,
    /// So many folders down; 0 for the start alone.
    Folders(u16),
}

impl Depth {
    /// What is left one folder down; `None` where that is too deep.
    fn below(self) -> Option<Depth> {
        match self {
            Depth::All => Some(Depth::All),
            Depth::Folders(left) => left.checked_sub(1).map(Depth::Folders),
        }
    }
}

/// What a scan found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Paths of socket files, in no order.
    pub sockets: Vec<PathBuf>,
    /// Folders that could not be read.
    pub unreadable_folders: u32,
}

/// Where a scan begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The folder; a symbolic link to one is followed here and nowhere below.
    pub folder: PathBuf,
    /// How far below it to go.
    pub depth: Depth,
}

/// Finds every socket file in `starts` and below. A start that is not a folder is an unreadable one.
pub fn scan(starts: &[Start]) -> Found {
    walk::run(starts, &Mounts::of_this_process())
}

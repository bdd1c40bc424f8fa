//! Cleaning up after Ctrl-C: a drop is not run then, and a folder of socket files would stay.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tempfile::TempDir;

use crate::Outcome;

/// Folders to remove; one that was removed meanwhile does no harm here, its name is not used again.
static FOLDERS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A temporary folder that goes away also when this program is interrupted. The processes of a scenario need
/// no such care: they end when their standard input does.
pub(crate) fn temporary_folder(inside: &Path) -> Outcome<TempDir> {
    let folder = tempfile::Builder::new()
        .prefix("sockeye-compare-")
        .tempdir_in(inside)?;
    let mut folders = FOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
    if folders.is_empty() {
        remove_all_on_a_signal()?;
    }
    folders.push(folder.path().to_owned());
    Ok(folder)
}

fn remove_all_on_a_signal() -> Outcome {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            for folder in &*FOLDERS.lock().unwrap_or_else(PoisonError::into_inner) {
                // Nothing is left to be done about a folder that cannot be removed.
                let _ = std::fs::remove_dir_all(folder);
            }
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}

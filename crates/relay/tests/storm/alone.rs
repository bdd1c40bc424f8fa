//! One storm at a time, so that the descriptors of this process can be counted.

use std::sync::{Mutex, MutexGuard, PoisonError};

static ALONE: Mutex<()> = Mutex::new(());

/// This process, to itself.
pub(crate) struct Alone {
    _turn: MutexGuard<'static, ()>,
    before: Vec<String>,
}

impl Alone {
    pub(crate) fn new() -> Self {
        let turn = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        // What it opens once for the whole process stays.
        drop(
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build(),
        );
        Alone {
            _turn: turn,
            before: open(),
        }
    }

    /// Fails when more descriptors are open than there were, now that all is over.
    #[track_caller]
    pub(crate) fn nothing_is_left(&self) {
        let now = open();
        assert_eq!(now.len(), self.before.len(), "{now:?}, {:?}", self.before);
    }
}

/// How many sockets are open.
pub(crate) fn sockets() -> usize {
    let all = open();
    all.iter().filter(|at| at.starts_with("socket:")).count()
}

/// Where each descriptor of this process leads.
fn open() -> Vec<String> {
    let entries = std::fs::read_dir("/proc/self/fd").unwrap();
    entries
        .filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok())
        .map(|place| place.to_string_lossy().into_owned())
        .collect()
}

/// The seed of this run, printed so that it can be repeated.
#[expect(
    clippy::print_stderr,
    reason = "the harness shows it when the test fails"
)]
pub(crate) fn seed() -> u64 {
    let seed = match std::env::var("STORM_SEED") {
        Ok(text) => text.parse().unwrap(),
        Err(_) => fastrand::u64(..),
    };
    eprintln!("STORM_SEED={seed}");
    seed
}

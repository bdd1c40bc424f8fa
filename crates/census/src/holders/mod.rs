//! Who holds the sockets.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use self::kept::Kept;
use crate::model::{Holder, Pid, Process};
use crate::namespace::Entrances;

mod bpf;
mod kept;
mod load;
mod proc;
mod record;

/// Where the holders are read from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum HolderSource {
    /// A BPF iterator over every descriptor of every task: one pass, all processes or none.
    Bpf,
    /// A walk of `/proc/*/fd`: the processes that this one may look into. Descriptors that one thread of a process has
    /// for itself (`unshare(CLONE_FILES)`) are seen by the iterator only.
    #[default]
    Proc,
}

impl HolderSource {
    /// The word used in JSON and `--holders`.
    pub const fn word(self) -> &'static str {
        match self {
            HolderSource::Bpf => "bpf",
            HolderSource::Proc => "proc",
        }
    }
}

/// What a source tells.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Ordered by socket, process, descriptor. From `/proc`, sockets of other families are among them.
    pub(crate) holders: Vec<Holder>,
    pub(crate) processes: FxHashMap<Pid, Process>,
    /// Network namespaces met, each with a process that lives in it.
    pub(crate) entrances: Entrances,
    /// Processes whose descriptors could not be read.
    pub(crate) unseen_processes: u32,
    /// Whether there may be processes that `/proc` does not show.
    pub(crate) hides_processes: bool,
    pub(crate) source: Option<HolderSource>,
    /// Why the iterator was not used, when it was asked.
    pub(crate) bpf_refusal: Option<Arc<str>>,
}

impl Held {
    fn sort(&mut self) {
        self.holders.sort_unstable();
        self.holders.dedup();
    }
}

/// Asks the source that was chosen, or the best one that answers.
pub(crate) fn find(choice: Option<HolderSource>, keep: Option<&Path>) -> Held {
    let mut bpf_refusal = None;
    if choice != Some(HolderSource::Proc) {
        match bpf::read(keep.and_then(Kept::in_folder).as_ref()) {
            Ok(held) => {
                return Held {
                    source: Some(HolderSource::Bpf),
                    ..held
                };
            }
            Err(refusal) => bpf_refusal = Some(refusal.to_string().into()),
        }
    }
    Held {
        source: Some(HolderSource::Proc),
        bpf_refusal,
        ..proc::walk()
    }
}

/// Inode of the first pid namespace (`PROC_PID_INIT_INO` in `include/linux/proc_ns.h`).
const FIRST_PID_NAMESPACE: u64 = 0xEFFF_FFFC;

/// Whether the processes of the whole machine have numbers here.
fn in_first_pid_namespace() -> bool {
    fs::metadata("/proc/self/ns/pid").is_ok_and(|metadata| metadata.ino() == FIRST_PID_NAMESPACE)
}

//! Who holds the sockets.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{Holder, Pid, Process};
use crate::namespace::Entrances;

mod bpf;
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
    pub(crate) processes: HashMap<Pid, Process>,
    /// Network namespaces met, each with a process that lives in it.
    pub(crate) entrances: Entrances,
    /// Processes whose descriptors could not be read.
    pub(crate) unseen_processes: u32,
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
pub(crate) fn find(choice: Option<HolderSource>) -> Held {
    let mut bpf_refusal = None;
    if choice != Some(HolderSource::Proc) {
        match bpf::read() {
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

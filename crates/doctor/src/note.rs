//! What is true besides the verdict.

use std::fmt;

use sockeye_address::{Kind, SUN_PATH_BYTES};
use sockeye_census::Fault;

use crate::scene::Scene;
use crate::{Processes, scene};

/// Something worth knowing that does not decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The path does not fit into `sun_path`: programs that do not go through its folder cannot name it.
    LongPath {
        /// Its length.
        length_bytes: usize,
        /// The longest that fits.
        limit_bytes: usize,
    },
    /// The kernel does not tell how full the receive queue of a datagram socket is: a send may block.
    ReceiveQueueUnknown,
    /// The processes behind the socket could not be seen: whether they are stopped, or out of descriptors, neither.
    ProcessesUnseen,
    /// No process has the socket open: it is on its way to one inside a message, or `io_uring` holds it.
    HeldByNobody,
    /// An older socket had this path before; its clients stay with it, new ones reach the one that has it now.
    Replaced(Processes),
    /// Nobody is bound to the file either.
    AlsoStale,
}

impl Note {
    /// The word used in JSON.
    pub const fn word(&self) -> &'static str {
        match self {
            Note::LongPath { .. } => "long-path",
            Note::ReceiveQueueUnknown => "receive-queue-unknown",
            Note::ProcessesUnseen => "processes-unseen",
            Note::HeldByNobody => "held-by-nobody",
            Note::Replaced(_) => "replaced",
            Note::AlsoStale => "also-stale",
        }
    }

    /// Everything worth knowing of a scene.
    pub(crate) fn all(scene: &Scene<'_>) -> Vec<Note> {
        [
            long_path(scene),
            receive_queue(scene),
            processes(scene),
            replaced(scene),
            also_stale(scene),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn long_path(scene: &Scene<'_>) -> Option<Note> {
    let length_bytes = scene.address.name.as_path()?.as_os_str().len();
    let limit_bytes = SUN_PATH_BYTES - 1;
    (length_bytes > limit_bytes).then_some(Note::LongPath {
        length_bytes,
        limit_bytes,
    })
}

fn receive_queue(scene: &Scene<'_>) -> Option<Note> {
    (scene.endpoint?.kind == Some(Kind::Datagram)).then_some(Note::ReceiveQueueUnknown)
}

fn processes(scene: &Scene<'_>) -> Option<Note> {
    scene.endpoint.filter(|_| scene.processes.0.is_empty())?;
    Some(if scene.is_held_by_nobody() {
        Note::HeldByNobody
    } else {
        Note::ProcessesUnseen
    })
}

fn replaced(scene: &Scene<'_>) -> Option<Note> {
    let current = scene.endpoint?.socket;
    let older = scene
        .bound_to_path()
        .find(|other| other.fault == Some(Fault::Replaced) && other.socket != current)?;
    Some(Note::Replaced(scene.processes_of(older)))
}

/// Worth knowing when it is another verdict that comes first.
fn also_stale(scene: &Scene<'_>) -> Option<Note> {
    let (_, file) = scene.walk.as_ref()?.socket()?;
    let bound = scene
        .census
        .endpoints()
        .iter()
        .any(|other| scene::is_live(other) && other.bound_file == Some(file));
    (scene.census.unseen().no_namespace() && !bound && scene.endpoint.is_none())
        .then_some(Note::AlsoStale)
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::LongPath { length_bytes, limit_bytes } => write!(
                f,
                "the path is {length_bytes} bytes long and an address holds {limit_bytes}: Sockeye goes through the \
                 folder, programs that do not cannot name this socket"
            ),
            Note::ReceiveQueueUnknown => f.write_str(
                "how full its receive queue is cannot be seen: a send waits, or fails with EAGAIN, while it is full",
            ),
            Note::ProcessesUnseen => f.write_str(
                "the processes behind it could not be seen: one that is stopped or out of descriptors would not show",
            ),
            Note::HeldByNobody => f.write_str(
                "no process has it open: it is under way inside a message to one, which accepts nobody, or held by io_uring",
            ),
            Note::Replaced(processes) => {
                let listens = processes.verb("listens", "listen");
                write!(f, "{processes} had this path before and still {listens}, but no new client can reach it")
            }
            Note::AlsoStale => f.write_str("no socket is bound to the file either: whoever made it is gone"),
        }
    }
}

//! The BPF iterator `ebpf/holders.bpf.c`: one pass over every descriptor of every task.

use std::io::Read as _;

use sockeye_privilege::{Ability, effective};
use sockeye_wire::btf;

use super::kept::Kept;
use super::record::{self, RECORD_BYTES};
use super::{Held, in_first_pid_namespace, load};
use crate::model::{Holder, NetNamespace, Pid, Process, SocketInode};

/// Why the iterator could not be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("needs {0}")]
    Capability(&'static str),
    #[error("not in the first pid namespace, whose numbers the iterator tells")]
    PidNamespace,
    #[error("read the kernel's types: {0}")]
    Types(std::io::Error),
    #[error("cut the kernel's types: {0}")]
    Cut(#[from] btf::BtfError),
    #[error("load the program: {0}")]
    Load(Box<dyn std::error::Error + Send + Sync>),
    #[error("read the iterator: {0}")]
    Read(std::io::Error),
}

/// Runs the iterator once.
pub(super) fn read(kept: Option<&Kept>) -> Result<Held, Refusal> {
    may_run()?;
    let mut file = load::program(kept)?;
    let mut held = Held::default();
    // Whole records only: the kernel hands out as many as fit into what it was asked for.
    let mut buffer = vec![0; RECORD_BYTES * 4096];
    let mut filled = 0;
    loop {
        let read = match file.read(&mut buffer[filled..]) {
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            // The iterator rests after a long stretch without a socket: more may follow.
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(Refusal::Read(error)),
        };
        if read == 0 {
            break;
        }
        filled += read;
        let whole = filled - filled % RECORD_BYTES;
        take(&buffer[..whole], &mut held);
        buffer.copy_within(whole..filled, 0);
        filled -= whole;
    }
    held.sort();
    Ok(held)
}

fn may_run() -> Result<(), Refusal> {
    if let Some(missing) = Ability::IterateHolders.missing(effective()).first() {
        return Err(Refusal::Capability(missing.name()));
    }
    if in_first_pid_namespace() {
        Ok(())
    } else {
        Err(Refusal::PidNamespace)
    }
}

fn take(bytes: &[u8], held: &mut Held) {
    let mut last = None;
    for record in record::records(bytes) {
        let pid = Pid(record.pid);
        held.holders.push(Holder {
            inode: SocketInode(record.socket_inode),
            pid,
            fd: record.fd,
        });
        // The descriptors of a process follow each other.
        if last != Some(pid) {
            last = Some(pid);
            let process = Process {
                pid,
                name: record.comm.into(),
                uid: record.uid,
            };
            held.processes.insert(pid, process);
            held.entrances
                .process_in(NetNamespace(record.task_namespace.into()), pid);
        }
    }
}

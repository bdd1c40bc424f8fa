//! The BPF iterator `ebpf/holders.bpf.c`: loading it costs more than running it, so most of this file is about
//! loading it quickly.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::thread;

use aya::programs::Iter;
use aya::{Btf, EbpfLoader, Endianness};
use sockeye_privilege::{Ability, effective};
use sockeye_wire::btf::{self, Seed};

use super::Held;
use super::record::{self, RECORD_BYTES};
use crate::model::{Holder, NetNamespace, Pid, Process, SocketInode};

static OBJECT: &[u8] = aya::include_bytes_aligned!("../../../../ebpf/holders.bpf.o");

const KERNEL_TYPES: &str = "/sys/kernel/btf/vmlinux";
const ATTACH_FUNCTION: &str = "bpf_iter_task_file";

/// Inode of the first pid namespace (`PROC_PID_INIT_INO` in `include/linux/proc_ns.h`).
const FIRST_PID_NAMESPACE: u64 = 0xEFFF_FFFC;

/// The structures that the program reads; `ebpf/kernel.h` names the same.
const SEEDS: [Seed<'static>; 13] = [
    Seed::Struct("task_struct"),
    Seed::Struct("cred"),
    Seed::Struct("nsproxy"),
    Seed::Struct("net"),
    Seed::Struct("ns_common"),
    Seed::Struct("file"),
    Seed::Struct("inode"),
    Seed::Struct("socket"),
    Seed::Struct("sock"),
    Seed::Struct("sock_common"),
    Seed::Struct("bpf_iter__task_file"),
    Seed::Struct("bpf_iter_meta"),
    Seed::Function(ATTACH_FUNCTION),
];

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

fn load_error(error: impl std::error::Error + Send + Sync + 'static) -> Refusal {
    Refusal::Load(Box::new(error))
}

/// Runs the iterator once.
pub(super) fn read() -> Result<Held, Refusal> {
    may_run()?;
    let mut file = load()?;
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
    let ours = fs::metadata("/proc/self/ns/pid").map(|metadata| metadata.ino());
    if ours.is_ok_and(|inode| inode == FIRST_PID_NAMESPACE) {
        Ok(())
    } else {
        Err(Refusal::PidNamespace)
    }
}

/// Loads the program. The kernel's types are cut to the dozen structures that it reads: with all 126,000 of them the
/// loader takes 45 ms on the machine this was measured on, and a whole `ls` should take 30.
fn load() -> Result<fs::File, Refusal> {
    let all = fs::read(KERNEL_TYPES).map_err(Refusal::Types)?;
    let cut = btf::cut(&all, &SEEDS)?;
    drop(all);
    let loading = thread::spawn(move || {
        hide_kernel_types();
        load_with(&cut)
    });
    let died = || Refusal::Load("the loading thread died".into());
    loading.join().unwrap_or_else(|_| Err(died()))
}

/// Makes this thread, and no other, unable to open the kernel's types.
///
/// The loader of aya 0.14 reads and parses all of them before it can be told of others (16 ms); where it finds none, it
/// goes on without. That this thread cannot leave its root is no danger: it ends when the program is loaded. Should
/// this fail (it needs `CAP_SYS_CHROOT`), loading is slow and nothing else. aya 0.16 does without, and needs Rust 1.98.
fn hide_kernel_types() {
    let _ = nix::sched::unshare(nix::sched::CloneFlags::CLONE_FS)
        .map_err(std::io::Error::from)
        .and_then(|()| Ok(rustix::process::chroot("/proc/self/fdinfo")?));
}

fn load_with(cut: &btf::Cut) -> Result<fs::File, Refusal> {
    let types = Btf::parse(&cut.types, Endianness::default()).map_err(load_error)?;
    let mut object = EbpfLoader::new()
        .btf(Some(&types))
        .load(OBJECT)
        .map_err(load_error)?;

    let missing = || Refusal::Load("the object holds no program `holders`".into());
    let program: &mut Iter = object
        .program_mut("holders")
        .ok_or_else(missing)?
        .try_into()
        .map_err(load_error)?;
    let (name, id) = cut.function_ids.first().ok_or_else(missing)?;
    let attach =
        Btf::parse(&btf::with_function_at(*id, name), Endianness::default()).map_err(load_error)?;
    program.load("task_file", &attach).map_err(load_error)?;
    let link = program.attach().map_err(load_error)?;
    program
        .take_link(link)
        .map_err(load_error)?
        .into_file()
        .map_err(load_error)
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
        held.entrances
            .socket_in(NetNamespace(record.socket_namespace.into()));
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

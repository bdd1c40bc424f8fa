//! Loading the iterator quickly: left to itself, the loader takes longer than a whole `ls` should.

use std::fs::{self, File};
use std::io;
use std::thread;

use aya::programs::Iter;
use aya::{Btf, EbpfLoader, Endianness};
use sockeye_wire::btf::{self, Seed};

use super::bpf::Refusal;
use super::kept::Kept;

static OBJECT: &[u8] = aya::include_bytes_aligned!("../../../../ebpf/holders.bpf.o");

const KERNEL_TYPES: &str = "/sys/kernel/btf/vmlinux";
pub(super) const ATTACH_FUNCTION: &str = "bpf_iter_task_file";

/// The structures that the program reads; `ebpf/kernel.h` names the same.
const SEEDS: [Seed<'static>; 12] = [
    Seed::Struct("task_struct"),
    Seed::Struct("cred"),
    Seed::Struct("nsproxy"),
    Seed::Struct("net"),
    Seed::Struct("ns_common"),
    Seed::Struct("file"),
    Seed::Struct("inode"),
    Seed::Struct("socket"),
    Seed::Struct("proto_ops"),
    Seed::Struct("bpf_iter__task_file"),
    Seed::Struct("bpf_iter_meta"),
    Seed::Function(ATTACH_FUNCTION),
];

fn refused(error: impl std::error::Error + Send + Sync + 'static) -> Refusal {
    Refusal::Load(Box::new(error))
}

fn died() -> Refusal {
    Refusal::Load("a loading thread died".into())
}

/// Loads the program and opens the iterator.
///
/// The kernel's types are cut to the dozen structures that it reads: with all 126,000 of them the loader takes 45 ms on
/// the machine this was measured on, with these 9 ms, and 3 when the cut is `kept`.
pub(super) fn program(kept: Option<&Kept>) -> Result<File, Refusal> {
    if let Some(cut) = kept.and_then(Kept::read)
        && let Ok(file) = load(cut)
    {
        return Ok(file);
    }
    let all = fs::read(KERNEL_TYPES).map_err(Refusal::Types)?;
    let cut = btf::cut(&all, &SEEDS)?;
    drop(all);
    if let Some(kept) = kept {
        kept.write(&cut);
    }
    load(cut)
}

fn load(cut: btf::Cut) -> Result<File, Refusal> {
    let missing = || Refusal::Load("the kernel has no iterator over descriptors".into());
    let (name, id) = cut.function_ids.first().cloned().ok_or_else(missing)?;
    let attach = thread::spawn(move || attach_types(id, &name));
    let loading = thread::spawn(move || {
        hide_kernel_types();
        let types = Btf::parse(&cut.types, Endianness::default()).map_err(refused)?;
        let object = EbpfLoader::new()
            .btf(Some(&types))
            .load(OBJECT)
            .map_err(refused)?;
        open(object, &attach.join().map_err(|_| died())??)
    });
    loading.join().map_err(|_| died())?
}

/// Makes this thread, and no other, unable to open the kernel's types.
///
/// The loader of aya 0.14 reads and parses all of them before it can be told of others (16 ms); where it finds none, it
/// goes on without. That this thread cannot leave its root is no danger: it ends when the program is loaded. Should
/// this fail (it needs `CAP_SYS_CHROOT`), loading is slow and nothing else. aya 0.16 does without, and needs Rust 1.98.
fn hide_kernel_types() {
    let _ = nix::sched::unshare(nix::sched::CloneFlags::CLONE_FS)
        .map_err(io::Error::from)
        .and_then(|()| Ok(rustix::process::chroot("/proc/self/fdinfo")?));
}

/// Types that say nothing but where the kernel keeps the function to attach to: the loader looks its number up by name.
fn attach_types(id: u32, name: &str) -> Result<Btf, Refusal> {
    Btf::parse(&btf::with_function_at(id, name), Endianness::default()).map_err(refused)
}

fn open(mut object: aya::Ebpf, attach: &Btf) -> Result<File, Refusal> {
    let missing = || Refusal::Load("the object holds no program `holders`".into());
    let program: &mut Iter = object
        .program_mut("holders")
        .ok_or_else(missing)?
        .try_into()
        .map_err(refused)?;
    program.load("task_file", attach).map_err(refused)?;
    let link = program.attach().map_err(refused)?;
    program
        .take_link(link)
        .map_err(refused)?
        .into_file()
        .map_err(refused)
}

//! The kernel's type information (BTF), cut down to what a BPF program needs to be loaded.
//!
//! A program that is compiled once and runs on every kernel (CO-RE) is fitted to the running kernel with the types in
//! /sys/kernel/btf/vmlinux: 5 MB and more than 100,000 types, on which a loader spends tens of milliseconds to look at
//! a dozen structures. [`cut`] goes over the file once and gives a blob of a few kilobytes instead.
//!
//! The format is that of Documentation/bpf/btf.rst in the kernel tree.
//!
//! # Minimum kernel
//!
//! Linux 5.4 writes the file, with `CONFIG_DEBUG_INFO_BTF`.

mod blob; // putting a blob together
mod cut; // picking the types out
mod format; // the header and the kinds of types

pub use cut::{Cut, Seed, cut};

/// The type information cannot be cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BtfError {
    /// The bytes do not follow the format.
    #[error(transparent)]
    Malformed(#[from] crate::Malformed),
    /// There is no such structure.
    #[error("find struct {0}: the kernel has none")]
    NoStruct(String),
    /// There is no such function.
    #[error("find function {0}: the kernel has none")]
    NoFunction(String),
}

/// The highest id the kernel gives to a type (`BTF_MAX_TYPE` in `include/uapi/linux/btf.h`).
pub const MAX_TYPE_ID: u32 = 0x000f_ffff;

/// A blob in which the type `id` is the function `name`; all lower ids are placeholders.
///
/// To attach a program, a loader looks the function up by name and gives its id to the kernel. In this blob it finds
/// the id the kernel knows, without the types before it being read. An id that no type can have (0 or more than
/// [`MAX_TYPE_ID`]) gives a blob without types, in which nothing is found.
///
/// # Examples
///
/// ```
/// let blob = sockeye_wire::btf::with_function_at(3, "bpf_iter_task_file");
/// // header, two placeholders, the function, its prototype, and the strings
/// assert_eq!(blob.len(), 24 + 2 * 12 + 12 + 12 + 20);
/// ```
pub fn with_function_at(id: u32, name: &str) -> Vec<u8> {
    let mut blob = blob::Blob::default();
    if !(1..=MAX_TYPE_ID).contains(&id) {
        return blob.finish();
    }
    blob.reserve_types(id);
    for _ in 1..id {
        blob.placeholder();
    }
    let name = blob.name(name.as_bytes());
    blob.words(&[name, format::info(format::FUNC, 0), id + 1]);
    blob.words(&[0, format::info(format::FUNC_PROTO, 0), 0]);
    blob.finish()
}

#[cfg(test)]
mod tests;

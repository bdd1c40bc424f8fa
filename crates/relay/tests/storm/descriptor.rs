//! Descriptors that can be told apart by what they hold.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::os::fd::OwnedFd;

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::{FdFlags, fcntl_getfd};
use rustix::pipe::{PipeFlags, pipe_with};

/// A descriptor of one of three kinds, with something in it.
pub(crate) fn holding(text: &str, kind: usize) -> OwnedFd {
    match kind % 3 {
        0 => {
            let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).unwrap();
            File::from(writer).write_all(text.as_bytes()).unwrap();
            reader
        }
        1 => {
            let mut file = File::from(memfd_create("storm", MemfdFlags::CLOEXEC).unwrap());
            file.write_all(text.as_bytes()).unwrap();
            file.into()
        }
        _ => {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(text.as_bytes()).unwrap();
            file.into()
        }
    }
}

/// What it holds.
pub(crate) fn held(fd: OwnedFd) -> String {
    assert!(fcntl_getfd(&fd).unwrap().contains(FdFlags::CLOEXEC));
    let mut file = File::from(fd);
    // A pipe has no beginning to go back to.
    let _ = file.rewind();
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    text
}

//! Pipes for `splice`, kept for the next transfer.

use std::cell::RefCell;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::pipe::{PipeFlags, fcntl_getpipe_size, fcntl_setpipe_size, pipe_with};

/// Asked of the kernel for each pipe. Pages are counted against a limit of each user, 64 MiB as a rule
/// (`pipe-user-pages-soft`, `pipe(7)`): beyond it, pipes are made smaller, down to two pages, and slower.
const WANTED_BYTES: usize = 256 * 1024;
/// A pipe smaller than this moves less than a read and a write do.
const LEAST_BYTES: usize = 64 * 1024;
/// Pipes kept without a transfer, for each thread.
const KEPT: usize = 16;

thread_local! {
    static IDLE: RefCell<Vec<Pipe>> = const { RefCell::new(Vec::new()) };
}

/// An empty pipe.
#[derive(Debug)]
pub(crate) struct Pipe {
    reader: OwnedFd,
    writer: OwnedFd,
    capacity_bytes: usize,
}

impl Pipe {
    /// One that was kept, or a new one; `None` when the limits of the user or the process leave no useful one.
    pub(crate) fn take() -> Option<Self> {
        IDLE.with_borrow_mut(Vec::pop).or_else(Pipe::new)
    }

    fn new() -> Option<Self> {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).ok()?;
        let _ = fcntl_setpipe_size(&writer, WANTED_BYTES);
        let capacity_bytes = fcntl_getpipe_size(&writer).ok()?;
        (capacity_bytes >= LEAST_BYTES).then_some(Pipe {
            reader,
            writer,
            capacity_bytes,
        })
    }

    /// Keeps it for the next transfer. It must be empty.
    pub(crate) fn keep(self) {
        IDLE.with_borrow_mut(|idle| {
            if idle.len() < KEPT {
                idle.push(self);
            }
        });
    }

    pub(crate) fn reader(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }

    pub(crate) fn writer(&self) -> BorrowedFd<'_> {
        self.writer.as_fd()
    }

    /// What may be asked for at once. A pipe counts pieces, not bytes, and a piece from a socket can be 32 KiB: more fits
    /// than its size says.
    pub(crate) fn most_bytes(&self) -> usize {
        4 * self.capacity_bytes
    }
}

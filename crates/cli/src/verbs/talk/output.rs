//! Standard output that keeps no program from ending: a signal is heard while nobody reads.

use std::io;
use std::os::fd::AsFd as _;

use rustix::event::PollFlags;
use rustix::fs::FileType;
use rustix::io::Errno;

use super::stop::{Stop, Woken};
use crate::error::{Error, output};

/// What a pipe that is ready takes without making anybody wait (`PIPE_BUF`, `pipe(7)`).
const PIPE_BYTES: usize = 4096;

/// Standard output for bytes that may be more than its reader takes.
#[derive(Debug)]
pub(crate) struct Output {
    piece_bytes: usize,
}

impl Output {
    /// Standard output, whatever it is.
    pub(crate) fn new() -> Self {
        let can_wait = rustix::fs::fstat(io::stdout()).is_ok_and(|stat| {
            matches!(
                FileType::from_raw_mode(stat.st_mode),
                FileType::Fifo | FileType::Socket
            )
        });
        Output {
            piece_bytes: if can_wait { PIPE_BYTES } else { usize::MAX },
        }
    }

    /// Writes all bytes; after a signal the rest is left out. Without `stop` signals end the process by themselves.
    pub(crate) fn write(&self, mut bytes: &[u8], stop: Option<&Stop>) -> Result<(), Error> {
        let stdout = io::stdout();
        while !bytes.is_empty() {
            if let Some(stop) = stop
                && stop.wait(stdout.as_fd(), PollFlags::OUT, None)? == Woken::Stopped
            {
                return Ok(());
            }
            let piece = &bytes[..bytes.len().min(self.piece_bytes)];
            match rustix::io::write(&stdout, piece) {
                Ok(length) => bytes = &bytes[length..],
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => wait_for_room()?,
                Err(number) => return Err(output(number.into())),
            }
        }
        Ok(())
    }
}

/// Somebody else who holds this pipe has made it one that does not wait.
fn wait_for_room() -> Result<(), Error> {
    use rustix::event::{PollFd, poll};
    let stdout = io::stdout();
    match poll(&mut [PollFd::new(&stdout, PollFlags::OUT)], None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(number) => Err(output(number.into())),
    }
}

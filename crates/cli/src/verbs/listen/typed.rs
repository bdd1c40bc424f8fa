//! Standard input, a line at a time, for everybody who listens.

use std::io::{self, BufRead as _, BufReader, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::pipe::PipeFlags;

use crate::error::{Error, error_with};
use crate::verbs::talk::foreground::{LOOK_AGAIN, may_read};
use crate::verbs::talk::stop::{out_of_the_way, timespec};

/// Lines that may wait to be sent; more input stays where it is.
const LINES_WAITING: usize = 64;
/// A line that is longer is passed on in parts.
const LINE_BYTES: u64 = 64 * 1024;

/// Lines from standard input. The descriptor is readable while there are some.
#[derive(Debug)]
pub(crate) struct Typed {
    lines: Receiver<Vec<u8>>,
    wake: OwnedFd,
}

impl Typed {
    /// Reads in a thread of its own, which nobody waits for: standard input may never end.
    pub(crate) fn start() -> Result<Self, Error> {
        let failed = |error: io::Error| {
            Error::failure(error_with("read standard input beside the clients", error))
        };
        let (wake, signal) =
            rustix::pipe::pipe_with(PipeFlags::CLOEXEC).map_err(|number| failed(number.into()))?;
        let (wake, signal) = (out_of_the_way(wake), out_of_the_way(signal));
        let (send, lines) = sync_channel(LINES_WAITING);
        std::thread::Builder::new()
            .spawn(move || read_lines(&send, &signal))
            .map_err(failed)?;
        Ok(Typed { lines, wake })
    }

    /// The next line, with its line end. Ask only when the descriptor is readable; `None` at the end of input.
    pub(crate) fn line(&self) -> Option<Vec<u8>> {
        match rustix::io::read(&self.wake, &mut [0; 1]) {
            Ok(0) | Err(_) => None,
            Ok(_) => self.lines.recv().ok(),
        }
    }
}

impl AsFd for Typed {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

/// Standard input, read only while that does not stop this process.
struct Foreground;

impl Read for Foreground {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let stdin = io::stdin();
        loop {
            match poll(&mut [PollFd::new(&stdin, PollFlags::IN)], None) {
                Err(Errno::INTR) => continue,
                answer => answer?,
            };
            if !may_read() {
                let _ = poll(&mut [], Some(&timespec(LOOK_AGAIN)));
                continue;
            }
            match rustix::io::read(&stdin, &mut *buffer) {
                Err(Errno::INTR | Errno::AGAIN) => {}
                answer => return Ok(answer?),
            }
        }
    }
}

fn read_lines(send: &SyncSender<Vec<u8>>, signal: &OwnedFd) {
    let mut stdin = BufReader::new(Foreground);
    loop {
        let mut line = Vec::new();
        match stdin.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) if send.send(line).is_err() => return,
            Ok(_) => {}
        }
        if rustix::io::write(signal, &[1]).is_err() {
            return;
        }
    }
}

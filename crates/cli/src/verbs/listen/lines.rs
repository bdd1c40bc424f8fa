//! What arrives from many, on one standard output.

use std::io;
use std::os::fd::AsFd as _;

use rustix::event::PollFlags;
use rustix::fs::FileType;
use rustix::io::Errno;

use crate::error::{Error, output};
use crate::terminal;
use crate::verbs::talk::screen::harmless;
use crate::verbs::talk::stop::{Stop, Woken};

/// A line that is longer is printed in parts, each with its label.
const LINE_BYTES: usize = 64 * 1024;
/// What a pipe that is ready takes without making anybody wait (`PIPE_BUF`, `pipe(7)`).
const PIPE_BYTES: usize = 4096;

/// The line that a client has begun.
#[derive(Debug, Default)]
pub(crate) struct Begun(Vec<u8>);

impl Begun {
    /// Whether there is one.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Standard output, whole lines at a time.
#[derive(Debug)]
pub(crate) struct Lines {
    labels: bool,
    is_terminal: bool,
    piece_bytes: usize,
}

impl Lines {
    /// With a label before each line, or bytes as they come.
    pub(crate) fn new(labels: bool) -> Self {
        let is_pipe = rustix::fs::fstat(io::stdout()).is_ok_and(|stat| {
            matches!(
                FileType::from_raw_mode(stat.st_mode),
                FileType::Fifo | FileType::Socket
            )
        });
        Lines {
            labels,
            is_terminal: terminal::stdout_is_terminal(),
            piece_bytes: if is_pipe { PIPE_BYTES } else { usize::MAX },
        }
    }

    /// Whether a person waits for lines that do not end.
    pub(crate) fn shows_begun_lines(&self) -> bool {
        self.is_terminal && self.labels
    }

    /// Prints the lines that are complete, and keeps the one that is not in `begun`.
    pub(crate) fn print(
        &self,
        label: &str,
        begun: &mut Begun,
        bytes: &[u8],
        stop: &Stop,
    ) -> Result<(), Error> {
        if !self.labels {
            return self.write(bytes, stop);
        }
        let mut text = Vec::with_capacity(bytes.len() + label.len() + 2);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            begun.0.extend_from_slice(piece);
            if piece.ends_with(b"\n") || begun.0.len() >= LINE_BYTES {
                self.push_line(&mut text, label, &std::mem::take(&mut begun.0));
            }
        }
        self.write_text(&text, stop)
    }

    /// Prints the line that was begun, as if it had ended.
    pub(crate) fn finish(&self, label: &str, begun: &mut Begun, stop: &Stop) -> Result<(), Error> {
        let mut text = Vec::new();
        if !begun.is_empty() {
            self.push_line(&mut text, label, &std::mem::take(&mut begun.0));
        }
        self.write_text(&text, stop)
    }

    fn push_line(&self, text: &mut Vec<u8>, label: &str, line: &[u8]) {
        text.extend_from_slice(label.as_bytes());
        text.extend_from_slice(b": ");
        if self.is_terminal {
            text.extend_from_slice(harmless(line).as_bytes());
        } else {
            text.extend_from_slice(line);
        }
        if !line.ends_with(b"\n") {
            text.push(b'\n');
        }
    }

    fn write(&self, bytes: &[u8], stop: &Stop) -> Result<(), Error> {
        if self.is_terminal {
            return self.write_text(harmless(bytes).as_bytes(), stop);
        }
        self.write_text(bytes, stop)
    }

    /// Writes without getting stuck: a signal is heard while nobody reads.
    fn write_text(&self, mut bytes: &[u8], stop: &Stop) -> Result<(), Error> {
        let stdout = io::stdout();
        while !bytes.is_empty() {
            if stop.wait(stdout.as_fd(), PollFlags::OUT, None)? == Woken::Stopped {
                return Ok(());
            }
            let piece = &bytes[..bytes.len().min(self.piece_bytes)];
            match rustix::io::write(&stdout, piece) {
                Ok(length) => bytes = &bytes[length..],
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(number) => return Err(output(number.into())),
            }
        }
        Ok(())
    }
}

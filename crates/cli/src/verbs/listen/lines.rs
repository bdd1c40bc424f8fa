//! What arrives from many, on one standard output.

use crate::error::Error;
use crate::terminal;
use crate::verbs::talk::output::Output;
use crate::verbs::talk::screen::harmless;
use crate::verbs::talk::stop::Stop;

/// A line that is longer is printed in parts, each with its label.
const LINE_BYTES: usize = 64 * 1024;

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
    output: Output,
}

impl Lines {
    /// With a label before each line, or bytes as they come.
    pub(crate) fn new(labels: bool) -> Self {
        Lines {
            labels,
            is_terminal: terminal::stdout_is_terminal(),
            output: Output::new(),
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
        self.output.write(&text, Some(stop))
    }

    /// Prints the line that was begun, as if it had ended.
    pub(crate) fn finish(&self, label: &str, begun: &mut Begun, stop: &Stop) -> Result<(), Error> {
        let mut text = Vec::new();
        if !begun.is_empty() {
            self.push_line(&mut text, label, &std::mem::take(&mut begun.0));
        }
        self.output.write(&text, Some(stop))
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
            return self.output.write(harmless(bytes).as_bytes(), Some(stop));
        }
        self.output.write(bytes, Some(stop))
    }
}

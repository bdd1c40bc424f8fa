//! What arrived, on standard output: exact bytes for a program, harmless text for a person.

use sockeye_address::escape::escape;

use super::output::Output;
use super::stop::Stop;
use crate::error::Error;
use crate::terminal;

/// Standard output for bytes from outside.
#[derive(Debug)]
pub(crate) struct Screen {
    output: Output,
    is_terminal: bool,
    /// The beginning of a character whose other bytes have not arrived.
    begun: Vec<u8>,
    at_line_start: bool,
}

impl Screen {
    /// Standard output, whatever it is.
    pub(crate) fn new() -> Self {
        Screen {
            output: Output::new(),
            is_terminal: terminal::stdout_is_terminal(),
            begun: Vec::new(),
            at_line_start: true,
        }
    }

    /// Writes bytes, exactly unless a person reads them. A signal that `stop` hears leaves out the rest.
    pub(crate) fn write(&mut self, bytes: &[u8], stop: Option<&Stop>) -> Result<(), Error> {
        if self.is_terminal {
            let text = self.text(bytes);
            self.output.write(text.as_bytes(), stop)
        } else {
            self.output.write(bytes, stop)
        }
    }

    /// Ends a message or a stream: a person gets the rest of a character that never came whole, and a new line.
    pub(crate) fn end(&mut self, stop: Option<&Stop>) -> Result<(), Error> {
        if !self.is_terminal {
            return Ok(());
        }
        let rest = std::mem::take(&mut self.begun);
        let mut text = escape(&rest, "");
        if !self.at_line_start || !text.is_empty() {
            text.push('\n');
        }
        self.at_line_start = true;
        self.output.write(text.as_bytes(), stop)
    }

    fn text(&mut self, bytes: &[u8]) -> String {
        let mut whole = std::mem::take(&mut self.begun);
        whole.extend_from_slice(bytes);
        self.begun = whole.split_off(whole.len() - begun_bytes(&whole));
        let text = harmless(&whole);
        if let Some(last) = text.bytes().last() {
            self.at_line_start = last == b'\n';
        }
        text
    }
}

/// Text that can do a terminal no harm. Line ends, tabs and backslashes stay as they are: this is content, not a name
/// to be typed back.
pub(crate) fn harmless(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for piece in bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\t' | b'\\')) {
        match piece.split_last() {
            Some((last @ (b'\n' | b'\t' | b'\\'), rest)) => {
                text.push_str(&escape(rest, ""));
                text.push(char::from(*last));
            }
            _ => text.push_str(&escape(piece, "")),
        }
    }
    text
}

/// How many bytes at the end are the beginning of a character.
fn begun_bytes(bytes: &[u8]) -> usize {
    match bytes.utf8_chunks().last() {
        Some(chunk) if chunk.invalid().len() < 4 && is_begun(chunk.invalid()) => {
            chunk.invalid().len()
        }
        _ => 0,
    }
}

fn is_begun(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes)
        .is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_that_arrives_in_two_parts_is_shown_whole() {
        let mut screen = Screen {
            output: Output::new(),
            is_terminal: true,
            begun: Vec::new(),
            at_line_start: true,
        };
        let [first, rest @ ..] = "é\n".as_bytes() else {
            panic!()
        };
        assert_eq!(screen.text(&[*first]), "");
        assert_eq!(screen.text(rest), "é\n");
        assert!(screen.at_line_start);
    }

    #[test]
    fn commands_to_the_terminal_are_shown_and_not_obeyed() {
        assert_eq!(harmless(b"a\x1b[2J\tb\\\n\xff"), "a\\x1b[2J\tb\\\n\\xff");
    }
}

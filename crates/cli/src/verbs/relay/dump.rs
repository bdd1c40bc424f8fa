//! What passes, shown: text line by line, or rows of bytes.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;

use sockeye_address::escape::escape;
use sockeye_relay::event::ConnectionId;
use sockeye_relay::{Direction, Event};

use super::args::DumpForm;
use super::log::dump_file;
use crate::error::Error;

/// Bytes in a row.
const ROW: usize = 16;

/// Something that passed, or the end of a connection.
pub(super) struct Chunk {
    /// The how-many-th relay of the process, and its name.
    relay: (usize, Arc<str>),
    connection: ConnectionId,
    what: What,
}

enum What {
    Passed {
        direction: Direction,
        data: Vec<u8>,
        descriptors: usize,
    },
    Ended,
}

impl Chunk {
    /// What an event shows, and its length.
    pub(super) fn of(number: usize, relay: &Arc<str>, event: &Event<'_>) -> Option<(Self, usize)> {
        let (connection, what, bytes) = match event {
            Event::Passed {
                connection,
                direction,
                data,
                descriptors,
            } => {
                let what = What::Passed {
                    direction: *direction,
                    data: data.to_vec(),
                    descriptors: *descriptors,
                };
                (*connection, what, data.len())
            }
            Event::Ended { connection, .. } => (*connection, What::Ended, 0),
            _ => return None,
        };
        let relay = (number, Arc::clone(relay));
        let chunk = Chunk {
            relay,
            connection,
            what,
        };
        Some((chunk, bytes))
    }
}

/// Shows chunks.
pub(super) struct Dump {
    form: DumpForm,
    /// Where to; `None` is standard error.
    file: Option<BufWriter<std::fs::File>>,
    /// How much of each direction was shown: the place in the stream of what comes next.
    shown: HashMap<(usize, ConnectionId), [u64; 2]>,
}

impl Dump {
    pub(super) fn start(form: DumpForm, file: Option<&Path>) -> Result<Self, Error> {
        Ok(Dump {
            form,
            file: file.map(dump_file).transpose()?.map(BufWriter::new),
            shown: HashMap::new(),
        })
    }

    /// Adds a chunk to `text`, or to the file.
    pub(super) fn show(&mut self, chunk: &Chunk, several: bool, text: &mut String) {
        let key = (chunk.relay.0, chunk.connection);
        let What::Passed {
            direction,
            data,
            descriptors,
        } = &chunk.what
        else {
            self.shown.remove(&key);
            return;
        };
        let (arrow, way) = match direction {
            Direction::Up => ('>', 0),
            Direction::Down => ('<', 1),
        };
        let name = if several {
            format!("{} ", chunk.relay.1)
        } else {
            String::new()
        };
        let prefix = format!("{name}{} {arrow}", chunk.connection);
        let mut shown = String::new();
        let place = &mut self.shown.entry(key).or_default()[way];
        match self.form {
            DumpForm::Text => lines(&mut shown, &prefix, data),
            DumpForm::Hex => rows(&mut shown, &prefix, data, *place),
        }
        *place += u64::try_from(data.len()).unwrap_or(0);
        if *descriptors > 0 {
            let plural = if *descriptors == 1 { "" } else { "s" };
            let _ = writeln!(shown, "{prefix}+ {descriptors} descriptor{plural}");
        }
        match &mut self.file {
            Some(file) => drop(file.write_all(shown.as_bytes())),
            None => text.push_str(&shown),
        }
    }

    pub(super) fn flush(&mut self) {
        if let Some(file) = &mut self.file {
            let _ = file.flush();
        }
    }
}

/// Line by line. The newline is not shown; where there is none, a backslash says so: one that was there is doubled.
fn lines(shown: &mut String, prefix: &str, data: &[u8]) {
    for line in data.split_inclusive(|byte| *byte == b'\n') {
        let (line, end) = match line.strip_suffix(b"\n") {
            Some(line) => (line, ""),
            None => (line, "\\"),
        };
        let _ = writeln!(shown, "{prefix} {}{end}", escape(line, ""));
    }
    if data.is_empty() {
        // An empty message.
        let _ = writeln!(shown, "{prefix} \\");
    }
}

/// `12 > 00000010  47 45 54 20 2f …  |GET /…|`
fn rows(shown: &mut String, prefix: &str, data: &[u8], place: u64) {
    let mut place = place;
    for row in data.chunks(ROW) {
        let _ = write!(shown, "{prefix} {place:08x} ");
        for at in 0..ROW {
            let gap = if at == ROW / 2 { " " } else { "" };
            let _ = match row.get(at) {
                Some(byte) => write!(shown, "{gap} {byte:02x}"),
                None => write!(shown, "{gap}   "),
            };
        }
        let plain = |byte: &u8| match byte {
            b' '..=b'~' => char::from(*byte),
            _ => '.',
        };
        let _ = writeln!(shown, "  |{}|", row.iter().map(plain).collect::<String>());
        place += u64::try_from(row.len()).unwrap_or(0);
    }
    if data.is_empty() {
        let _ = writeln!(shown, "{prefix} {place:08x}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_shown_so_that_the_bytes_can_be_told_from_it() {
        let mut shown = String::new();
        lines(&mut shown, "1 >", b"GET /\r\n\\\nrest\xff");
        assert_eq!(shown, "1 > GET /\\x0d\n1 > \\\\\n1 > rest\\xff\\\n");
        shown.clear();
        lines(&mut shown, "1 <", b"");
        assert_eq!(shown, "1 < \\\n");
    }

    #[test]
    fn rows_have_their_place_in_the_stream() {
        let mut shown = String::new();
        rows(&mut shown, "12 <", b"0123456789abcdefXY\n", 32);
        assert_eq!(
            shown,
            "12 < 00000020  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|\n\
             12 < 00000030  58 59 0a                                          |XY.|\n"
        );
    }
}

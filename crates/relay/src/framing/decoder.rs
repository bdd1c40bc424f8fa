//! From a stream to messages.

use super::{Framing, FramingError, HEADER_BYTES};

/// Takes a stream apart into messages, wherever it was cut on its way.
///
/// [`push`](Self::push) what comes, take messages until there is none, and [`finish`](Self::finish) when the stream
/// ends. It holds at most one unfinished message and what was pushed since. After an error nothing more comes: where
/// the next message begins is not known.
#[derive(Debug)]
pub struct Decoder {
    framing: Framing,
    most_bytes: usize,
    queue: Vec<u8>,
    /// Up to here the queue was given out.
    given: usize,
    /// Up to here there is no newline.
    searched: usize,
    broken: bool,
}

impl Decoder {
    /// Messages may have `most_bytes` bytes; a longer one is an error.
    pub fn new(framing: Framing, most_bytes: usize) -> Self {
        Decoder {
            framing,
            most_bytes,
            queue: Vec::new(),
            given: 0,
            searched: 0,
            broken: false,
        }
    }

    /// Adds what came.
    pub fn push(&mut self, data: &[u8]) {
        if self.broken {
            return;
        }
        self.queue.drain(..self.given);
        self.searched -= self.given;
        self.given = 0;
        self.queue.extend_from_slice(data);
    }

    /// How many bytes wait for the rest of their message, or to be taken.
    pub fn queued_bytes(&self) -> usize {
        self.queue.len() - self.given
    }

    /// The stream has ended: what is left of it, after the last of the whole messages was taken.
    ///
    /// A last line without its newline is a message; an unfinished message of [`Framing::Length32`] is an error.
    pub fn finish(&mut self) -> Option<Result<Vec<u8>, FramingError>> {
        if let Some(message) = self.next() {
            return Some(message);
        }
        let rest = self.queue.get(self.given..).unwrap_or_default();
        if self.broken || rest.is_empty() {
            return None;
        }
        let answer = match self.framing {
            Framing::Lines => Ok(rest.to_vec()),
            Framing::Length32 => Err(FramingError::Unfinished {
                missing_bytes: match header_of(rest) {
                    Some(length) => length + HEADER_BYTES - rest.len(),
                    None => HEADER_BYTES - rest.len(),
                },
            }),
        };
        self.close();
        Some(answer)
    }

    fn line(&mut self) -> Result<Option<Vec<u8>>, FramingError> {
        let unsearched = self.queue.get(self.searched..).unwrap_or_default();
        let Some(offset) = memchr::memchr(b'\n', unsearched) else {
            self.searched = self.queue.len();
            self.check(self.queued_bytes())?;
            return Ok(None);
        };
        let end = self.searched + offset;
        self.check(end - self.given)?;
        let message = self.queue.get(self.given..end).map(<[u8]>::to_vec);
        self.given = end + 1;
        self.searched = self.given;
        Ok(message)
    }

    fn counted(&mut self) -> Result<Option<Vec<u8>>, FramingError> {
        let rest = self.queue.get(self.given..).unwrap_or_default();
        let Some(length_bytes) = header_of(rest) else {
            return Ok(None);
        };
        self.check(length_bytes)?;
        let end = HEADER_BYTES + length_bytes;
        let message = rest.get(HEADER_BYTES..end).map(<[u8]>::to_vec);
        if message.is_some() {
            self.given += end;
            self.searched = self.given;
        }
        Ok(message)
    }

    fn check(&self, length_bytes: usize) -> Result<(), FramingError> {
        if length_bytes > self.most_bytes {
            return Err(FramingError::TooLong {
                operation: "read",
                most_bytes: self.most_bytes,
            });
        }
        Ok(())
    }

    fn close(&mut self) {
        self.broken = true;
        self.queue = Vec::new();
        self.given = 0;
        self.searched = 0;
    }
}

/// The messages that are whole by now; there may be more after the next [`push`](Decoder::push).
impl Iterator for Decoder {
    type Item = Result<Vec<u8>, FramingError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.broken {
            return None;
        }
        let answer = match self.framing {
            Framing::Lines => self.line(),
            Framing::Length32 => self.counted(),
        };
        if answer.is_err() {
            self.close();
        }
        answer.transpose()
    }
}

/// How long the message is that follows.
fn header_of(rest: &[u8]) -> Option<usize> {
    let header = rest.first_chunk::<HEADER_BYTES>()?;
    usize::try_from(u32::from_be_bytes(*header)).ok()
}

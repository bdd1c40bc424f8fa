//! Messages in a stream: how one end that has messages and one that has not understand each other.
//!
//! What is encoded and then decoded is what it was, to the byte, however the stream was cut on its way.
//!
//! ```
//! use sockeye_relay::framing::{Decoder, Framing, MOST_BYTES, encode};
//!
//! let mut stream = Vec::new();
//! encode(Framing::Length32, b"ping", &mut stream)?;
//! assert_eq!(stream, b"\0\0\0\x04ping");
//!
//! let mut decoder = Decoder::new(Framing::Length32, MOST_BYTES);
//! decoder.push(&stream[..6]);
//! assert_eq!(decoder.next(), None);
//! decoder.push(&stream[6..]);
//! assert_eq!(decoder.next(), Some(Ok(b"ping".to_vec())));
//! assert_eq!(decoder.finish(), None);
//! # Ok::<(), sockeye_relay::framing::FramingError>(())
//! ```

mod decoder;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

pub use decoder::Decoder;

/// How long a message in a stream may be unless something else is said, in bytes.
pub const MOST_BYTES: usize = 1024 * 1024;

/// How many bytes the length of a message takes ([`Framing::Length32`]).
const HEADER_BYTES: usize = 4;

/// How messages are told apart in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Each message is a line, its newline is not part of it. A message that has a newline of its own, be it the last
    /// byte, cannot be told from several, or from the same one without it: it is refused. The last line of a stream
    /// may lack its newline.
    Lines,
    /// Each message follows its length in 4 bytes, the highest first.
    Length32,
}

impl fmt::Display for Framing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Framing::Lines => "lines",
            Framing::Length32 => "length32",
        })
    }
}

impl FromStr for Framing {
    type Err = UnknownFraming;

    fn from_str(text: &str) -> Result<Self, UnknownFraming> {
        match text {
            "lines" => Ok(Framing::Lines),
            "length32" => Ok(Framing::Length32),
            _ => Err(UnknownFraming(text.to_owned())),
        }
    }
}

/// A word that names no framing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read framing {0:?}: it is none of lines, length32")]
pub struct UnknownFraming(String);

/// Why a message cannot be framed, or a stream cannot be taken apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FramingError {
    /// A message has a newline, where messages are lines.
    #[error("frame a message as a line: it has a newline at byte {at_byte}")]
    Newline {
        /// Where the first one is, from 0.
        at_byte: usize,
    },
    /// A message is longer than messages may be.
    #[error("{operation} a message: it is longer than {most_bytes} bytes")]
    TooLong {
        /// What could not be done.
        operation: &'static str,
        /// How long it may be.
        most_bytes: usize,
    },
    /// The stream ended within a message.
    #[error("read a message: the stream ended within it, {missing_bytes} bytes too early")]
    Unfinished {
        /// How many bytes at least did not come.
        missing_bytes: usize,
    },
}

/// Adds a message to a stream. Where it fails, `out` is as it was.
///
/// # Errors
/// [`FramingError::Newline`] for a message with a newline where messages are lines, [`FramingError::TooLong`] for one
/// whose length does not fit into its 4 bytes.
pub fn encode(framing: Framing, message: &[u8], out: &mut Vec<u8>) -> Result<(), FramingError> {
    match framing {
        Framing::Lines => {
            if let Some(at_byte) = memchr::memchr(b'\n', message) {
                return Err(FramingError::Newline { at_byte });
            }
            out.reserve(message.len() + 1);
            out.extend_from_slice(message);
            out.push(b'\n');
        }
        Framing::Length32 => {
            let length = u32::try_from(message.len()).map_err(|_| FramingError::TooLong {
                operation: "frame",
                most_bytes: u32::MAX as usize,
            })?;
            out.reserve(message.len() + HEADER_BYTES);
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(message);
        }
    }
    Ok(())
}

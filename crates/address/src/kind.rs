//! The three kinds of Unix socket.

use std::fmt;
use std::str::FromStr;

/// How a Unix socket carries data (`unix(7)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `SOCK_STREAM`: connected, bytes in order, no message boundaries.
    Stream,
    /// `SOCK_DGRAM`: messages with boundaries, without a connection; reliable and in order on Linux.
    Datagram,
    /// `SOCK_SEQPACKET`: connected, messages with boundaries.
    Seqpacket,
}

impl Kind {
    /// Every kind, in the order tables use.
    pub const ALL: [Kind; 3] = [Kind::Stream, Kind::Datagram, Kind::Seqpacket];

    /// Whether one send arrives as one receive.
    ///
    /// ```
    /// # use sockeye_address::Kind;
    /// assert!(!Kind::Stream.keeps_boundaries());
    /// assert!(Kind::Seqpacket.keeps_boundaries());
    /// ```
    pub const fn keeps_boundaries(self) -> bool {
        !matches!(self, Kind::Stream)
    }

    /// Whether clients connect to a listener, which then serves each on a socket of its own.
    pub const fn is_connected(self) -> bool {
        !matches!(self, Kind::Datagram)
    }

    /// The word used in tables, JSON and `--kind`.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Stream => "stream",
            Kind::Datagram => "datagram",
            Kind::Seqpacket => "seqpacket",
        }
    }

    /// The constant a C program would write.
    pub const fn constant(self) -> &'static str {
        match self {
            Kind::Stream => "SOCK_STREAM",
            Kind::Datagram => "SOCK_DGRAM",
            Kind::Seqpacket => "SOCK_SEQPACKET",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A word that names no kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind {0:?}: expected stream, datagram or seqpacket")]
pub struct UnknownKind(pub String);

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "stream" => Ok(Kind::Stream),
            "datagram" | "dgram" => Ok(Kind::Datagram),
            "seqpacket" => Ok(Kind::Seqpacket),
            _ => Err(UnknownKind(word.to_owned())),
        }
    }
}

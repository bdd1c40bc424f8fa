//! /proc/net/unix: the sockets of a network namespace, for where netlink is not allowed (`unix_seq_show` in
//! `net/unix/af_unix.c`).
//!
//! This is the poorer source: it has no peers, no queues and no owners, and its names are ambiguous. Prefer
//! [`unix_diag`](crate::unix_diag).
//!
//! What the text cannot tell:
//! - The kernel writes `@` for each NUL of an abstract name, so an `@` within the name may have been either. A path that
//!   starts with `@`, which can only be a relative one, is read as an abstract name.
//! - A newline in a name is written as it is. What follows it is joined to the name, unless it looks like a socket's
//!   line itself: whoever binds such a name can make up a socket.

use std::borrow::Cow;

use memchr::memchr;
use sockeye_address::Kind;

use super::text::{decimal, hexadecimal};
use crate::Malformed;

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Stream, datagram or seqpacket; `None` for a kind that is not known here.
    pub kind: Option<Kind>,
    /// Whether it listens.
    pub listening: bool,
    /// Whether it has a peer.
    pub connected: bool,
    /// The inode of the socket itself, the number in `socket:[…]`. 0 for a connection that is not accepted yet.
    pub inode: u64,
    /// The path it is bound to, or NUL and its abstract name, in which every `@` may stand for a NUL.
    pub name: Option<Cow<'a, [u8]>>,
}

/// The entries of the file, in its order, see [`sockets`].
#[derive(Debug, Clone)]
pub struct Sockets<'a> {
    text: &'a [u8],
    /// Where the next line starts.
    offset: usize,
    /// What was found there when the entry before was looked for its end.
    ahead: Option<Head>,
}

/// Reads the content of /proc/net/unix; a first line of column names is passed over.
///
/// A line that is neither an entry nor the rest of a name, and a last line that is cut short, is an error; the entries
/// after it are still read.
///
/// # Examples
///
/// ```
/// let text = b"\
/// Num       RefCount Protocol Flags    Type St Inode Path
/// 0000000000000000: 00000002 00000000 00010000 0001 01 15343 /run/app.sock
/// 0000000000000000: 00000002 00000000 00010000 0001 01 16209 @/tmp/.X11-unix/X0
/// ";
/// let names: Vec<_> = sockeye_wire::proc::net_unix::sockets(text)
///     .map(|entry| entry.map(|entry| entry.name))
///     .collect::<Result<_, _>>()?;
/// assert_eq!(names[0].as_deref(), Some(&b"/run/app.sock"[..]));
/// assert_eq!(names[1].as_deref(), Some(&b"\0/tmp/.X11-unix/X0"[..]));
/// # Ok::<(), sockeye_wire::Malformed>(())
/// ```
pub fn sockets(text: &[u8]) -> Sockets<'_> {
    let mut sockets = Sockets {
        text,
        offset: 0,
        ahead: None,
    };
    if text.starts_with(b"Num ") {
        sockets.offset = memchr(b'\n', text).map_or(text.len(), |newline| newline + 1);
    }
    sockets
}

impl<'a> Iterator for Sockets<'a> {
    type Item = Result<Entry<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.offset;
        let text = self.text;
        let line = text.get(start..).filter(|line| !line.is_empty())?;
        let head = self.ahead.take().or_else(|| Head::parse(line));
        let named = head.as_ref().is_some_and(|head| head.name.is_some());
        let Some(end) = self.skip(line, named) else {
            return Some(Err(malformed(start, "last line cut short")));
        };
        let Some(head) = head else {
            return Some(Err(malformed(start, "line is no socket")));
        };
        let name = head.name.and_then(|from| text.get(start + from..end));
        Some(Ok(Entry {
            kind: head.kind,
            listening: head.listening,
            connected: head.connected,
            inode: head.inode,
            name: name.map(name_of),
        }))
    }
}

impl std::iter::FusedIterator for Sockets<'_> {}

impl Sockets<'_> {
    /// Moves behind the line and, when it has a name, behind the lines that are the rest of the name. Gives the end of
    /// the last one; `None` when it has no newline and may be cut short.
    fn skip(&mut self, line: &[u8], named: bool) -> Option<usize> {
        let mut length = 0;
        loop {
            let rest = line.get(length..).unwrap_or_default();
            let Some(newline) = memchr(b'\n', rest) else {
                self.offset = self.text.len();
                return None;
            };
            let end = self.offset + length + newline;
            length += newline + 1;
            let next = line.get(length..).unwrap_or_default();
            self.ahead = Head::parse(next);
            if !named || next.is_empty() || self.ahead.is_some() {
                self.offset = end + 1;
                return Some(end);
            }
        }
    }
}

const fn malformed(offset: usize, what: &'static str) -> Malformed {
    Malformed {
        format: "/proc/net/unix",
        offset,
        what,
    }
}

const SO_ACCEPTCON: u64 = 0x10000;
const SS_CONNECTED: u64 = 3;

/// The columns of a line before the name.
#[derive(Debug, Clone)]
struct Head {
    kind: Option<Kind>,
    listening: bool,
    connected: bool,
    inode: u64,
    /// Where in the line the name starts.
    name: Option<usize>,
}

impl Head {
    /// Reads the line at the start of `text`.
    fn parse(text: &[u8]) -> Option<Self> {
        let mut rest = text;
        hexadecimal(column(&mut rest)?.strip_suffix(b":")?)?;
        let _references = hexadecimal(column(&mut rest)?)?;
        let _protocol = hexadecimal(column(&mut rest)?)?;
        let flags = hexadecimal(column(&mut rest)?)?;
        let kind = hexadecimal(column(&mut rest)?)?;
        let state = hexadecimal(column(&mut rest)?)?;
        // The inode is padded on the left to five places.
        let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
        let rest = rest.get(blanks..)?;
        let end = rest.iter().position(|byte| !byte.is_ascii_digit())?;
        let (inode, rest) = rest.split_at_checked(end)?;
        let name = match rest.first()? {
            b' ' => Some(text.len() - rest.len() + 1),
            b'\n' => None,
            _ => return None,
        };
        Some(Self {
            kind: match kind {
                1 => Some(Kind::Stream),
                2 => Some(Kind::Datagram),
                5 => Some(Kind::Seqpacket),
                _ => None,
            },
            listening: flags & SO_ACCEPTCON != 0,
            connected: state == SS_CONNECTED,
            inode: decimal(inode)?,
            name,
        })
    }
}

/// Takes the bytes up to the next blank, and the blank.
fn column<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    // No column is longer than the address of a 64-bit kernel and its colon: do not search the whole text.
    let end = rest.iter().take(18).position(|byte| *byte == b' ')?;
    let (column, after) = rest.split_at_checked(end)?;
    *rest = after.get(1..)?;
    Some(column)
}

fn name_of(name: &[u8]) -> Cow<'_, [u8]> {
    match name.split_first() {
        Some((b'@', rest)) => Cow::Owned([b"\0", rest].concat()),
        _ => Cow::Borrowed(name),
    }
}

#[cfg(test)]
mod tests;

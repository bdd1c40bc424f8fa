//! What a stream keeps of the sends that filled it.

use std::io;
use std::os::fd::AsFd;

use crate::sys;

/// How many bytes at the head of the queue of a Unix stream socket come in whole pieces that fit into `buffer`, before
/// the first that does not; 0 when the first does not, or nothing is queued. Nothing is taken; `buffer` is overwritten.
///
/// A stream has no boundaries for its users, but the kernel keeps what each send put into it as one piece or several, and
/// descriptors belong to a piece. A receive tells that descriptors came with its bytes, not with which of them; this
/// tells where they begin: [`Connection::receive_message`](crate::Connection::receive_message) ends behind a piece that has
/// descriptors, so all but the last byte of what it would give is a buffer that this piece does not fit into.
///
/// It asks the kernel to copy one byte more than fits to where nothing can be written. It then answers with the pieces
/// that it had copied whole (`unix_stream_read_generic`, `net/unix/af_unix.c`, leaves at the first that fails).
///
/// # Examples
/// ```
/// use sockeye_socket::{Connection, Kind, Life, whole_pieces};
///
/// let (near, far) = Connection::pair(Kind::Stream, &Life::default())?;
/// near.send_all(b"plain")?;
/// near.send_message(b"with one", &[std::fs::File::open("/dev/null")?])?;
/// assert_eq!(whole_pieces(&far, &mut [0; 12])?, 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`io::ErrorKind::WouldBlock`] when nothing is queued and more may come; otherwise what the kernel said.
pub fn whole_pieces(socket: impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    Ok(sys::whole_pieces(socket.as_fd(), buffer)?)
}

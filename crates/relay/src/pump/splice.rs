//! Bulk: pages are handed from socket to socket through a pipe, and no byte is copied.
//!
//! `splice` drops passed descriptors without a word, so of a Unix socket only bytes are moved that are known to have
//! none: see [`sockeye_socket::RightsGauge`].

use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use rustix::pipe::{SpliceFlags, splice};
use sockeye_socket::RightsGauge;
use std::os::fd::BorrowedFd;

use super::pipes::Pipe;
use super::{Broken, Flow};
use crate::end::socket::{Arrived, Room, Socket, Speech};

/// What a copy through the thread's buffer moves as fast.
pub(super) const SMALL_BYTES: usize = 16 * 1024;
/// Less than what a sender may have under way, as a rule (`net.core.wmem_default`).
const FEW_BYTES: u64 = 160 * 1024;
/// So many small pieces in a row, and bulk is over.
pub(super) const SMALL_IN_A_ROW: u32 = 16;
/// A connection that is silent for so long gives back what bulk needs.
pub(super) const SILENCE: Duration = Duration::from_secs(1);

/// Why bulk was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// The source has ended.
    End,
    /// What comes is better copied.
    Small,
}

/// Moves bytes while they come in bulk.
pub(crate) async fn run(
    source: &Socket,
    room: &mut Room<'_>,
    flow: &Flow<'_>,
) -> Result<Left, Broken> {
    let gauge = match source.speech() {
        Speech::Bytes => None,
        // Without it nothing may be spliced.
        _ => match RightsGauge::open(source) {
            Some(gauge) => Some(gauge),
            None => return Ok(Left::Small),
        },
    };
    let mut small_in_a_row = 0;
    while small_in_a_row < SMALL_IN_A_ROW && !flow.is_leaving() {
        let next = source.receive(|socket| load(socket, gauge.as_ref(), flow));
        let load = match tokio::time::timeout(SILENCE, next).await {
            Ok(load) => load.map_err(Broken::Source)?,
            Err(_) => return Ok(Left::Small),
        };
        let (pipe, length_bytes) = match load {
            Load::Pipe { pipe, length_bytes } => (pipe, length_bytes),
            Load::End => return Ok(Left::End),
            Load::NotNow => return Ok(Left::Small),
        };
        unload(&pipe, length_bytes, room).await?;
        flow.passed();
        pipe.keep();
        small_in_a_row = if length_bytes < SMALL_BYTES {
            small_in_a_row + 1
        } else {
            0
        };
    }
    Ok(Left::Small)
}

/// What was taken from the source.
enum Load {
    Pipe {
        pipe: Pipe,
        length_bytes: usize,
    },
    End,
    /// No pipe is to be had, descriptors are queued, or this socket cannot be spliced.
    NotNow,
}

impl Arrived for Load {
    fn was_all(&self) -> bool {
        false
    }
}

fn load(
    socket: BorrowedFd<'_>,
    gauge: Option<&RightsGauge>,
    flow: &Flow<'_>,
) -> Result<Load, Errno> {
    gather(socket);
    let mut most_bytes = usize::MAX;
    if let Some(gauge) = gauge {
        most_bytes = match gauge.plain_bytes(socket).map_err(|_| Errno::IO)? {
            None => return Ok(Load::NotNow),
            Some(0) if has_ended(socket)? => return Ok(Load::End),
            // Something has come meanwhile; how much is not known yet.
            Some(0) => return Err(Errno::INTR),
            Some(bytes) => bytes,
        };
    }
    let Some(pipe) = Pipe::take() else {
        return Ok(Load::NotNow);
    };
    let flags = SpliceFlags::NONBLOCK | SpliceFlags::MOVE;
    match splice(
        socket,
        None,
        pipe.writer(),
        None,
        most_bytes.min(pipe.most_bytes()),
        flags,
    ) {
        Ok(0) => {
            pipe.keep();
            Ok(Load::End)
        }
        Ok(length_bytes) => {
            flow.passes(length_bytes);
            Ok(Load::Pipe { pipe, length_bytes })
        }
        Err(number) => {
            pipe.keep();
            match number {
                // A kernel or a family that cannot.
                Errno::INVAL | Errno::OPNOTSUPP => Ok(Load::NotNow),
                number => Err(number),
            }
        }
    }
}

/// Lets the source add to a little, once: it is woken and so are we for each piece it sends, and a transfer of many small
/// loads is mostly wake-ups. (With fewer processors than programs it moved a quarter more, with enough of them it costs a
/// microsecond.)
pub(super) fn gather(socket: BorrowedFd<'_>) {
    // Not every family counts what is queued: vsock has not always.
    let queued_bytes = rustix::io::ioctl_fionread(socket).unwrap_or(0);
    if (1..FEW_BYTES).contains(&queued_bytes) {
        std::thread::yield_now();
    }
}

/// Whether nothing is queued because nothing more will come.
fn has_ended(socket: BorrowedFd<'_>) -> Result<bool, Errno> {
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
    match recv(socket, &mut [0; 1], flags) {
        Ok((0, _)) => Ok(true),
        Ok(_) => Ok(false),
        Err(number) => Err(number),
    }
}

async fn unload(pipe: &Pipe, length_bytes: usize, room: &mut Room<'_>) -> Result<(), Broken> {
    let mut rest_bytes = length_bytes;
    let flags = SpliceFlags::NONBLOCK | SpliceFlags::MOVE;
    while rest_bytes > 0 {
        let moved = room
            .send(|socket| splice(pipe.reader(), None, socket, None, rest_bytes, flags))
            .await
            .map_err(Broken::Sink)?;
        rest_bytes -= moved.min(rest_bytes);
    }
    Ok(())
}

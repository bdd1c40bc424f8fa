//! Bulk to the network: copied, in large pieces.
//!
//! TCP makes few large segments of few large sends. What `splice` hands it are the pieces of a Unix socket, a page or some,
//! and each costs a fragment: over the loopback that took twice the time of two copies.

use std::cell::{Cell, RefCell};
use std::os::fd::BorrowedFd;

use rustix::io::Errno;

use super::splice::{Left, SILENCE, SMALL_BYTES, SMALL_IN_A_ROW, gather};
use super::{Broken, Flow, passed};
use crate::end::socket::{Arrived, Room, Socket, Speech};

const BUFFER_BYTES: usize = 512 * 1024;
/// Buffers that one thread may have in use; further connections go on in small pieces.
const MOST_IN_USE: usize = 32;
/// Buffers kept without a transfer, for each thread.
const KEPT: usize = 2;

thread_local! {
    static IDLE: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
    static IN_USE: Cell<usize> = const { Cell::new(0) };
}

/// A large buffer, given back when it is dropped.
struct Buffer(Box<[u8]>);

impl Buffer {
    fn take() -> Option<Self> {
        let in_use = IN_USE.get();
        if in_use == MOST_IN_USE {
            return None;
        }
        IN_USE.set(in_use + 1);
        let kept = IDLE.with_borrow_mut(Vec::pop);
        Some(Buffer(
            kept.unwrap_or_else(|| vec![0; BUFFER_BYTES].into_boxed_slice()),
        ))
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        IN_USE.set(IN_USE.get().saturating_sub(1));
        let bytes = std::mem::take(&mut self.0);
        IDLE.with_borrow_mut(|idle| {
            if idle.len() < KEPT {
                idle.push(bytes);
            }
        });
    }
}

/// Moves bytes while they come in bulk.
pub(super) async fn run(
    source: &Socket,
    room: &mut Room<'_>,
    flow: &Flow<'_>,
) -> Result<Left, Broken> {
    let mut small_in_a_row = 0;
    while small_in_a_row < SMALL_IN_A_ROW && !flow.is_leaving() {
        let next = source.receive(|socket| load(socket, source.speech(), flow));
        let load = match tokio::time::timeout(SILENCE, next).await {
            Ok(load) => load.map_err(Broken::Source)?,
            Err(_) => return Ok(Left::Small),
        };
        match load {
            Load::Full {
                buffer,
                length_bytes,
            } => {
                small_in_a_row = if length_bytes < SMALL_BYTES {
                    small_in_a_row + 1
                } else {
                    0
                };
                unload(&buffer.0[..length_bytes], room).await?;
                flow.passed();
            }
            Load::End => return Ok(Left::End),
            Load::NoBuffer => return Ok(Left::Small),
            Load::Broken(broken) => return Err(broken),
        }
    }
    Ok(Left::Small)
}

/// What was taken from the source.
enum Load {
    Full { buffer: Buffer, length_bytes: usize },
    End,
    NoBuffer,
    Broken(Broken),
}

impl Arrived for Load {
    fn was_all(&self) -> bool {
        false
    }
}

fn load(socket: BorrowedFd<'_>, speech: Speech, flow: &Flow<'_>) -> Result<Load, Errno> {
    gather(socket);
    let Some(mut buffer) = Buffer::take() else {
        return Ok(Load::NoBuffer);
    };
    let taken = if speech.passes_descriptors() {
        passed::take_passed(socket, &mut buffer.0)?
    } else {
        passed::take_plain(socket, &mut buffer.0)?
    };
    if let Err(broken) = flow.admit(&taken.descriptors, taken.descriptors_lost) {
        return Ok(Load::Broken(broken));
    }
    if taken.length_bytes == 0 {
        return Ok(Load::End);
    }
    flow.passes(taken.length_bytes);
    Ok(Load::Full {
        buffer,
        length_bytes: taken.length_bytes,
    })
}

async fn unload(mut rest: &[u8], room: &mut Room<'_>) -> Result<(), Broken> {
    while !rest.is_empty() {
        let sent = room
            .send(|socket| passed::put(socket, rest, &[], None))
            .await
            .map_err(Broken::Sink)?;
        rest = rest.get(sent..).unwrap_or_default();
    }
    Ok(())
}

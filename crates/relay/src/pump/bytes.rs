//! One direction between two sockets that speak bytes, at full speed.
//!
//! Small pieces are received into one buffer of the thread and sent from it at once, so that an idle connection holds no
//! buffer; what the sink does not take is set aside until it does, and nothing is received meanwhile: that is the
//! back-pressure. A source that keeps filling the buffer is moved by `splice`, which copies nothing, or to the
//! network in large copies.

use std::cell::RefCell;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;

use super::passed::{self, Taken};
use super::splice::{self, Left};
use super::{Broken, Flow, large};
use crate::end::socket::{Arrived, Room, Socket, Speech};
use crate::plan::Descriptors;

const BUFFER_BYTES: usize = 64 * 1024;
/// So many full buffers in a row are no accident.
const FULL_IN_A_ROW: u32 = 2;

thread_local! {
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; BUFFER_BYTES].into_boxed_slice());
}

/// Moves everything from `source` to `sink` until the source ends.
pub(crate) async fn copy(source: &Socket, sink: &Socket, flow: &Flow<'_>) -> Result<(), Broken> {
    let mut room = Room::of(sink);
    let mut full_in_a_row = 0;
    while !flow.is_leaving() {
        if full_in_a_row >= FULL_IN_A_ROW {
            let left = match sink.speech() {
                Speech::UnixBytes => Box::pin(splice::run(source, &mut room, flow)).await?,
                _ => Box::pin(large::run(source, &mut room, flow)).await?,
            };
            if left == Left::End {
                flow.end();
                return Ok(());
            }
            full_in_a_row = 0;
            room.rest();
        }
        let piece = source
            .receive(|socket| {
                BUFFER.with_borrow_mut(|buffer| {
                    let taken = take(source.speech(), flow.terms.descriptors, socket, buffer)?;
                    Ok(Piece::forward(taken, buffer, sink.as_fd(), flow))
                })
            })
            .await
            .map_err(Broken::Source)?;
        if piece.is_end() {
            flow.end();
            return Ok(());
        }
        full_in_a_row = if piece.length_bytes == BUFFER_BYTES {
            full_in_a_row + 1
        } else {
            0
        };
        piece.finish(&mut room).await?;
        flow.passed();
    }
    Ok(())
}

fn take(
    speech: Speech,
    descriptors: Descriptors,
    socket: BorrowedFd<'_>,
    buffer: &mut [u8],
) -> Result<Taken, Errno> {
    match (speech, descriptors) {
        (Speech::Bytes, _) => {
            let mut taken = passed::take_plain(socket, buffer)?;
            taken.all = taken.length_bytes > 0 && taken.length_bytes < buffer.len();
            Ok(taken)
        }
        (_, Descriptors::Pass { .. }) => passed::take(socket, buffer),
        (_, Descriptors::Refuse) => passed::take_passed(socket, buffer),
    }
}

/// What was received, and what of it is still to be sent.
#[derive(Debug)]
struct Piece {
    length_bytes: usize,
    all: bool,
    rest: Vec<u8>,
    descriptors: Vec<OwnedFd>,
    broken: Option<Broken>,
}

impl Arrived for Piece {
    fn was_all(&self) -> bool {
        self.all
    }
}

impl Piece {
    /// Sends what can be sent without waiting.
    fn forward(taken: Taken, buffer: &[u8], sink: BorrowedFd<'_>, flow: &Flow<'_>) -> Self {
        flow.passes(taken.length_bytes);
        let mut piece = Piece {
            length_bytes: taken.length_bytes,
            all: taken.all,
            rest: Vec::new(),
            descriptors: taken.descriptors,
            broken: None,
        };
        if let Err(broken) = flow.admit(&piece.descriptors, taken.descriptors_lost) {
            piece.broken = Some(broken);
            return piece;
        }
        let data = &buffer[..taken.length_bytes];
        if data.is_empty() {
            return piece;
        }
        match passed::put(sink, data, &piece.descriptors, None) {
            Ok(sent) => {
                piece.descriptors.clear();
                piece.rest.extend_from_slice(&data[sent..]);
            }
            Err(Errno::AGAIN | Errno::INTR) => piece.rest.extend_from_slice(data),
            Err(number) => piece.broken = Some(Broken::Sink(number.into())),
        }
        piece
    }

    fn is_end(&self) -> bool {
        self.length_bytes == 0 && self.broken.is_none()
    }

    /// Sends the rest.
    async fn finish(mut self, room: &mut Room<'_>) -> Result<(), Broken> {
        if let Some(broken) = self.broken {
            return Err(broken);
        }
        let mut rest = self.rest.as_slice();
        while !rest.is_empty() {
            let sent = room
                .send(|socket| passed::put(socket, rest, &self.descriptors, None))
                .await
                .map_err(Broken::Sink)?;
            self.descriptors.clear();
            rest = &rest[sent..];
        }
        Ok(())
    }
}

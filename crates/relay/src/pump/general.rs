//! One direction between any two ends, through the faults that were asked for.

use std::future::pending;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;

use super::translate::Translation;
use super::{Broken, Flow};
use crate::end::socket::Socket;
use crate::end::{Piece, Reader, Writer};
use crate::fault::{Chain, Direction, Line, Passing, Settings, What};

/// One direction.
pub(crate) struct Lane<'a> {
    pub(crate) reader: Reader<'a>,
    pub(crate) writer: Writer<'a>,
    /// Whose hang-up can be told, when it has said all.
    pub(crate) source: Option<&'a Socket>,
    pub(crate) translation: Translation,
    /// Whether messages pass, or bytes.
    pub(crate) passing: Passing,
}

/// Moves everything from the reader to the writer, until the reader has ended and that was passed on.
pub(crate) async fn copy(
    mut lane: Lane<'_>,
    flow: &Flow<'_>,
    mut faults: watch::Receiver<Arc<Settings>>,
) -> Result<(), Broken> {
    if flow.has_ended() {
        return Ok(()); // before it came to this
    }
    let position = Line {
        connection: flow.terms.connection.0,
        direction: flow.direction,
    };
    let mut chain = {
        let settings = Arc::clone(&faults.borrow_and_update());
        Chain::new(&settings, position, lane.passing, Instant::now())
    };
    // The source may have ended while messages of what it sent are still to be taken.
    let mut is_all = false;
    loop {
        while let Some(what) = chain.take(Instant::now()) {
            if send(&mut lane.writer, what, &mut chain, flow).await? {
                return drain(lane, flow).await;
            }
        }
        flow.passed();
        let wake_at = chain.wake_at();
        let may_receive = !is_all && !chain.is_full();
        tokio::select! {
            received = lane.translation.next(&mut lane.reader, chain.room_bytes(), flow), if may_receive => {
                let received = received?;
                is_all = received.is_none();
                chain.pass(received.map_or(What::End, what), Instant::now());
            }
            () = sleep_until(wake_at) => {}
            // Swallowed by a black hole. A client that has gone is the end of it; a target that has gone is what it hides.
            () = hung_up(lane.source), if is_all && wake_at.is_none() && flow.direction == Direction::Up => {
                return Err(Broken::HungUp);
            }
            Ok(()) = faults.changed() => {
                let settings = Arc::clone(&faults.borrow_and_update());
                chain.reconfigure(&settings, Instant::now());
            }
        }
    }
}

fn what(piece: Piece) -> What {
    What::Data {
        bytes: piece.bytes,
        descriptors: piece.descriptors,
    }
}

/// Sends; whether it was the end.
async fn send(
    writer: &mut Writer<'_>,
    what: What,
    chain: &mut Chain,
    flow: &Flow<'_>,
) -> Result<bool, Broken> {
    match what {
        What::Data { bytes, descriptors } => {
            let sending = writer.send(&bytes, descriptors, flow);
            tokio::pin!(sending);
            loop {
                tokio::select! {
                    biased;
                    sent = &mut sending => return sent.map(|()| false),
                    () = sleep_until(chain.breaks_at()) => {
                        if let Some(what) = chain.take_break(Instant::now()) {
                            return Err(broken_by(&what));
                        }
                    }
                }
            }
        }
        What::End => {
            writer.end().await;
            Ok(true)
        }
        what => Err(broken_by(&what)),
    }
}

fn broken_by(what: &What) -> Broken {
    Broken::Fault {
        reset: matches!(what, What::Reset),
    }
}

/// After the end was passed on: the source may go on if a fault ended it, and is heard so that it need not wait.
async fn drain(mut lane: Lane<'_>, flow: &Flow<'_>) -> Result<(), Broken> {
    while !flow.has_ended() {
        lane.translation
            .next(&mut lane.reader, usize::MAX, flow)
            .await?;
        flow.passed();
    }
    Ok(())
}

async fn sleep_until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant.into()).await,
        None => pending().await,
    }
}

/// Waits until the peer has closed altogether; for ever, where that cannot be told.
pub(super) async fn hung_up(socket: Option<&Socket>) {
    match socket {
        Some(socket) => socket.hung_up().await,
        None => pending().await,
    }
}

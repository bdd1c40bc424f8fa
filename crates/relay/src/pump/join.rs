//! Both directions of a connection, until both have ended.

use std::future::{pending, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::io::Errno;
use tokio::sync::watch;

use super::general::{self, Lane, hung_up};
use super::translate::Translation;
use super::{Broken, Flow, Terms, bytes};
use crate::datagram::Session;
use crate::end::socket::{Room, Socket};
use crate::end::{Leg, Reader, Writer, reset_at_close};
use crate::event::End;
use crate::fault::{Direction, Passing, Settings};
use crate::shared::{FAULTS, Live, Phase};

/// Joins two ends.
///
/// Each direction lives until its source ends, for as long as it takes: the end of one is passed on and the other goes
/// on (half-close). When an end that has said all closes altogether, what the other still says has no reader, and the
/// connection is over.
pub(crate) async fn join(client: Leg, target: Leg, terms: &Terms<'_>, live: &Live) -> End {
    let up = Flow::new(terms, Direction::Up, &live.up_bytes);
    let down = Flow::new(terms, Direction::Down, &live.down_bytes);
    // A session is asked whether a message has come at the last moment: see `session_ends`.
    let is_session = matches!(client, Leg::Session(_));
    let silent = async {
        match &terms.activity {
            Some(activity) if !is_session => activity.silence().await,
            _ => pending().await,
        }
    };
    let joined = async {
        if let (Some(client), Some(target)) = (client.byte_socket(), target.byte_socket())
            && terms.identity.is_none()
            && !terms.shared.plan.dump
            && let Some(end) = full_speed(client, target, (&up, &down), live).await
        {
            return end;
        }
        // Its state is large, and most connections never need it.
        let faults = terms.shared.faults.subscribe();
        Box::pin(with_all(client, target, &up, &down, faults)).await
    };
    tokio::select! {
        biased;
        end = joined => end,
        () = silent => End::Idle,
    }
}

/// Two sockets that speak bytes; `None` when faults come in the way.
async fn full_speed(
    client: &Socket,
    target: &Socket,
    (up, down): (&Flow<'_>, &Flow<'_>),
    live: &Live,
) -> Option<End> {
    let faults = &up.terms.shared.faults;
    let is_clear = || is_clear(&faults.borrow());
    // What has come already would pass at the first poll.
    if !is_clear() {
        return None;
    }
    let upward = pin!(one_way(client, target, up));
    let downward = pin!(one_way(target, client, down));
    let mut up = Way::new(upward, client, up);
    let mut down = Way::new(downward, target, down);
    let mut slower = false;
    let outcome = poll_fn(|context| {
        if !slower && live.hears(FAULTS) != 0 && !is_clear() {
            slower = true;
            up.leave(one_way(client, target, up.flow));
            down.leave(one_way(target, client, down.flow));
        }
        up.poll(context)?;
        down.poll(context)?;
        if up.is_over() && down.is_over() {
            return Poll::Ready(Ok(End::Complete));
        }
        if up.has_left(context) {
            return Poll::Ready(Ok(End::HungUp(Direction::Up)));
        }
        if down.has_left(context) {
            return Poll::Ready(Ok(End::HungUp(Direction::Down)));
        }
        Poll::Pending
    })
    .await;
    Some(match outcome {
        Ok(end) => end,
        Err((direction, broken)) => {
            reset(&broken, direction, client, target).await;
            end_of(direction, broken)
        }
    })
}

fn is_clear(faults: &Settings) -> bool {
    faults.is_clear(Direction::Up) && faults.is_clear(Direction::Down)
}

/// One direction at full speed.
struct Way<'w, 'a, F> {
    work: Pin<&'w mut F>,
    source: &'a Socket,
    flow: &'a Flow<'a>,
    done: bool,
}

impl<'w, 'a, F: Future<Output = Result<(), Broken>>> Way<'w, 'a, F> {
    fn new(work: Pin<&'w mut F>, source: &'a Socket, flow: &'a Flow<'a>) -> Self {
        Way {
            work,
            source,
            flow,
            done: false,
        }
    }

    /// Leaves full speed: at once, by `again`, unless something is on its way.
    fn leave(&mut self, again: F) {
        self.flow.leave();
        if !self.done && !self.flow.is_holding() {
            self.work.set(again);
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Result<(), (Direction, Broken)> {
        if self.done {
            return Ok(());
        }
        match self.work.as_mut().poll(context) {
            Poll::Pending => Ok(()),
            Poll::Ready(result) => {
                self.done = true;
                result.map_err(|broken| (self.flow.direction, broken))
            }
        }
    }

    fn is_over(&self) -> bool {
        self.done && self.flow.has_ended()
    }

    /// Whether the source has closed altogether, after it has said all.
    fn has_left(&self, context: &mut Context<'_>) -> bool {
        self.is_over() && self.source.poll_hung_up(context).is_ready()
    }
}

/// Moves all, then passes the end on.
async fn one_way(source: &Socket, sink: &Socket, flow: &Flow<'_>) -> Result<(), Broken> {
    let moved = match bytes::copy(source, sink, flow).await {
        Ok(()) if flow.is_leaving() && !flow.has_ended() => slower(source, sink, flow).await,
        Ok(()) => {
            sink.end();
            Ok(())
        }
        moved => moved,
    };
    match moved {
        // The sink reads no more, but it may still say something.
        Err(Broken::Sink(error)) if is_gone(&error) => {
            source.refuse_more();
            flow.passed();
            flow.end();
            Ok(())
        }
        moved => moved,
    }
}

/// Goes on with faults. Each direction does so on its own: the other may stand still until this one has moved.
async fn slower(source: &Socket, sink: &Socket, flow: &Flow<'_>) -> Result<(), Broken> {
    let lane = Lane {
        reader: Reader::Socket(source),
        writer: Writer::Socket(Room::of(sink)),
        source: Some(source),
        translation: Translation::None,
        passing: Passing::Bytes,
    };
    // Its state is large, and most connections never need it.
    Box::pin(general::copy(
        lane,
        flow,
        flow.terms.shared.faults.subscribe(),
    ))
    .await
}

/// Any two ends, with faults.
async fn with_all(
    client: Leg,
    target: Leg,
    up: &Flow<'_>,
    down: &Flow<'_>,
    faults: watch::Receiver<Arc<Settings>>,
) -> End {
    let has_messages = (client.has_messages(), target.has_messages());
    let (mut client, mut target) = (client.halves(), target.halves());
    let outcome = {
        let (client, target) = (client.borrow(), target.borrow());
        let framing = up.terms.shared.plan.framing;
        let upward = general::copy(
            Lane {
                reader: client.reader,
                writer: target.writer,
                source: client.socket,
                translation: Translation::between(has_messages.0, has_messages.1, framing),
                passing: passing(has_messages.1),
            },
            up,
            faults.clone(),
        );
        let downward = general::copy(
            Lane {
                reader: target.reader,
                writer: client.writer,
                source: target.socket,
                translation: Translation::between(has_messages.1, has_messages.0, framing),
                passing: passing(has_messages.0),
            },
            down,
            faults,
        );
        tokio::select! {
            biased;
            outcome = both(upward, downward, client.socket, target.socket) => outcome,
            () = session_ends(client.session, up.terms) => Ok(End::Silent),
        }
    };
    match outcome {
        Ok(end) => end,
        Err((direction, broken)) => {
            if let Broken::Fault { reset: true } = broken {
                tokio::join!(client.reset_at_close(), target.reset_at_close());
            }
            end_of(direction, broken)
        }
    }
}

/// While the relay drains, a session that is silent for so long has said all.
const LAST_SILENCE: Duration = Duration::from_millis(500);

/// Waits until a session has been silent for long enough, and nothing waits in it.
async fn session_ends(session: Option<&Session>, terms: &Terms<'_>) {
    let (Some(session), Some(activity)) = (session, &terms.activity) else {
        return pending().await;
    };
    let mut phase = terms.shared.phase.subscribe();
    let draining = async {
        // The relay outlives its sessions, and says when it drains.
        let _ = phase.wait_for(|phase| *phase >= Phase::Draining).await;
        activity.quiet_for(LAST_SILENCE).await;
    };
    tokio::pin!(draining);
    loop {
        tokio::select! {
            () = &mut draining => return,
            () = activity.silence() => {}
        }
        if session.retire() {
            return;
        }
        activity.note();
    }
}

const fn passing(messages: bool) -> Passing {
    if messages {
        Passing::Messages
    } else {
        Passing::Bytes
    }
}

async fn both(
    upward: impl Future<Output = Result<(), Broken>>,
    downward: impl Future<Output = Result<(), Broken>>,
    client: Option<&Socket>,
    target: Option<&Socket>,
) -> Result<End, (Direction, Broken)> {
    tokio::pin!(upward, downward);
    let (mut up_done, mut down_done) = (false, false);
    loop {
        tokio::select! {
            biased;
            result = &mut upward, if !up_done => {
                up_done = true;
                pass_over(result, client).map_err(|broken| (Direction::Up, broken))?;
            }
            result = &mut downward, if !down_done => {
                down_done = true;
                pass_over(result, target).map_err(|broken| (Direction::Down, broken))?;
            }
            () = hung_up(client), if up_done => return Ok(End::HungUp(Direction::Up)),
            () = hung_up(target), if down_done => return Ok(End::HungUp(Direction::Down)),
        }
        if up_done && down_done {
            return Ok(End::Complete);
        }
    }
}

/// A sink that reads no more ends its direction only.
fn pass_over(result: Result<(), Broken>, source: Option<&Socket>) -> Result<(), Broken> {
    match result {
        Err(Broken::Sink(error)) if is_gone(&error) => {
            if let Some(source) = source {
                source.refuse_more();
            }
            Ok(())
        }
        result => result,
    }
}

/// A reset is passed on, or made.
async fn reset(broken: &Broken, direction: Direction, client: &Socket, target: &Socket) {
    if let Broken::Fault { reset: true } = broken {
        tokio::join!(reset_at_close(client), reset_at_close(target));
    }
    let other = match direction {
        Direction::Up => target,
        Direction::Down => client,
    };
    if matches!(broken, Broken::Source(error) if is_gone(error)) {
        other.reset_at_close();
    }
}

fn end_of(direction: Direction, broken: Broken) -> End {
    let other = match direction {
        Direction::Up => Direction::Down,
        Direction::Down => Direction::Up,
    };
    match broken {
        Broken::Source(error) if is_gone(&error) => End::Reset(direction),
        Broken::Source(error) | Broken::Sink(error) => End::Failed(error),
        Broken::SourceTls(error) => End::Tls(direction, error),
        Broken::SinkTls(error) => End::Tls(other, error),
        Broken::Descriptors(refused) => End::Descriptors(direction, refused),
        Broken::Framing(error) => End::Framing(direction, Box::new(error)),
        Broken::Fault { .. } => End::Fault,
        Broken::HungUp => End::HungUp(direction),
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::PIPE | Errno::CONNRESET)
    )
}

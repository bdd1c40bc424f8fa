//! Keeps `ssh` running: the thread of a master.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sockeye_address::Name;
use tokio::runtime::Builder;

use super::session::Session;
use super::{Failure, Notice, Shared, State};

const FIRST_REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(30);

/// Starts the thread.
pub(super) fn spawn(shared: Arc<Shared>) -> io::Result<JoinHandle<()>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new()
        .name("relay-ssh".into())
        .spawn(move || runtime.block_on(keep(&shared)))
}

async fn keep(shared: &Shared) {
    let mut stop = shared.stop.subscribe();
    tokio::select! {
        biased;
        _ = stop.wait_for(|stop| *stop) => {}
        () = keep_on(shared) => {}
    }
}

/// What has worked is started again by itself. What has not is only tried again for somebody who waits: each attempt is
/// a failed login at the other machine, and some count these.
async fn keep_on(shared: &Shared) {
    let mut rest = FIRST_REST;
    for attempt in 1_u64.. {
        let (failure, lasted) = run(shared).await;
        if lasted.is_some_and(|lasted| lasted >= rest) {
            rest = FIRST_REST;
        }
        shared.tell(&Notice::Down(&failure, rest));
        let until = Instant::now() + rest;
        shared.state.send_replace(State::Resting {
            attempt,
            failure: Arc::new(failure),
            until,
        });
        tokio::time::sleep_until(until.into()).await;
        if lasted.is_none() {
            shared.somebody_waits().await;
        }
        rest = (rest * 2).min(LONGEST_REST);
        shared.state.send_replace(State::Trying);
    }
}

/// One `ssh`, from its start to its end: why it ended, and how long it served, if it did.
async fn run(shared: &Shared) -> (Failure, Option<Duration>) {
    let mut hear = |line: &str| shared.hear(line);
    let mut session = match Session::start(&shared.settings, &shared.path) {
        Ok(session) => session,
        Err(failure) => return (failure, None),
    };
    let connected = session.connected(&shared.settings, &shared.path, &mut hear);
    let near = match connected.await {
        Ok(near) => near,
        Err(failure) => return (failure, None),
    };
    let began = Instant::now();
    shared
        .state
        .send_replace(State::Up(Arc::new(Name::Path(near))));
    shared.tell(&Notice::Up);
    let failure = session.ended(&mut hear).await;
    (failure, Some(began.elapsed()))
}

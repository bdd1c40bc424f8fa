//! Relays that run, from their opening to their end.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sockeye_address::Address;
use sockeye_relay::control::{self, Server};
use sockeye_relay::metrics::{self, Metrics};
use sockeye_relay::{Event, HandedOver, Handle, Observer, Plan, Relay, Workers};
use tokio::sync::watch;
use tokio::task::{JoinSet, LocalSet};

use super::args::{LogForm, Process};
use super::ending::chain;
use super::log::{Log, OfRelay, What};
use super::manager::{Manager, Word};
use super::quantity::{count, span};
use super::refusal::{cannot_control, cannot_run, cannot_serve_metrics};
use super::resolve::{self, bare};
use super::signals::{Asked, Requests};
use super::summary::Tally;
use crate::Exit;
use crate::error::{Error, error_with};

/// When no connection is left that may be waited for, commands and `ssh` end within so long. Only whoever reads our
/// standard output can take longer.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Runs relays until all have ended.
pub(super) fn all(
    mut plans: Vec<Plan>,
    metrics: Option<metrics::Place>,
    process: Process,
) -> Result<Exit, Error> {
    let requests = Requests::start()?;
    let limit = crate::verbs::listen::raise_descriptor_limit();
    for plan in &mut plans {
        plan.command_open_files = Some(limit);
    }
    let manager = Manager::find()?;
    let process = Process {
        log: process.log.or_else(|| quiet(&plans)),
        ..process
    };
    let log = Log::start(&process, plans.len())?;
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::failure(error_with("set up relays", error)))
        .and_then(|runtime| {
            let session = Session {
                process,
                manager,
                log: Arc::clone(&log),
            };
            let run = async {
                let running = session.open(plans, metrics)?;
                session.serve(running, requests).await
            };
            let outcome = LocalSet::new().block_on(&runtime, run);
            // A look-up of a name may still be waiting for its answer, which nobody needs now.
            runtime.shutdown_background();
            outcome
        });
    log.finish();
    outcome
}

/// Joined to a pipeline, a relay says nothing unless it fails, like other programs there.
fn quiet(plans: &[Plan]) -> Option<LogForm> {
    match plans {
        [plan] if plan.listen.address == Address::Stdio => Some(LogForm::None),
        _ => None,
    }
}

/// What all relays of the process share.
struct Session {
    process: Process,
    manager: Manager,
    log: Arc<Log>,
}

/// All that runs.
struct Running {
    relays: Vec<Open>,
    controls: Vec<(Server, Vec<Handle>)>,
    /// Ended with this.
    _metrics: Option<metrics::Server>,
}

struct Open {
    relay: Relay,
    tally: Arc<Tally>,
}

/// Control sockets, before there are relays.
enum Controls {
    One(Server),
    Each(Vec<Option<Result<Server, control::Error>>>),
}

/// Everybody who is told what happens.
struct Everybody(Vec<Arc<dyn Observer>>);

impl Observer for Everybody {
    fn observe(&self, relay: &str, event: &Event<'_>) {
        for observer in &self.0 {
            observer.observe(relay, event);
        }
    }
}

impl Session {
    /// Opens everything; the relays last, so that no client connects to what cannot be.
    fn open(&self, plans: Vec<Plan>, place: Option<metrics::Place>) -> Result<Running, Error> {
        let threads = resolve::threads(self.process.threads);
        let workers = Workers::start(threads)
            .map_err(|error| Error::failure(error_with("start threads", error)))?;
        let workers = Arc::new(workers);
        let figures = Arc::new(Metrics::new());
        let metrics = place
            .map(|place| metrics::Server::start(&place, Arc::clone(&figures)))
            .transpose()
            .map_err(cannot_serve_metrics)?;
        if self.process.takeover {
            // Whoever gives a socket away must not have given it to one that cannot use it.
            plans
                .iter()
                .try_for_each(Relay::check)
                .map_err(cannot_run)?;
        }
        let adopted: Vec<_> = plans
            .iter()
            .map(|plan| self.adopt(&plan.listen.address))
            .collect::<Result<_, _>>()?;
        let controls = self.controls(&plans)?;
        let mut relays = Vec::with_capacity(plans.len());
        for (number, (plan, adopted)) in plans.into_iter().zip(adopted).enumerate() {
            let tally = Arc::new(Tally::new());
            let mut everybody: Vec<Arc<dyn Observer>> = vec![Arc::clone(&tally) as _];
            if self.log.is_written() {
                everybody.push(Arc::new(OfRelay::new(&self.log, number, &plan)));
            }
            if metrics.is_some() {
                everybody.push(Arc::clone(&figures) as _);
            }
            self.tell_seed(&plan);
            let everybody = Arc::new(Everybody(everybody));
            let relay = match adopted {
                Some(adopted) => Relay::adopt(plan, adopted, Arc::clone(&workers), everybody),
                None => Relay::open(plan, Arc::clone(&workers), everybody),
            }
            .map_err(cannot_run)?;
            figures.watch(relay.handle());
            relays.push(Open { relay, tally });
        }
        Ok(Running {
            controls: self.join_controls(controls, &relays),
            relays,
            _metrics: metrics,
        })
    }

    /// A run with faults can be repeated by who knows the seed.
    fn tell_seed(&self, plan: &Plan) {
        if !plan.faults.faults.is_empty() {
            let (name, seed) = (&plan.name, plan.faults.seed);
            self.log.notice(
                "seed",
                format!("relay {name}: --seed {seed} repeats the faults of this run"),
            );
        }
    }

    /// The listening socket of the relay that runs there, if that is wanted.
    fn adopt(&self, listen: &Address) -> Result<Option<HandedOver>, Error> {
        if !self.process.takeover {
            return Ok(None);
        }
        let path = self.process.control.clone();
        let path = path.unwrap_or_else(|| control::default_path(listen));
        let adopted = control::take_over(&path, listen).map_err(cannot_control)?;
        if adopted.is_none() {
            let text = format!("relay {}: nobody to take over from", bare(listen));
            self.log.notice("takeover", text);
        }
        Ok(adopted.map(HandedOver::from))
    }

    /// One control socket for all where its path was given, or one for each relay where `ctl` finds it by its address.
    fn controls(&self, plans: &[Plan]) -> Result<Controls, Error> {
        if let Some(path) = &self.process.control {
            let server = Server::open(path).map_err(cannot_control)?;
            return Ok(Controls::One(server));
        }
        let of_plan = |plan: &Plan| match &plan.listen.address {
            Address::Stdio => None,
            listen => Some(Server::open(&control::default_path(listen))),
        };
        Ok(Controls::Each(plans.iter().map(of_plan).collect()))
    }

    fn join_controls(&self, controls: Controls, relays: &[Open]) -> Vec<(Server, Vec<Handle>)> {
        let mut handles = relays.iter().map(|open| open.relay.handle());
        let each = match controls {
            Controls::One(server) => return vec![(server, handles.collect())],
            Controls::Each(each) => each,
        };
        let mut joined = Vec::new();
        for (server, handle) in each.into_iter().zip(&mut handles) {
            match server {
                Some(Ok(server)) => joined.push((server, vec![handle])),
                // Nobody asked for it.
                Some(Err(error)) => self.log.notice(
                    "no_control",
                    format!(
                        "relay {} cannot be changed while it runs: {}",
                        handle.name(),
                        chain(&error)
                    ),
                ),
                None => {}
            }
        }
        joined
    }

    /// Serves until all relays have ended.
    async fn serve(&self, running: Running, mut requests: Requests) -> Result<Exit, Error> {
        let handles: Rc<[Handle]> = running
            .relays
            .iter()
            .map(|open| open.relay.handle())
            .collect();
        let drain = resolve::drain(self.process.drain);
        let (stop, stopped) = watch::channel(false);
        let mut relays = JoinSet::new();
        for Open { relay, tally } in running.relays {
            relays.spawn_local(one(relay, tally, stopped.clone(), drain));
        }
        let mut controls = JoinSet::new();
        for (server, handles) in running.controls {
            controls.spawn_local(server.serve(handles));
        }
        self.tell_ready(handles.len());
        let mut exit = Exit::Success;
        let mut failure = None;
        let mut latest = None;
        loop {
            tokio::select! {
                ended = relays.join_next() => match ended {
                    Some(Ok(ended)) => {
                        self.log.tell(Some(ended.name.into()), What::Summary(Box::new(ended.tally.totals())));
                        if let Err(error) = ended.outcome {
                            exit = Exit::Failure;
                            if let Some(earlier) = failure.replace(error) {
                                self.log.notice("failed", earlier.to_string());
                            }
                        }
                    }
                    Some(Err(_)) => exit = Exit::Failure,
                    None => break,
                },
                asked = requests.next() => match asked {
                    Asked::Stop if stop.send_replace(true) => {
                        self.cut(&handles);
                        latest = Some(Instant::now() + LAST_WORDS);
                    }
                    Asked::Stop => {
                        self.tell_stopping(drain);
                        latest = Instant::now().checked_add(drain.saturating_add(LAST_WORDS));
                    }
                    Asked::Reload => self.reload(&handles),
                },
                () = sleep_until(latest) => {
                    self.log.notice("unwritten", "standard output takes no more: what was left for it is lost");
                    break;
                }
            }
        }
        failure.map_or(Ok(exit), Err)
    }

    fn tell_ready(&self, count_of_relays: usize) {
        let relays = u64::try_from(count_of_relays).unwrap_or(u64::MAX);
        self.manager.tell(Word::Ready {
            status: format!("serving {}", count(relays, "relay")),
            is_main: self.process.takeover,
        });
    }

    fn tell_stopping(&self, drain: Duration) {
        self.manager.tell(Word::Stopping {
            status: format!("clients may finish, for {} at most", span(drain)),
        });
    }

    /// Waits for nobody any more.
    fn cut(&self, handles: &[Handle]) {
        self.log.release();
        for handle in handles {
            for connection in handle.status().connections {
                handle.cut(connection.id);
            }
        }
    }

    fn reload(&self, handles: &[Handle]) {
        self.manager.tell(Word::Reloading);
        for handle in handles {
            let name = handle.name();
            match handle.reload() {
                Ok(()) => self.log.notice(
                    "reloaded",
                    format!("relay {name}: certificates are read again"),
                ),
                Err(error) => self.log.notice(
                    "not_reloaded",
                    format!(
                        "relay {name}: {}; the certificates stay as they were",
                        chain(&error)
                    ),
                ),
            }
        }
        self.tell_ready(handles.len());
    }
}

async fn sleep_until(latest: Option<Instant>) {
    match latest {
        Some(latest) => tokio::time::sleep_until(latest.into()).await,
        None => std::future::pending().await,
    }
}

/// How a relay ended.
struct Ended {
    name: String,
    tally: Arc<Tally>,
    outcome: Result<(), Error>,
}

async fn one(
    relay: Relay,
    tally: Arc<Tally>,
    mut stopped: watch::Receiver<bool>,
    drain: Duration,
) -> Ended {
    let handle = relay.handle();
    let stop = async {
        // The sender outlives all relays.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    };
    let outcome = relay.serve(stop, drain).await.map_err(cannot_run);
    let once = match handle.listen() {
        Address::Stdio | Address::Exec(_) => tally.failure(),
        _ => None,
    };
    Ended {
        name: handle.name().to_owned(),
        outcome: outcome.and(once.map_or(Ok(()), |failure| {
            let listen = bare(handle.listen());
            Err(Error::failure(format!("relay {listen}: {failure}")))
        })),
        tally,
    }
}

//! Relays that run, from their opening to their end.

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use sockeye_address::Address;
use sockeye_relay::control::{self, Server};
use sockeye_relay::metrics::{self, Metrics};
use sockeye_relay::{Event, Handle, Observer, Plan, Relay, Workers};
use tokio::sync::watch;
use tokio::task::{JoinSet, LocalSet};

use super::args::{LogForm, Process};
use super::log::{Log, OfRelay, What};
use super::manager::{Manager, Word};
use super::quantity::{count, span};
use super::refusal::{cannot_control, cannot_run};
use super::resolve::{self, bare};
use super::signals::{Asked, Requests};
use super::summary::Tally;
use crate::Exit;
use crate::error::{Error, error_with};

/// Runs relays until all have ended.
pub(super) fn all(plans: Vec<Plan>, metrics: Option<metrics::Place>, process: Process) -> Result<Exit, Error> {
    let requests = Requests::start()?;
    let _ = crate::verbs::listen::raise_descriptor_limit();
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
    /// Opens everything; from then on clients can connect.
    fn open(&self, plans: Vec<Plan>, place: Option<metrics::Place>) -> Result<Running, Error> {
        let threads = resolve::threads(self.process.threads);
        let workers = Workers::start(threads)
            .map_err(|error| Error::failure(error_with("start threads", error)))?;
        let workers = Arc::new(workers);
        let figures = place.as_ref().map(|_| Arc::new(Metrics::new()));
        let mut relays = Vec::with_capacity(plans.len());
        for (number, plan) in plans.into_iter().enumerate() {
            let tally = Arc::new(Tally::new());
            let mut everybody: Vec<Arc<dyn Observer>> = vec![
                Arc::clone(&tally) as Arc<dyn Observer>,
                Arc::new(OfRelay::new(&self.log, number, &plan)),
            ];
            everybody.extend(figures.iter().map(|figures| Arc::clone(figures) as Arc<dyn Observer>));
            self.tell_seed(&plan);
            let relay = self.open_one(plan, &workers, Arc::new(Everybody(everybody)))?;
            if let Some(figures) = &figures {
                figures.watch(relay.handle());
            }
            relays.push(Open { relay, tally });
        }
        let metrics = match (place, figures) {
            (Some(place), Some(figures)) => {
                Some(metrics::Server::start(&place, figures).map_err(Error::failure)?)
            }
            _ => None,
        };
        let controls = self.controls(&relays)?;
        Ok(Running {
            relays,
            controls,
            _metrics: metrics,
        })
    }

    /// A run with faults can be repeated by who knows the seed.
    fn tell_seed(&self, plan: &Plan) {
        if !plan.faults.faults.is_empty() {
            let (name, seed) = (&plan.name, plan.faults.seed);
            self.log
                .notice("seed", format!("relay {name}: --seed {seed} repeats the faults of this run"));
        }
    }

    fn open_one(
        &self,
        plan: Plan,
        workers: &Arc<Workers>,
        observer: Arc<dyn Observer>,
    ) -> Result<Relay, Error> {
        let listen = plan.listen.address.clone();
        let adopted = if self.process.takeover {
            control::take_over(&self.control_path(&listen), &listen).map_err(cannot_control)?
        } else {
            None
        };
        let workers = Arc::clone(workers);
        match adopted {
            Some(adopted) => Relay::adopt(plan, adopted.into(), workers, observer),
            None => Relay::open(plan, workers, observer),
        }
        .map_err(cannot_run)
    }

    fn control_path(&self, listen: &Address) -> PathBuf {
        self.process
            .control
            .clone()
            .unwrap_or_else(|| control::default_path(listen))
    }

    /// One control socket for all where its path was given, or one for each relay where `ctl` finds it by its address.
    fn controls(&self, relays: &[Open]) -> Result<Vec<(Server, Vec<Handle>)>, Error> {
        if let Some(path) = &self.process.control {
            let handles = relays.iter().map(|open| open.relay.handle()).collect();
            let server = Server::open(path).map_err(cannot_control)?;
            return Ok(vec![(server, handles)]);
        }
        let mut controls = Vec::new();
        for open in relays {
            let handle = open.relay.handle();
            if *handle.listen() == Address::Stdio {
                continue;
            }
            match Server::open(&control::default_path(handle.listen())) {
                Ok(server) => controls.push((server, vec![handle])),
                // Nobody asked for it.
                Err(error) => self.log.notice(
                    "no_control",
                    format!(
                        "relay {} cannot be changed while it runs: {}",
                        handle.name(),
                        super::ending::chain(&error)
                    ),
                ),
            }
        }
        Ok(controls)
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
                    Asked::Stop if stop.send_replace(true) => self.cut(&handles),
                    Asked::Stop => self.tell_stopping(drain),
                    Asked::Reload => self.reload(&handles),
                },
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
                Ok(()) => self
                    .log
                    .notice("reloaded", format!("relay {name}: certificates are read again")),
                Err(error) => self.log.notice(
                    "not_reloaded",
                    format!(
                        "relay {name}: {}; the certificates stay as they were",
                        super::ending::chain(&error)
                    ),
                ),
            }
        }
        self.tell_ready(handles.len());
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

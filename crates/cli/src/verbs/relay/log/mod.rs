//! What happens, told on standard error.

mod json; // for programs
mod text; // for people
mod words; // what is rare, in words

use std::collections::{HashMap, VecDeque};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use sockeye_privilege::Names;
use sockeye_relay::event::{Client, ConnectionId};
use sockeye_relay::plan::Plan;
use sockeye_relay::{Event, Observer};
use sockeye_socket::Credentials;

use super::args::{DumpForm, LogForm, Process};
use super::dump::{Chunk, Dump};
use super::ending::{Ending, chain};
use super::queue::{Queue, Sink};
use super::resolve::bare;
use super::summary::Totals;
use crate::error::{Error, error_with};
use crate::verbs::talk::peer::Peer;

/// While clients cannot be accepted, this is told so often.
const EXHAUSTED_AGAIN: Duration = Duration::from_secs(10);

/// Everything that is written on standard error, and the dump.
pub(super) struct Log {
    queue: Queue<Item>,
    form: LogForm,
    dumps: bool,
}

/// What waits to be written.
enum Item {
    Line(Line),
    Chunk(Chunk),
}

/// One thing that happened.
pub(super) struct Line {
    moment: SystemTime,
    /// Which relay; `None` for the process.
    relay: Option<Arc<str>>,
    what: What,
}

/// What happened.
pub(super) enum What {
    /// Clients can connect: from where to where.
    Ready {
        listen: String,
        targets: Vec<String>,
    },
    /// A client has come.
    Accepted { who: Arc<Who> },
    /// It may not connect.
    Refused { who: Arc<Who>, reason: String },
    /// It is joined to a target.
    Connected {
        who: Arc<Who>,
        target: Arc<str>,
        took: Duration,
    },
    /// A target could not be connected to.
    TargetFailed {
        who: Arc<Who>,
        target: String,
        error: String,
    },
    /// It has ended.
    Ended {
        who: Arc<Who>,
        target: Option<Arc<str>>,
        bytes: (u64, u64),
        lasted: Duration,
        ending: Ending,
    },
    /// No client can be accepted for now.
    Exhausted { error: String },
    /// No more clients are accepted.
    Draining { connections: u64 },
    /// Something that is told once, in a sentence.
    Notice { event: &'static str, text: String },
    /// All that there was.
    Summary(Box<Totals>),
}

/// A client, described when it is told of first.
pub(super) struct Who {
    pub number: u64,
    pub client: Client,
    described: OnceLock<Peer>,
}

impl Who {
    fn new(connection: ConnectionId, client: &Client) -> Arc<Self> {
        Arc::new(Who {
            number: connection.0,
            client: client.clone(),
            described: OnceLock::new(),
        })
    }

    fn credentials(&self) -> Option<Credentials> {
        match &self.client {
            Client::Unix { credentials, .. } => *credentials,
            _ => None,
        }
    }

    /// Looks its names up, the first time.
    fn peer(&self, names: &mut Names) -> &Peer {
        self.described
            .get_or_init(|| Peer::known_by(self.credentials(), self.number, names))
    }
}

impl Log {
    /// Starts to write; `count` relays are told apart by name if they are several.
    pub(super) fn start(process: &Process, count: usize) -> Result<Arc<Self>, Error> {
        let form = process.log.unwrap_or_default();
        let dump = match (process.dump, &process.dump_file) {
            (None, None) => None,
            (None, Some(_)) => Some(Dump::start(DumpForm::Text, process.dump_file.as_deref())?),
            (Some(form), file) => Some(Dump::start(form, file.as_deref())?),
        };
        let dumps = dump.is_some();
        let writer = Writer {
            form,
            several: count > 1,
            names: Names::default(),
            text: String::new(),
            dump,
        };
        let queue = Queue::start(writer)
            .map_err(|error| Error::failure(error_with("start to write the log", error)))?;
        Ok(Arc::new(Log { queue, form, dumps }))
    }

    /// Whether anything is written at all.
    pub(super) fn is_written(&self) -> bool {
        self.form != LogForm::None || self.dumps
    }

    /// Tells something of the process, or of one relay.
    pub(super) fn tell(&self, relay: Option<Arc<str>>, what: What) {
        if self.form != LogForm::None {
            self.queue.line(Item::Line(Line {
                moment: SystemTime::now(),
                relay,
                what,
            }));
        }
    }

    /// Tells a sentence.
    pub(super) fn notice(&self, event: &'static str, text: impl Into<String>) {
        let text = text.into();
        self.tell(None, What::Notice { event, text });
    }

    /// Lets no connection wait until what is dumped of it is written.
    pub(super) fn release(&self) {
        self.queue.release();
    }

    /// Writes what is left.
    pub(super) fn finish(&self) {
        self.queue.finish();
    }
}

/// What the log knows of one relay.
pub(super) struct OfRelay {
    log: Arc<Log>,
    relay: Arc<str>,
    number: usize,
    targets: Vec<String>,
    /// Clients that are connected, and where.
    known: Mutex<HashMap<ConnectionId, Known>>,
    exhausted: Mutex<Option<SystemTime>>,
}

#[derive(Clone)]
struct Known {
    who: Arc<Who>,
    target: Option<Arc<str>>,
}

impl OfRelay {
    /// For the relay of a plan, the how-many-th it is.
    pub(super) fn new(log: &Arc<Log>, number: usize, plan: &Plan) -> Self {
        let targets = plan.targets.iter();
        OfRelay {
            log: Arc::clone(log),
            relay: plan.name.as_str().into(),
            number,
            targets: targets
                .map(|target| bare(&target.address).to_string())
                .collect(),
            known: Mutex::default(),
            exhausted: Mutex::default(),
        }
    }

    fn known<T>(&self, with: impl FnOnce(&mut HashMap<ConnectionId, Known>) -> T) -> T {
        with(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn who(&self, connection: ConnectionId) -> Arc<Who> {
        let known = self.known(|known| known.get(&connection).map(|known| Arc::clone(&known.who)));
        known.unwrap_or_else(|| Who::new(connection, &Client::Local))
    }

    fn enter(&self, connection: ConnectionId, client: &Client) -> Arc<Who> {
        let who = Who::new(connection, client);
        let known = Known {
            who: Arc::clone(&who),
            target: None,
        };
        self.known(|all| all.insert(connection, known));
        who
    }

    fn connected(&self, connection: ConnectionId, target: Arc<str>) {
        self.known(|known| {
            if let Some(known) = known.get_mut(&connection) {
                known.target = Some(target);
            }
        });
    }

    /// Whether this is worth a line: it may come many times a second.
    fn is_news(&self, now: SystemTime) -> bool {
        let mut told = self
            .exhausted
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let is_new = told.is_none_or(|told| {
            now.duration_since(told)
                .map_or(true, |since| since >= EXHAUSTED_AGAIN)
        });
        if is_new {
            *told = Some(now);
        }
        is_new
    }

    fn record(&self, event: &Event<'_>) -> Option<What> {
        Some(match event {
            Event::Ready { listen } => What::Ready {
                listen: bare(listen).to_string(),
                targets: self.targets.clone(),
            },
            Event::Accepted { connection, client } => What::Accepted {
                who: self.enter(*connection, client),
            },
            Event::Refused {
                connection,
                client,
                reason,
            } => What::Refused {
                who: Who::new(*connection, client),
                reason: (*reason).to_owned(),
            },
            Event::Connected {
                connection,
                target,
                took,
            } => {
                let target: Arc<str> = bare(target).to_string().into();
                self.connected(*connection, Arc::clone(&target));
                What::Connected {
                    who: self.who(*connection),
                    target,
                    took: *took,
                }
            }
            Event::TargetFailed {
                connection,
                target,
                error,
            } => What::TargetFailed {
                who: self.who(*connection),
                target: bare(target).to_string(),
                error: chain(*error),
            },
            Event::Ended { connection, report } => {
                let known = self.known(|known| known.remove(connection))?;
                What::Ended {
                    who: known.who,
                    target: known.target,
                    bytes: (report.up_bytes, report.down_bytes),
                    lasted: report.lasted,
                    ending: Ending::of(&report.end),
                }
            }
            Event::Exhausted { error } if self.is_news(SystemTime::now()) => What::Exhausted {
                error: chain(*error),
            },
            Event::Draining { connections } => What::Draining {
                connections: u64::try_from(*connections).unwrap_or(u64::MAX),
            },
            rare => return words::notice(rare),
        })
    }
}

impl Observer for OfRelay {
    fn observe(&self, _: &str, event: &Event<'_>) {
        if self.log.dumps
            && let Some((chunk, bytes)) = Chunk::of(self.number, &self.relay, event)
        {
            self.log.queue.dump(Item::Chunk(chunk), bytes);
        }
        if self.log.form != LogForm::None
            && let Some(what) = self.record(event)
        {
            self.log.tell(Some(Arc::clone(&self.relay)), what);
        }
    }
}

/// Writes lines and what is dumped, in the order in which they came.
struct Writer {
    form: LogForm,
    several: bool,
    names: Names,
    /// What is to be written at once.
    text: String,
    dump: Option<Dump>,
}

impl Writer {
    fn line(&mut self, line: &Line) {
        match self.form {
            LogForm::Text => text::write(&mut self.text, line, self.several, &mut self.names),
            LogForm::Json => json::write(&mut self.text, line, &mut self.names),
            LogForm::None => {}
        }
    }
}

impl Sink<Item> for Writer {
    fn write(&mut self, waiting: &mut VecDeque<Item>, left_out: u64) {
        for item in waiting.drain(..) {
            match item {
                Item::Line(line) => self.line(&line),
                Item::Chunk(chunk) => {
                    if let Some(dump) = &mut self.dump {
                        dump.show(&chunk, self.several, &mut self.text);
                    }
                }
            }
        }
        if left_out > 0 {
            self.line(&Line {
                moment: SystemTime::now(),
                relay: None,
                what: What::Notice {
                    event: "left_out",
                    text: format!(
                        "{left_out} lines are left out: they came faster than they are read"
                    ),
                },
            });
        }
        // That nobody reads it is no reason to stop serving.
        let _ = std::io::stderr().lock().write_all(self.text.as_bytes());
        self.text.clear();
        if let Some(dump) = &mut self.dump {
            dump.flush();
        }
    }
}

/// The file of the dump, or standard error.
pub(super) fn dump_file(path: &Path) -> Result<std::fs::File, Error> {
    use std::os::unix::fs::OpenOptionsExt as _;
    // What passes may be secret.
    std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| Error::failure(error_with(format!("write {}", path.display()), error)))
}

//! What a request does to the relays of a process.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};

use sockeye_address::{Address, Name, escape};

use super::answer::{Answer, FileDocument, RelayFaults};
use super::error::told;
use super::path;
use super::request::{BadRequest, Request};
use crate::event::ConnectionId;
use crate::fault;
use crate::handle::{HandedOver, Handle};
use crate::shared::Phase;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error(transparent)]
    BadRequest(#[from] BadRequest),
    #[error(
        "read the request: it is longer than {} bytes",
        super::MAX_REQUEST_BYTES
    )]
    TooLong,
    #[error("find relay {typed}: there is {known}")]
    NoSuchRelay { typed: String, known: String },
    #[error("choose a relay: there are {known}")]
    Which { known: String },
    #[error(transparent)]
    BadFault(#[from] fault::ParseError),
    #[error(transparent)]
    Unsuitable(#[from] fault::Unsuitable),
    #[error("cut connection {connection}: {relay} has none of this number")]
    NoSuchConnection { relay: String, connection: u64 },
    #[error("reload {0}")]
    Reload(String),
    #[error("release the control socket: {0} accepts clients")]
    Serving(String),
}

/// What a request came to.
pub(super) struct Done {
    pub(super) answer: Answer,
    /// Goes with the answer.
    pub(super) passed: Option<OwnedFd>,
}

impl From<Answer> for Done {
    fn from(answer: Answer) -> Self {
        Done {
            answer,
            passed: None,
        }
    }
}

/// The relays of a process.
pub(super) struct Service {
    relays: Vec<Relay>,
}

struct Relay {
    handle: Handle,
    /// Its listening socket belongs to another process, or will in a moment.
    handed_over: AtomicBool,
}

impl Relay {
    fn name(&self) -> String {
        self.handle.name().to_owned()
    }

    fn accepts(&self) -> bool {
        !self.handed_over.load(Ordering::Relaxed)
            && *self.handle.shared.phase.borrow() == Phase::Serving
    }
}

impl Service {
    pub(super) fn new(handles: Vec<Handle>) -> Self {
        let relay = |handle| Relay {
            handle,
            handed_over: AtomicBool::new(false),
        };
        Service {
            relays: handles.into_iter().map(relay).collect(),
        }
    }

    /// Does what is asked; to release the control socket is left to the caller.
    pub(super) async fn serve(&self, request: Request) -> Result<Done, Refusal> {
        let answer = match request {
            Request::Status { relay } => self.status(relay.as_deref())?,
            Request::Faults { relay } => Answer::Faults {
                relays: self.faults(relay.as_deref())?,
            },
            Request::SetFaults {
                relay,
                faults,
                seed,
            } => self.set_faults(relay.as_deref(), &faults, seed)?,
            Request::AddFault { relay, fault } => self.add_fault(relay.as_deref(), &fault)?,
            Request::ClearFaults { relay } => self.set_faults(relay.as_deref(), &[], None)?,
            Request::Cut { relay, connection } => self.cut(relay.as_deref(), connection)?,
            Request::Drain { relay } => self.drain(relay.as_deref())?,
            Request::Reload { relay } => self.reload(relay.as_deref())?,
            Request::HandOver { listen } => return Ok(self.hand_over(&listen).await),
            Request::Release {} => self.release()?,
        };
        Ok(answer.into())
    }

    /// Those that are meant: all when none is named.
    fn meant(&self, typed: Option<&str>) -> Result<Vec<&Relay>, Refusal> {
        let Some(typed) = typed else {
            return Ok(self.relays.iter().collect());
        };
        let key = typed
            .parse::<Address>()
            .ok()
            .map(|listen| path::key(&listen));
        let is_meant = |relay: &&Relay| {
            relay.handle.name() == typed
                || key.as_deref() == Some(&path::key(relay.handle.listen()))
        };
        match self.relays.iter().find(is_meant) {
            Some(relay) => Ok(vec![relay]),
            None => Err(Refusal::NoSuchRelay {
                typed: escape::escape(typed.as_bytes(), ""),
                known: self.known(),
            }),
        }
    }

    /// The one that is meant: it must be named when there are several.
    fn one(&self, typed: Option<&str>) -> Result<&Relay, Refusal> {
        match self.meant(typed)?.as_slice() {
            [relay] => Ok(relay),
            _ => Err(Refusal::Which {
                known: self.known(),
            }),
        }
    }

    fn known(&self) -> String {
        let names: Vec<&str> = self
            .relays
            .iter()
            .map(|relay| relay.handle.name())
            .collect();
        names.join(", ")
    }

    fn status(&self, relay: Option<&str>) -> Result<Answer, Refusal> {
        let relays = self.meant(relay)?;
        Ok(Answer::Status {
            pid: std::process::id(),
            relays: relays
                .iter()
                .map(|relay| relay.handle.status().into())
                .collect(),
        })
    }

    fn faults(&self, relay: Option<&str>) -> Result<Vec<RelayFaults>, Refusal> {
        let relays = self.meant(relay)?;
        Ok(relays
            .iter()
            .map(|relay| RelayFaults::of(&relay.handle))
            .collect())
    }

    fn set_faults(
        &self,
        relay: Option<&str>,
        faults: &[String],
        seed: Option<u64>,
    ) -> Result<Answer, Refusal> {
        let handle = &self.one(relay)?.handle;
        let faults = faults.iter().map(|fault| fault.parse());
        let settings = fault::Settings {
            faults: faults.collect::<Result<_, _>>()?,
            seed: seed.unwrap_or_else(|| handle.faults().seed),
        };
        handle.set_faults(settings)?;
        Ok(Answer::Faults {
            relays: vec![RelayFaults::of(handle)],
        })
    }

    fn add_fault(&self, relay: Option<&str>, fault: &str) -> Result<Answer, Refusal> {
        let handle = &self.one(relay)?.handle;
        let mut settings = (*handle.faults()).clone();
        settings.faults.push(fault.parse()?);
        handle.set_faults(settings)?;
        Ok(Answer::Faults {
            relays: vec![RelayFaults::of(handle)],
        })
    }

    fn cut(&self, relay: Option<&str>, connection: u64) -> Result<Answer, Refusal> {
        let chosen = self.one(relay)?;
        let relay = chosen.name();
        if chosen.handle.cut(ConnectionId(connection)) {
            Ok(Answer::Cut { relay, connection })
        } else {
            Err(Refusal::NoSuchConnection { relay, connection })
        }
    }

    fn drain(&self, relay: Option<&str>) -> Result<Answer, Refusal> {
        let relays = self.meant(relay)?;
        for relay in &relays {
            relay.handle.drain();
        }
        Ok(Answer::Drain {
            relays: relays.iter().map(|relay| relay.name()).collect(),
        })
    }

    /// All that are meant, even when one cannot.
    fn reload(&self, relay: Option<&str>) -> Result<Answer, Refusal> {
        let relays = self.meant(relay)?;
        let problems: Vec<String> = relays
            .iter()
            .filter_map(|relay| {
                let error = relay.handle.reload().err()?;
                Some(format!("{}: {}", relay.handle.name(), told(&error)))
            })
            .collect();
        if !problems.is_empty() {
            return Err(Refusal::Reload(problems.join("; ")));
        }
        Ok(Answer::Reload {
            relays: relays.iter().map(|relay| relay.name()).collect(),
        })
    }

    async fn hand_over(&self, listen: &str) -> Done {
        let listens = |relay: &&Relay| path::key(relay.handle.listen()) == listen;
        let given = match self.relays.iter().find(listens) {
            Some(relay) if relay.accepts() => relay.hand_over().await,
            _ => None,
        };
        let Some((HandedOver { fd, .. }, file)) = given else {
            return Done::from(Answer::HandOver {
                passed: false,
                file: None,
            });
        };
        Done {
            answer: Answer::HandOver { passed: true, file },
            passed: Some(fd),
        }
    }

    fn release(&self) -> Result<Answer, Refusal> {
        match self.relays.iter().find(|relay| relay.accepts()) {
            Some(relay) => Err(Refusal::Serving(relay.name())),
            None => Ok(Answer::Release {}),
        }
    }
}

impl Relay {
    async fn hand_over(&self) -> Option<(HandedOver, Option<FileDocument>)> {
        // Of two that ask at once, one gets it.
        if self.handed_over.swap(true, Ordering::Relaxed) {
            return None;
        }
        let given = self.handle.hand_over().await?;
        let file = match self.handle.listen() {
            Address::Unix(unix) => match (&unix.name, given.file) {
                (Name::Path(place), Some(identity)) => Some(FileDocument {
                    path: escape::escape(path::settled(place).as_os_str().as_encoded_bytes(), ""),
                    device: identity.device,
                    inode: identity.inode,
                }),
                _ => None,
            },
            _ => None,
        };
        Some((given, file))
    }
}

//! `ssh://user@host:port/run/app.sock`: a Unix socket on another machine, reached by the system's `ssh`.
//!
//! One `ssh` serves all clients: it is the master of a session of which nothing is used but a forwarding, from a socket
//! in a private folder here to the socket over there. A client is a connect to the private socket.
//!
//! `ssh` has a thread of its own, because what runs a relay are runtimes that come and go, each with one thread.

mod command; // what ssh is told
mod error; // what ssh answers when it cannot
mod keeper; // starts ssh again, patiently
mod process; // a child, its end and its words
mod said; // what it writes to standard error
mod session; // ssh, its private folder, and the guard of both

use std::ffi::OsString;
use std::fmt;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sockeye_address::{Kind, Name, SshPath};
use sockeye_socket::{Connection, Life};
use tokio::sync::{Notify, watch};

pub use error::{Error, Failure};

/// How long to wait until the private socket is tried again whose queue was full.
const FULL_QUEUE_PAUSE: Duration = Duration::from_millis(5);

/// How `ssh` is run.
#[derive(Clone)]
pub struct Settings {
    /// The program.
    pub program: OsString,
    /// What it is told beyond what is needed, before the configuration of the user: `IdentityFile=/run/key`, as in
    /// `ssh_config(5)`, or, when it begins with `-`, one argument as it is: `-F/run/config`.
    pub options: Vec<OsString>,
    /// Where the private folder is made; by default `$XDG_RUNTIME_DIR` or the folder for temporary files.
    pub folder: Option<PathBuf>,
    /// Is told what happens, on the thread of the master.
    pub listener: Option<Listener>,
}

/// Is told what happens to a [`Master`].
pub type Listener = Arc<dyn Fn(&Notice<'_>) + Send + Sync>;

/// What happened to a [`Master`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice<'a> {
    /// Clients can connect.
    Up,
    /// `ssh` ended or could not be used; it is started again, if need be, after some time.
    Down(&'a Failure, Duration),
    /// The other machine would not connect a client to the socket there; these are the words of `ssh`.
    Refused(&'a str),
    /// `ssh` said something else.
    Said(&'a str),
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            program: "ssh".into(),
            options: Vec::new(),
            folder: None,
            listener: None,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("program", &self.program)
            .field("options", &self.options)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

/// The way to a socket on another machine, for any number of clients on any runtimes. Dropping it ends `ssh`, and
/// waits for that, two seconds at most.
///
/// # Examples
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use sockeye_address::Address;
/// use sockeye_relay::ssh::{Master, Settings};
///
/// let Address::Ssh(path) = "ssh://ada@build/var/run/docker.sock".parse()? else { unreachable!() };
/// let master = Master::new(&path, Settings::default());
/// let docker = master.connect(Duration::from_secs(5)).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Master {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What clients and the thread of the master share.
#[derive(Debug)]
struct Shared {
    path: SshPath,
    settings: Settings,
    state: watch::Sender<State>,
    stop: watch::Sender<bool>,
    /// How many clients wait.
    waiting: AtomicUsize,
    wanted: Notify,
    refusal: Mutex<Option<(Instant, String)>>,
}

/// How far `ssh` is.
#[derive(Debug, Clone)]
enum State {
    /// It was told to connect and has not said yes or no.
    Trying,
    /// Clients are served by this socket.
    Up(Arc<Name>),
    /// The so-many-th attempt failed, or what it had made has ended; there is no other one before that moment.
    Resting {
        attempt: u64,
        failure: Arc<Failure>,
        until: Instant,
    },
}

impl Master {
    /// Nothing is started yet.
    pub fn new(path: &SshPath, settings: Settings) -> Self {
        Master {
            shared: Arc::new(Shared {
                path: path.clone(),
                settings,
                state: watch::Sender::new(State::Trying),
                stop: watch::Sender::new(false),
                waiting: AtomicUsize::new(0),
                wanted: Notify::new(),
                refusal: Mutex::new(None),
            }),
            thread: Mutex::new(None),
        }
    }

    /// Starts `ssh`, unless that was done before. [`Self::connect`] does it, too: this is for not letting the first
    /// client wait.
    ///
    /// # Errors
    /// There is no thread left. That `ssh` itself fails is told to the clients.
    pub fn start(&self) -> Result<(), Error> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            let shared = Arc::clone(&self.shared);
            let spawned = keeper::spawn(shared).map_err(|source| Error::Thread {
                address: Box::new(self.shared.path.clone()),
                source,
            })?;
            *thread = Some(spawned);
        }
        Ok(())
    }

    /// A connection to the socket on the other machine: a Unix stream socket over which no descriptors can be passed.
    /// To be called on a tokio runtime with time.
    ///
    /// It waits for `ssh` for as long as `patience`. When `ssh` fails meanwhile, or has failed and is not tried again
    /// within that time, the reason is the answer, at once. Success means that `ssh` has taken the connection: that
    /// nobody serves the socket over there is only known later, when the connection ends without a byte. Then
    /// [`Self::refused_since`] has the words of `ssh` for it.
    ///
    /// # Errors
    /// [`Error::Down`] with the reason; [`Error::TimedOut`] when there is none yet.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn connect(&self, patience: Duration) -> Result<OwnedFd, Error> {
        self.start()?;
        let _waiting = Waiting::of(&self.shared);
        let deadline = Instant::now() + patience;
        let mut hitch = None;
        let attempt = self.connect_until(deadline, &mut hitch);
        match tokio::time::timeout_at(deadline.into(), attempt).await {
            Ok(answer) => answer,
            Err(_) => Err(self.too_late(patience, hitch)),
        }
    }

    /// The latest complaint of `ssh`, from `began` on, that the other machine would not connect a client to the socket
    /// there. It does not say which client that was, nor why: the protocol has no words for either.
    pub fn refused_since(&self, began: Instant) -> Option<String> {
        let refusal = self.shared.refusal.lock();
        let refusal = refusal.unwrap_or_else(PoisonError::into_inner);
        refusal
            .as_ref()
            .filter(|(when, _)| *when >= began)
            .map(|(_, words)| words.clone())
    }

    async fn connect_until(
        &self,
        deadline: Instant,
        hitch: &mut Option<sockeye_socket::Error>,
    ) -> Result<OwnedFd, Error> {
        let mut states = self.shared.state.subscribe();
        let mut known_attempt = None;
        loop {
            let state = states.borrow_and_update().clone();
            match state {
                State::Trying => drop(known_attempt.get_or_insert(0)),
                State::Up(name) => match open(&name).await {
                    Ok(connection) => return Ok(connection.into_fd()),
                    // ssh has just ended, and that will be told in a moment.
                    Err(error) => *hitch = Some(error),
                },
                State::Resting {
                    attempt,
                    failure,
                    until,
                } => {
                    if until > deadline || known_attempt.is_some_and(|known| known != attempt) {
                        return Err(self.down(failure));
                    }
                    known_attempt = Some(attempt);
                }
            }
            if states.changed().await.is_err() {
                return Err(self.too_late(Duration::ZERO, hitch.take()));
            }
        }
    }

    fn down(&self, source: Arc<Failure>) -> Error {
        Error::Down {
            address: Box::new(self.shared.path.clone()),
            source,
        }
    }

    fn too_late(&self, patience: Duration, hitch: Option<sockeye_socket::Error>) -> Error {
        let address = Box::new(self.shared.path.clone());
        let state = self.shared.state.borrow().clone();
        match (state, hitch) {
            (State::Resting { failure, .. }, _) => self.down(failure),
            (_, Some(source)) => Error::Private { address, source },
            _ => Error::TimedOut { address, patience },
        }
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        self.shared.stop.send_replace(true);
        let thread = self.thread.get_mut();
        if let Some(thread) = thread.unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join();
        }
    }
}

async fn open(name: &Name) -> Result<Connection, sockeye_socket::Error> {
    loop {
        // A full queue is told at once.
        let kind = Some(Kind::Stream);
        match Connection::connect_within(name, kind, Duration::ZERO, &Life::default()) {
            Err(sockeye_socket::Error::TimedOut { .. }) => {
                tokio::time::sleep(FULL_QUEUE_PAUSE).await;
            }
            answer => return answer,
        }
    }
}

/// A client that waits, for as long as this lives.
struct Waiting<'a>(&'a Shared);

impl<'a> Waiting<'a> {
    fn of(shared: &'a Shared) -> Self {
        shared.waiting.fetch_add(1, Ordering::SeqCst);
        shared.wanted.notify_one();
        Waiting(shared)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Shared {
    fn tell(&self, notice: &Notice<'_>) {
        if let Some(listener) = &self.settings.listener {
            listener(notice);
        }
    }

    /// `ssh` wrote a line.
    fn hear(&self, line: &str) {
        if said::is_refusal(line) {
            let mut refusal = self.refusal.lock().unwrap_or_else(PoisonError::into_inner);
            *refusal = Some((Instant::now(), line.to_owned()));
            drop(refusal);
            self.tell(&Notice::Refused(line));
        } else {
            self.tell(&Notice::Said(line));
        }
    }

    /// Waits until a client waits.
    async fn somebody_waits(&self) {
        while self.waiting.load(Ordering::SeqCst) == 0 {
            self.wanted.notified().await;
        }
    }
}

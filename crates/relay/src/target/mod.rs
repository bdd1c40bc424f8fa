//! Where clients are taken: one file for each kind of address.

mod descriptor;
pub mod exec; // a command
pub mod ssh;
mod tcp;
pub(crate) mod udp;
mod unix;
mod vsock;

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sockeye_address::{Address, Options};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

use crate::end::socket::Speech;
use crate::end::stdio::Stdio;
use crate::event::{Event, Observer};
use crate::plan::{Patience, Plan};
use crate::tls;

pub(crate) use unix::OnBehalf;

/// Why a target could not be connected to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A Unix socket.
    #[error(transparent)]
    Unix(#[from] sockeye_socket::Error),
    /// The client cannot be stood in for.
    #[error(transparent)]
    Privilege(#[from] sockeye_privilege::Error),
    /// A network address, or a command.
    #[error("connect {address}")]
    Network {
        /// The address.
        address: Box<Address>,
        /// What the kernel, or the name service, said.
        source: io::Error,
    },
    /// TLS was not agreed on.
    #[error("connect {address}")]
    Tls {
        /// The address.
        address: Box<Address>,
        /// Why.
        source: tls::PeerError,
    },
    /// It took too long.
    #[error("connect {address}: no answer within {} s", patience.as_secs_f64())]
    TimedOut {
        /// The address.
        address: Box<Address>,
        /// How long was waited.
        patience: Duration,
    },
    /// Another machine, by ssh.
    #[error(transparent)]
    Ssh(#[from] ssh::Error),
    /// A command.
    #[error(transparent)]
    Exec(#[from] exec::Error),
    /// It serves one client, and has had it.
    #[error("connect {0}: it serves one client, and has had it")]
    Spent(Box<Address>),
    /// Relays cannot connect to this kind of address.
    #[error("connect {0}: a relay cannot connect to this kind of address")]
    Unsuitable(Box<Address>),
}

/// A connection to a target.
pub(crate) enum Reached {
    /// A connected socket.
    Socket { fd: OwnedFd, speech: Speech },
    /// TLS over TCP.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Reached {
    pub(crate) fn socket(fd: impl Into<OwnedFd>, speech: Speech) -> Self {
        Reached::Socket {
            fd: fd.into(),
            speech,
        }
    }
}

/// The targets of a relay, with what they need for every connect made ready.
pub(crate) struct Targets {
    all: Vec<Target>,
    commands: Arc<exec::Commands>,
    /// Standard output, if something goes there.
    stdio: Mutex<Option<Stdio>>,
}

struct Target {
    address: Address,
    means: Means,
    /// When the last attempt failed; `None` when it succeeded, or there was none.
    failed: Mutex<Option<Instant>>,
}

/// So long a target that could not be connected to is tried last.
const SHUNNED: Duration = Duration::from_secs(5);

/// What connects need that is made ready once.
enum Means {
    None,
    Ssh(ssh::Master),
    Tls(tls::Client),
    Descriptor(descriptor::Once),
    Stdio(descriptor::Once),
}

impl Targets {
    /// Makes ready what connects need. What ssh says is told to the observer.
    pub(crate) fn ready(
        plan: &Plan,
        observer: Option<&Arc<dyn Observer>>,
    ) -> Result<Self, tls::LoadError> {
        let ready = |target: &crate::plan::Target| {
            let means = match &target.address {
                Address::Tls(network) => {
                    let host = tcp::host(network);
                    Means::Tls(tls::Client::load(&network.options.tls, host)?)
                }
                Address::Descriptor(_) | Address::Activation(_) => {
                    Means::Descriptor(descriptor::Once::default())
                }
                Address::Stdio => Means::Stdio(descriptor::Once::default()),
                Address::Ssh(path) => Means::Ssh(ssh::Master::new(
                    path,
                    ssh::Settings {
                        options: plan.ssh_options.clone(),
                        listener: observer
                            .map(|observer| ssh_listener(&plan.name, &target.address, observer)),
                        ..ssh::Settings::default()
                    },
                )),
                _ => Means::None,
            };
            Ok(Target {
                address: target.address.clone(),
                means,
                failed: Mutex::new(None),
            })
        };
        Ok(Targets {
            all: plan.targets.iter().map(ready).collect::<Result<_, _>>()?,
            commands: Arc::new(match plan.command_open_files {
                Some(limit) => exec::Commands::default().with_open_files(limit),
                None => exec::Commands::default(),
            }),
            stdio: Mutex::new(None),
        })
    }

    /// Reads certificates again.
    pub(crate) fn reload(&self) -> Result<(), tls::LoadError> {
        for target in &self.all {
            if let Means::Tls(client) = &target.means {
                client.reload()?;
            }
        }
        Ok(())
    }

    /// Further attempts over all targets: what was said of the relay, or of any of them.
    pub(crate) fn retries(&self, patience: Patience) -> u32 {
        self.options()
            .filter_map(|options| options.retry)
            .fold(patience.retries, u32::max)
    }

    pub(crate) fn retry_interval(&self, patience: Patience) -> Duration {
        self.options()
            .find_map(|options| options.interval)
            .unwrap_or(patience.retry_interval)
    }

    fn options(&self) -> impl Iterator<Item = &Options> {
        self.all
            .iter()
            .filter_map(|target| options_of(&target.address))
    }

    /// Begins what takes its time.
    pub(crate) fn start(&self) {
        for target in &self.all {
            if let Means::Ssh(master) = &target.means {
                // A thread that cannot be started now is tried for with the first client, who is told.
                let _ = master.start();
            }
        }
    }

    /// Ends commands, and waits until all is written to standard output.
    ///
    /// # Errors
    /// Not all could be written. Whoever read standard output and left is no failure.
    pub(crate) async fn end(&self) -> io::Result<()> {
        self.commands.end().await;
        let stdio = self.stdio().take();
        match stdio {
            Some(stdio) => match stdio.written().await {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
                _ => Ok(()),
            },
            None => Ok(()),
        }
    }

    fn stdio(&self) -> MutexGuard<'_, Option<Stdio>> {
        self.stdio.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An end that there is once: standard input and output, a command.
    pub(crate) fn once(
        &self,
        address: &Address,
        situation: exec::Situation<'_>,
    ) -> Result<Reached, Error> {
        match address {
            Address::Exec(command) => {
                let (fd, _) = self.commands.start(command, situation)?;
                Ok(Reached::socket(fd, Speech::UnixBytes))
            }
            Address::Stdio => {
                let (fd, stdio) = Stdio::of_process().map_err(|source| Error::Network {
                    address: Box::new(address.clone()),
                    source,
                })?;
                *self.stdio() = Some(stdio);
                Ok(Reached::socket(fd, Speech::Bytes))
            }
            other => Err(Error::Unsuitable(Box::new(other.clone()))),
        }
    }

    /// Why a target that was reached by ssh gave nothing, where ssh has said so since.
    pub(crate) fn refused_since(&self, place: usize, began: Instant) -> Option<String> {
        match &self.all.get(place)?.means {
            Means::Ssh(master) => master.refused_since(began),
            _ => None,
        }
    }

    /// The order in which to try them: those that could be connected to the last time, beginning with the one whose turn
    /// it is, then the others.
    pub(crate) fn order(&self, turn: usize) -> Vec<usize> {
        let (mut alive, shunned): (Vec<usize>, Vec<usize>) =
            (0..self.all.len()).partition(|place| !self.is_shunned(*place));
        if !alive.is_empty() {
            let first = turn % alive.len();
            alive.rotate_left(first);
        }
        alive.extend(shunned);
        alive
    }

    fn is_shunned(&self, place: usize) -> bool {
        self.failed(place)
            .and_then(|failed| *failed)
            .is_some_and(|failed| failed.elapsed() < SHUNNED)
    }

    fn failed(&self, place: usize) -> Option<MutexGuard<'_, Option<Instant>>> {
        let target = self.all.get(place)?;
        Some(target.failed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Connects to one of them, and remembers whether that could be done.
    pub(crate) async fn connect(
        &self,
        place: usize,
        patience: Patience,
        behalf: Option<&OnBehalf>,
        situation: exec::Situation<'_>,
    ) -> Result<Reached, Error> {
        let answer = self.attempt(place, patience, behalf, situation).await;
        if let Some(mut failed) = self.failed(place) {
            *failed = answer.is_err().then(Instant::now);
        }
        answer
    }

    async fn attempt(
        &self,
        place: usize,
        patience: Patience,
        behalf: Option<&OnBehalf>,
        situation: exec::Situation<'_>,
    ) -> Result<Reached, Error> {
        let Some(target) = self.all.get(place) else {
            return Err(Error::Unsuitable(Box::new(Address::Stdio)));
        };
        let patience = options_of(&target.address)
            .and_then(|options| options.connect_timeout)
            .unwrap_or(patience.connect);
        if let (Address::Exec(_), _) | (_, Means::Stdio(_)) = (&target.address, &target.means) {
            if let Means::Stdio(once) = &target.means {
                once.spend(&target.address)?;
            }
            return self.once(&target.address, situation);
        }
        if let Means::Ssh(master) = &target.means {
            // It keeps to the time itself, and knows why it ran out.
            return Ok(Reached::socket(
                master.connect(patience).await?,
                Speech::Bytes,
            ));
        }
        match tokio::time::timeout(patience, target.connect(patience, behalf)).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::TimedOut {
                address: Box::new(target.address.clone()),
                patience,
            }),
        }
    }
}

fn ssh_listener(relay: &str, target: &Address, observer: &Arc<dyn Observer>) -> ssh::Listener {
    let (relay, target, observer) = (relay.to_owned(), target.clone(), Arc::clone(observer));
    Arc::new(move |notice| {
        let target = &target;
        observer.observe(&relay, &Event::Ssh { target, notice });
    })
}

fn options_of(address: &Address) -> Option<&Options> {
    match address {
        Address::Unix(address) => Some(&address.options),
        Address::Tcp(network) | Address::Tls(network) | Address::Udp(network) => {
            Some(&network.options)
        }
        Address::Vsock(address) => Some(&address.options),
        _ => None,
    }
}

impl Target {
    async fn connect(
        &self,
        patience: Duration,
        behalf: Option<&OnBehalf>,
    ) -> Result<Reached, Error> {
        let failed = |source| Error::Network {
            address: Box::new(self.address.clone()),
            source,
        };
        match (&self.address, &self.means) {
            (Address::Unix(address), _) => unix::connect(address, patience, behalf).await,
            (Address::Tcp(network), _) => tcp::connect(network).await.map_err(failed),
            (Address::Udp(network), _) => udp::connect(network).await.map_err(failed),
            (Address::Vsock(address), _) => vsock::connect(address).await.map_err(failed),
            (Address::Tls(network), Means::Tls(client)) => {
                let stream = tcp::stream(network).await.map_err(failed)?;
                let stream = client.connect(stream, patience).await;
                Ok(Reached::Tls(Box::new(stream.map_err(|source| {
                    Error::Tls {
                        address: Box::new(self.address.clone()),
                        source,
                    }
                })?)))
            }
            (address, Means::Descriptor(once)) => once.take(address),
            (address, _) => Err(Error::Unsuitable(Box::new(address.clone()))),
        }
    }
}

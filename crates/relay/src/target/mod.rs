//! Where clients are taken: one file for each kind of address.

mod descriptor;
pub mod exec;
pub mod ssh;
mod tcp;
mod udp;
mod unix;
mod vsock;

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use sockeye_address::{Address, Options};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

use crate::end::socket::Speech;
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
    Socket {
        fd: OwnedFd,
        speech: Speech,
        guard: Guard,
    },
    /// TLS over TCP.
    Tls(Box<TlsStream<TcpStream>>),
}

/// What must live as long as a connection to a target.
pub(crate) enum Guard {
    None,
}

impl Reached {
    pub(crate) fn socket(fd: impl Into<OwnedFd>, speech: Speech) -> Self {
        Reached::Socket {
            fd: fd.into(),
            speech,
            guard: Guard::None,
        }
    }
}

/// The targets of a relay, with what they need for every connect made ready.
pub(crate) struct Targets {
    targets: Vec<Target>,
}

struct Target {
    address: Address,
    means: Means,
}

/// What connects need that is made ready once.
enum Means {
    None,
    Tls(tls::Client),
    Descriptor(descriptor::Once),
}

impl Targets {
    pub(crate) fn ready(plan: &Plan) -> Result<Self, tls::LoadError> {
        let ready = |target: &crate::plan::Target| {
            let means = match &target.address {
                Address::Tls(network) => {
                    let host = tcp::host(network);
                    Means::Tls(tls::Client::load(&network.options.tls, host)?)
                }
                Address::Descriptor(_) | Address::Activation(_) => {
                    Means::Descriptor(descriptor::Once::default())
                }
                _ => Means::None,
            };
            Ok(Target {
                address: target.address.clone(),
                means,
            })
        };
        Ok(Targets {
            targets: plan.targets.iter().map(ready).collect::<Result<_, _>>()?,
        })
    }

    /// Reads certificates again.
    pub(crate) fn reload(&self) -> Result<(), tls::LoadError> {
        for target in &self.targets {
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
        self.targets
            .iter()
            .filter_map(|target| options_of(&target.address))
    }

    /// Connects to one of them.
    pub(crate) async fn connect(
        &self,
        place: usize,
        patience: Patience,
        behalf: Option<&OnBehalf>,
    ) -> Result<Reached, Error> {
        let Some(target) = self.targets.get(place) else {
            return Err(Error::Unsuitable(Box::new(Address::Stdio)));
        };
        let patience = options_of(&target.address)
            .and_then(|options| options.connect_timeout)
            .unwrap_or(patience.connect);
        match tokio::time::timeout(patience, target.connect(patience, behalf)).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::TimedOut {
                address: Box::new(target.address.clone()),
                patience,
            }),
        }
    }
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
            (address, _) => once(address),
        }
    }
}

/// Ends that are there once: standard input and output, a command.
pub(crate) fn once(address: &Address) -> Result<Reached, Error> {
    Err(Error::Unsuitable(Box::new(address.clone())))
}

//! `GET /metrics`, on a thread of its own.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use sockeye_address::{Address, Kind, Name, NetworkAddress};
use sockeye_socket::{BindOptions, Listener};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, oneshot};

use super::Metrics;

/// Those that look at the same time; further ones wait.
const MOST_AT_ONCE: usize = 16;
/// Nobody keeps a connection longer, however often they look.
const LONGEST: Duration = Duration::from_mins(1);
/// A request must have come by then.
const REQUEST: Duration = Duration::from_secs(10);
/// After no descriptor or memory was left, this long until the next attempt.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(200);

const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// Where figures are served.
#[derive(Debug, Clone)]
pub enum Place {
    /// A Unix stream socket, and how it is made.
    Unix(Name, BindOptions),
    /// A TCP address; with an empty host every one of this machine.
    Tcp(NetworkAddress),
}

/// Why figures cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// On a Unix socket.
    #[error(transparent)]
    Unix(#[from] sockeye_socket::Error),
    /// On a network address.
    #[error("serve metrics at {address}")]
    Network {
        /// The address.
        address: Box<Address>,
        /// What the kernel, or the name service, said.
        source: io::Error,
    },
    /// No thread can be started, or the socket not be watched.
    #[error("serve metrics")]
    SetUp(#[source] io::Error),
}

/// Serves figures until it is dropped.
///
/// `GET /metrics` is answered in the text format of `OpenMetrics`, any other path with 404, any other method with 405.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use sockeye_relay::metrics::{Metrics, Place, Server};
/// use sockeye_socket::{BindOptions, Connection, Life, Name};
///
/// let folder = tempfile::tempdir()?;
/// let name = Name::Path(folder.path().join("metrics.sock"));
/// let place = Place::Unix(name.clone(), BindOptions::new());
/// let server = Server::start(&place, Arc::new(Metrics::new()))?;
///
/// let client = Connection::connect(&name, None, &Life::default())?;
/// client.send_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
/// let mut answer = [0; 12];
/// client.receive(&mut answer)?;
/// assert_eq!(&answer, b"HTTP/1.1 200");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Server {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    address: Option<SocketAddr>,
}

impl Server {
    /// Opens the address and starts to answer.
    ///
    /// # Errors
    /// The address cannot be opened, or no thread be started.
    pub fn start(place: &Place, metrics: Arc<Metrics>) -> Result<Self, Error> {
        let bound = Bound::open(place)?;
        let address = bound.address();
        let (stop, stopped) = oneshot::channel();
        let (report, started) = std::sync::mpsc::channel();
        // The runtime lives and ends on its thread: whoever starts this may be on one of another.
        let thread = std::thread::Builder::new()
            .name("metrics".into())
            .spawn(move || {
                if let Err(error) = run(bound, metrics, stopped, &report) {
                    let _ = report.send(Err(error));
                }
            })
            .map_err(Error::SetUp)?;
        let gone = || Err(io::Error::other("its thread has ended"));
        started
            .recv()
            .unwrap_or_else(|_| gone())
            .map_err(Error::SetUp)?;
        Ok(Server {
            stop: Some(stop),
            thread: Some(thread),
            address,
        })
    }

    /// Where it listens on the network: the port is the kernel's choice where 0 was asked for.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

type Started = std::sync::mpsc::Sender<io::Result<()>>;

fn run(
    bound: Bound,
    metrics: Arc<Metrics>,
    stopped: oneshot::Receiver<()>,
    started: &Started,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let door = Door::watch(bound)?;
        let _ = started.send(Ok(()));
        tokio::select! {
            () = serve(door, metrics) => {}
            _ = stopped => {}
        }
        Ok(())
    })
}

/// A listening socket that nobody waits at yet.
enum Bound {
    Unix(Listener),
    Tcp(std::net::TcpListener),
}

impl Bound {
    fn open(place: &Place) -> Result<Self, Error> {
        match place {
            Place::Unix(name, bind) => Ok(Bound::Unix(Listener::bind(name, Kind::Stream, bind)?)),
            Place::Tcp(network) => {
                let host = match network.place.host.as_str() {
                    "" => "::",
                    host => host,
                };
                let listener = std::net::TcpListener::bind((host, network.place.port));
                listener.map(Bound::Tcp).map_err(|source| Error::Network {
                    address: Box::new(Address::Tcp(network.clone())),
                    source,
                })
            }
        }
    }

    fn address(&self) -> Option<SocketAddr> {
        match self {
            Bound::Unix(_) => None,
            Bound::Tcp(listener) => listener.local_addr().ok(),
        }
    }
}

enum Door {
    Unix {
        door: UnixListener,
        /// Removes the file at its end.
        _listener: Listener,
    },
    Tcp(TcpListener),
}

impl Door {
    fn watch(bound: Bound) -> io::Result<Self> {
        match bound {
            Bound::Unix(listener) => {
                rustix::io::ioctl_fionbio(&listener, true)?;
                let again = rustix::io::fcntl_dupfd_cloexec(&listener, 3)?;
                Ok(Door::Unix {
                    door: UnixListener::from_std(again.into())?,
                    _listener: listener,
                })
            }
            Bound::Tcp(listener) => {
                listener.set_nonblocking(true)?;
                Ok(Door::Tcp(TcpListener::from_std(listener)?))
            }
        }
    }
}

async fn serve(door: Door, metrics: Arc<Metrics>) {
    let seats = Arc::new(Semaphore::new(MOST_AT_ONCE));
    loop {
        let Ok(seat) = Arc::clone(&seats).acquire_owned().await else {
            return;
        };
        let metrics = Arc::clone(&metrics);
        let accepted = match &door {
            Door::Unix { door, .. } => door.accept().await.map(|(stream, _)| {
                tokio::spawn(async move {
                    let _seat = seat;
                    attend(stream, metrics).await;
                });
            }),
            Door::Tcp(door) => door.accept().await.map(|(stream, _)| {
                tokio::spawn(async move {
                    let _seat = seat;
                    attend(stream, metrics).await;
                });
            }),
        };
        if accepted.is_err() {
            tokio::time::sleep(EXHAUSTED_PAUSE).await;
        }
    }
}

/// Answers one client until it leaves, or has been here for too long.
async fn attend(stream: impl AsyncRead + AsyncWrite + Unpin, metrics: Arc<Metrics>) {
    let service = service_fn(|request| {
        let answer = answer(&request, &metrics);
        async { Ok::<_, Infallible>(answer) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(REQUEST);
    let connection = http.serve_connection(TokioIo::new(stream), service);
    // What goes wrong here concerns nobody but the one who looks.
    let _ = tokio::time::timeout(LONGEST, connection).await;
}

fn answer(request: &Request<Incoming>, metrics: &Metrics) -> Response<Full<Bytes>> {
    let is_known = request.uri().path() == "/metrics";
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let (status, kind, text) = match (is_known, is_read) {
        (false, _) => (
            StatusCode::NOT_FOUND,
            PLAIN,
            "there is only /metrics\n".to_owned(),
        ),
        (true, false) => (
            StatusCode::METHOD_NOT_ALLOWED,
            PLAIN,
            "figures can be read, not changed\n".to_owned(),
        ),
        (true, true) => match metrics.text() {
            Ok(text) => (StatusCode::OK, OPEN_METRICS, text),
            Err(error) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                PLAIN,
                format!("{error}\n"),
            ),
        },
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, kind);
    if status == StatusCode::METHOD_NOT_ALLOWED {
        let allowed = HeaderValue::from_static("GET, HEAD");
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}

//! Relays, targets and clients.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sockeye_address::{Address, Kind, Name};
use sockeye_relay::control::{Answer, Client, Error, RelayDocument, Request, Server};
use sockeye_relay::plan::{self, Plan};
use sockeye_relay::{Event, HandedOver, Relay, Workers};
use sockeye_socket::{BindOptions, Connection, Life, Listener};
use tokio::sync::oneshot;

/// Far beyond what a slow machine needs; a test that gets here has failed.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A folder with a target that sends back what it gets.
pub(crate) struct Stage {
    folder: tempfile::TempDir,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let stage = Stage {
            folder: tempfile::tempdir().unwrap(),
        };
        let target = Listener::bind(&stage.name("target"), Kind::Stream, &BindOptions::new());
        let target = target.unwrap();
        // It ends with the process.
        std::thread::spawn(move || {
            while let Ok(client) = target.accept() {
                std::thread::spawn(move || echo(&client));
            }
        });
        stage
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn name(&self, name: &str) -> Name {
        Name::Path(self.path(name))
    }

    pub(crate) fn address(&self, name: &str) -> Address {
        self.path(name).to_str().unwrap().parse().unwrap()
    }

    pub(crate) fn plan(&self, listen: &str) -> Plan {
        Plan {
            name: listen.to_owned(),
            ..plan(self.address(listen), self.address("target"))
        }
    }

    pub(crate) fn control(&self) -> PathBuf {
        self.path("relay.ctl")
    }

    /// Runs relays as a process of their own would.
    pub(crate) fn run(&self, relays: Vec<(Plan, Option<HandedOver>)>) -> Running {
        run(self.control(), relays)
    }

    /// The same, with the control socket somewhere else.
    pub(crate) fn run_at(&self, control: &str, relays: Vec<(Plan, Option<HandedOver>)>) -> Running {
        run(self.path(control), relays)
    }

    pub(crate) fn connect(&self, listen: &str) -> Connection {
        connect(&self.name(listen))
    }
}

pub(crate) fn plan(listen: Address, target: Address) -> Plan {
    let kind = match &listen {
        Address::Unix(unix) => unix.kind.unwrap_or(Kind::Stream),
        _ => Kind::Stream,
    };
    let listen = plan::Listen {
        address: listen,
        kind,
        bind: BindOptions::new(),
    };
    Plan::new("relay", listen, vec![plan::Target { address: target }])
}

fn echo(client: &Connection) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = client.receive(&mut buffer) {
        if client.send_all(&buffer[..length]).is_err() {
            return;
        }
    }
}

pub(crate) fn connect(name: &Name) -> Connection {
    let client = Connection::connect(name, None, &Life::default()).unwrap();
    client.set_receive_timeout(Some(PATIENCE)).unwrap();
    client
}

/// Sends and gets the same back.
#[track_caller]
pub(crate) fn talk(client: &Connection) {
    client.send_all(b"hello").unwrap();
    let mut answer = [0; 5];
    let mut got = 0;
    while got < answer.len() {
        match client.receive(&mut answer[got..]).unwrap() {
            0 => panic!("the end after {got} bytes"),
            length => got += length,
        }
    }
    assert_eq!(&answer, b"hello");
}

/// Relays of one process.
pub(crate) struct Running {
    pub(crate) control: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

fn run(control: PathBuf, relays: Vec<(Plan, Option<HandedOver>)>) -> Running {
    let (stop, stopped) = oneshot::channel::<()>();
    let (ready, is_ready) = mpsc::channel();
    let path = control.clone();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(serve(&path, relays, stopped, ready));
    });
    is_ready.recv_timeout(PATIENCE).unwrap();
    Running {
        control,
        stop: Some(stop),
        thread: Some(thread),
    }
}

async fn serve(
    control: &Path,
    relays: Vec<(Plan, Option<HandedOver>)>,
    stopped: oneshot::Receiver<()>,
    ready: mpsc::Sender<()>,
) {
    let workers = Arc::new(Workers::start(1).unwrap());
    let observer = Arc::new(|_: &str, _: &Event<'_>| {});
    let relays: Vec<Relay> = relays
        .into_iter()
        .map(|(plan, handed)| match handed {
            None => Relay::open(plan, Arc::clone(&workers), observer.clone()),
            Some(handed) => Relay::adopt(plan, handed, Arc::clone(&workers), observer.clone()),
        })
        .collect::<Result<_, _>>()
        .unwrap();
    let handles: Vec<_> = relays.iter().map(Relay::handle).collect();
    let server = Server::open(control).unwrap();
    ready.send(()).unwrap();
    let controlled = tokio::spawn(server.serve(handles.clone()));
    tokio::spawn(async move {
        if stopped.await.is_ok() {
            handles.iter().for_each(sockeye_relay::Handle::drain);
        }
    });
    let mut all = tokio::task::JoinSet::new();
    for relay in relays {
        all.spawn(relay.serve(std::future::pending(), PATIENCE));
    }
    while let Some(ended) = all.join_next().await {
        ended.unwrap().unwrap();
    }
    controlled.abort();
    let _ = controlled.await;
}

impl Running {
    #[track_caller]
    pub(crate) fn ask(&self, request: &Request) -> Result<Answer, Error> {
        Client::connect(&self.control).unwrap().ask(request)
    }

    /// What is said against a request.
    #[track_caller]
    pub(crate) fn refusal(&self, request: &Request) -> String {
        self.ask(request).unwrap_err().to_string()
    }

    #[track_caller]
    pub(crate) fn status(&self) -> RelayDocument {
        match self.ask(&Request::Status { relay: None }).unwrap() {
            Answer::Status { relays, .. } => relays.into_iter().next().unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// Waits until the first relay is as it should be.
    #[track_caller]
    pub(crate) fn becomes(&self, fits: impl Fn(&RelayDocument) -> bool) -> RelayDocument {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let status = self.status();
            if fits(&status) {
                return status;
            }
            assert!(Instant::now() < deadline, "{status:#?}");
            std::thread::yield_now();
        }
    }

    /// Waits until all relays have ended of themselves.
    pub(crate) fn ended(mut self) {
        self.thread.take().unwrap().join().unwrap();
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.thread.as_ref().unwrap().is_finished()
    }

    /// Accepts no more and waits for the end.
    pub(crate) fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.ended();
    }
}

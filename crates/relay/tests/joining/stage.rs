//! A relay between a server and clients of the test.

use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use sockeye_address::{Address, Kind, Name};
use sockeye_relay::plan::{Listen, Target};
use sockeye_relay::{Event, Handle, Plan, Relay, Workers};
use sockeye_socket::{BindOptions, Connection, Life, Listener};
use tempfile::TempDir;

/// Nothing in these tests takes so long unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A relay in a thread, from `in.sock` to `out.sock` in a folder of its own, and what it said.
pub(crate) struct Stage {
    pub(crate) folder: TempDir,
    pub(crate) kind: Kind,
    handle: Handle,
    said: Arc<Mutex<Vec<String>>>,
    ended: mpsc::Receiver<String>,
    thread: Option<JoinHandle<()>>,
}

pub(crate) fn plan(folder: &TempDir, kind: Kind) -> Plan {
    let name = |file| Name::Path(folder.path().join(file));
    let listen = Listen {
        address: Address::from(name("in.sock")),
        kind,
        bind: BindOptions::new(),
    };
    let target = Target {
        address: Address::from(name("out.sock")),
    };
    Plan::new("test", listen, vec![target])
}

impl Stage {
    pub(crate) fn new(kind: Kind) -> Self {
        Stage::with(kind, |_| ())
    }

    pub(crate) fn with(kind: Kind, change: impl FnOnce(&mut Plan)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut plan = plan(&folder, kind);
        change(&mut plan);
        let (handles, handle) = mpsc::channel();
        let (ends, ended) = mpsc::channel();
        let said = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&said);
        let observer = move |_: &str, event: &Event<'_>| {
            record.lock().unwrap().push(format!("{event:?}"));
            if let Event::Ended { report, .. } = event {
                let _ = ends.send(format!("{:?}", report.end));
            }
        };
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let workers = Arc::new(Workers::start(2).unwrap());
                let relay = Relay::open(plan, workers, Arc::new(observer)).unwrap();
                handles.send(relay.handle()).unwrap();
                relay
                    .serve(std::future::pending(), Duration::ZERO)
                    .await
                    .unwrap();
            });
        });
        Stage {
            handle: handle.recv_timeout(PATIENCE).unwrap(),
            folder,
            kind,
            said,
            ended,
            thread: Some(thread),
        }
    }

    pub(crate) fn name(&self, file: &str) -> Name {
        Name::Path(self.folder.path().join(file))
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// The server that clients are taken to.
    pub(crate) fn server(&self) -> Listener {
        Listener::bind(&self.name("out.sock"), self.kind, &BindOptions::new()).unwrap()
    }

    pub(crate) fn client(&self) -> Connection {
        let client =
            Connection::connect(&self.name("in.sock"), Some(self.kind), &Life::default()).unwrap();
        client.set_receive_timeout(Some(PATIENCE)).unwrap();
        client
    }

    /// A client and the server's end of its connection.
    pub(crate) fn pair(&self) -> (Connection, Connection) {
        let server = self.server();
        let client = self.client();
        let accepted = server.accept().unwrap();
        accepted.set_receive_timeout(Some(PATIENCE)).unwrap();
        (client, accepted)
    }

    /// How the next connection to end ended.
    pub(crate) fn end(&self) -> String {
        self.ended.recv_timeout(PATIENCE).unwrap()
    }

    pub(crate) fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.handle.drain();
        if let Some(thread) = self.thread.take() {
            let joined = thread.join();
            if !std::thread::panicking() {
                joined.unwrap();
            }
        }
    }
}

/// Receives until the end.
pub(crate) fn rest(connection: &Connection) -> Vec<u8> {
    let mut all = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match connection.receive(&mut buffer).unwrap() {
            0 => return all,
            length => all.extend_from_slice(&buffer[..length]),
        }
    }
}

/// Receives exactly so many bytes.
pub(crate) fn exactly(connection: &Connection, length: usize) -> Vec<u8> {
    let mut all = vec![0; length];
    let mut filled = 0;
    while filled < length {
        let got = connection.receive(&mut all[filled..]).unwrap();
        assert_ne!(got, 0, "the end after {filled} of {length} bytes");
        filled += got;
    }
    all
}

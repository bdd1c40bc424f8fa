//! Relays, and who is at both ends.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sockeye_address::{Address, Kind, Name};
use sockeye_relay::plan::{Listen, Target};
use sockeye_relay::{Event, Handle, Plan, Relay, Workers};
use sockeye_socket::{BindOptions, Connection, Life, Listener};
use tempfile::TempDir;

use crate::end::{End, PATIENCE};
use crate::play::{Heard, Player, Progress};
use crate::script::{Part, Script};

/// Relays in a thread, how their connections ended, and a folder.
pub(crate) struct Bed {
    pub(crate) folder: TempDir,
    pub(crate) handles: Vec<Handle>,
    /// Where clients connect.
    pub(crate) door: &'static str,
    ends: Arc<Mutex<BTreeMap<String, usize>>>,
    thread: Option<JoinHandle<()>>,
}

/// Where clients are taken.
pub(crate) enum Server {
    Unix(Listener),
    Tcp(TcpListener),
}

pub(crate) fn plan(listen: impl Into<Address>, kind: Kind, target: impl Into<Address>) -> Plan {
    let listen = Listen {
        address: listen.into(),
        kind,
        bind: BindOptions::new().backlog(4096),
    };
    let target = Target {
        address: target.into(),
    };
    Plan::new("storm", listen, vec![target])
}

impl Bed {
    pub(crate) fn new(folder: TempDir, plans: Vec<Plan>) -> Self {
        let ends = Arc::new(Mutex::new(BTreeMap::new()));
        let count = Arc::clone(&ends);
        let observer: Arc<dyn sockeye_relay::Observer> =
            Arc::new(move |_: &str, event: &Event<'_>| {
                if let Event::Ended { report, .. } = event {
                    let end = format!("{:?}", report.end);
                    *count.lock().unwrap().entry(end).or_default() += 1;
                }
            });
        let (give, handles) = mpsc::channel();
        let thread = std::thread::spawn(move || run(plans, &observer, &give));
        Bed {
            handles: handles.recv_timeout(PATIENCE).unwrap(),
            folder,
            door: "in.sock",
            ends,
            thread: Some(thread),
        }
    }

    /// How connections ended, and how many did so.
    pub(crate) fn ends(&self) -> BTreeMap<String, usize> {
        self.ends.lock().unwrap().clone()
    }

    /// Waits until the relays have no connection left.
    pub(crate) fn empties(&self) {
        let deadline = Instant::now() + PATIENCE;
        for handle in &self.handles {
            loop {
                let left = handle.status().connections;
                if left.is_empty() {
                    break;
                }
                assert!(Instant::now() < deadline, "{left:?}");
                std::thread::yield_now();
            }
        }
    }

    pub(crate) fn name(&self, file: &str) -> Name {
        Name::Path(self.folder.path().join(file))
    }

    pub(crate) fn connect(&self, kind: Kind) -> End {
        let name = self.name(self.door);
        End::Unix(Connection::connect(&name, Some(kind), &Life::default()).unwrap()).impatient()
    }

    /// Plays all scripts at once, and compares what was heard with what was said.
    pub(crate) fn play(&self, scripts: &[Script], server: &Server, progress: &Progress) {
        let kind = if scripts[0].weather.messages {
            Kind::Seqpacket
        } else {
            Kind::Stream
        };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in scripts {
                    let end = server.accept();
                    scope.spawn(move || serve(&end, scripts, progress));
                }
            });
            for script in scripts {
                scope.spawn(move || {
                    let end = self.connect(kind);
                    let number = u32::try_from(script.number).unwrap();
                    end.send_all(&number.to_le_bytes()).unwrap();
                    let player = Player {
                        script,
                        is_client: true,
                        progress,
                    };
                    compare(script, &script.server, &script.client, player.play(&end));
                    drop(end);
                    progress.finish(script.number);
                });
            }
        });
    }
}

fn run(
    plans: Vec<Plan>,
    observer: &Arc<dyn sockeye_relay::Observer>,
    give: &mpsc::Sender<Vec<Handle>>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let workers = Arc::new(Workers::start(2).unwrap());
        let open = |plan| Relay::open(plan, Arc::clone(&workers), Arc::clone(observer)).unwrap();
        let relays: Vec<Relay> = plans.into_iter().map(open).collect();
        give.send(relays.iter().map(Relay::handle).collect())
            .unwrap();
        let local = tokio::task::LocalSet::new();
        for relay in relays {
            local.spawn_local(async {
                let forever = std::future::pending();
                relay.serve(forever, Duration::ZERO).await.unwrap();
            });
        }
        local.await;
    });
}

impl Server {
    pub(crate) fn accept(&self) -> End {
        match self {
            Server::Unix(listener) => End::Unix(listener.accept().unwrap()),
            Server::Tcp(listener) => End::Tcp(listener.accept().unwrap().0),
        }
        .impatient()
    }
}

fn serve(end: &End, scripts: &[Script], progress: &Progress) {
    let mut number = [0; 4];
    let mut filled = 0;
    while filled < number.len() {
        match end.receive(&mut number[filled..]) {
            Ok(length @ 1..) => filled += length,
            // Over a network, what a client said before it closed with something unread may be lost.
            answer => return assert!(!scripts[0].weather.last_words, "{answer:?}"),
        }
    }
    let script = &scripts[u32::from_le_bytes(number) as usize];
    let player = Player {
        script,
        is_client: false,
        progress,
    };
    compare(script, &script.client, &script.server, player.play(end));
}

/// Whether what was said by one was heard by the other.
#[track_caller]
fn compare(script: &Script, said: &Part, listener: &Part, heard: Heard) {
    let all = heard.bytes == said.speech.length_bytes && heard.all;
    let must = match (said.resets_after, listener.resets_after) {
        _ if script.is_refused() => false,
        (None, None) => true,
        // What it said before it went.
        (Some(_), None) => script.weather.last_words,
        _ => false,
    };
    assert!(
        all || !must,
        "connection {}: heard {} of {} bytes: {:?}, resets {:?} and {:?}",
        script.number,
        heard.bytes,
        said.speech.length_bytes,
        heard.error,
        said.resets_after,
        listener.resets_after,
    );
}

impl Drop for Bed {
    fn drop(&mut self) {
        for handle in &self.handles {
            handle.drain();
        }
        if let Some(thread) = self.thread.take() {
            let joined = thread.join();
            if !std::thread::panicking() {
                joined.unwrap();
            }
        }
    }
}

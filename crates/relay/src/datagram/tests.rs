//! Real sockets.

mod places; // where answers go
mod slow; // full queues
mod udp;
mod unix;

use std::time::Duration;

use sockeye_address::{Address, Name, UnixAddress};
use sockeye_socket::{BindOptions, Datagram, Kind, Life};
use tempfile::TempDir;

use super::{Arrival, Inbox, Session, Terms};
use crate::plan::Listen;

/// No test takes so long.
const DEADLINE: Duration = Duration::from_secs(30);

fn listen_on(address: Address) -> Listen {
    Listen {
        address,
        kind: Kind::Datagram,
        bind: BindOptions::new(),
    }
}

/// A folder, and an inbox in it. To be called on a runtime.
fn unix_inbox() -> (TempDir, Name, Inbox) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("inbox");
    let address = UnixAddress::from_path(&path).unwrap();
    let listen = listen_on(Address::Unix(address.with_kind(Kind::Datagram)));
    let inbox = Inbox::open(&listen, Terms::default()).unwrap();
    (folder, Name::Path(path), inbox)
}

/// A named sender, connected to the inbox, as programs are that send and receive.
fn sender(folder: &TempDir, name: &str, inbox: &Name) -> Datagram {
    let path = folder.path().join(name);
    let sender = Datagram::bind(&Name::Path(path), &BindOptions::new()).unwrap();
    let Name::Path(inbox) = inbox else {
        panic!("{inbox} is no path")
    };
    let address = rustix::net::SocketAddrUnix::new(inbox).unwrap();
    rustix::net::connect(&sender, &address).unwrap();
    sender
}

fn send(sender: &Datagram, data: &[u8]) {
    rustix::net::send(sender, data, rustix::net::SendFlags::NOSIGNAL).unwrap();
}

fn received(receiver: &Datagram) -> Vec<u8> {
    receiver.set_receive_timeout(Some(DEADLINE)).unwrap();
    let mut buffer = vec![0; 70_000];
    let message = receiver.receive(&mut buffer).unwrap();
    buffer.truncate(message.length_bytes);
    buffer
}

async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, what)
        .await
        .expect("it takes too long")
}

async fn new_session(inbox: &mut Inbox) -> Session {
    match within(inbox.next()).await.unwrap() {
        Arrival::Session(session) => session,
        other => panic!("{other:?} is no session"),
    }
}

/// What a session receives while the inbox delivers.
async fn delivered(inbox: &mut Inbox, session: &Session) -> super::Message {
    tokio::select! {
        biased;
        message = within(session.receive()) => message.unwrap(),
        arrival = inbox.next() => panic!("{arrival:?} came between"),
    }
}

/// Serves an inbox: each session sends back what it gets, in a thread with a runtime of its own.
async fn echo_all(mut inbox: Inbox) {
    loop {
        let session = new_session(&mut inbox).await;
        std::thread::spawn(move || echo(&session));
    }
}

fn echo(session: &Session) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        while let Some(message) = session.receive().await {
            let answer = session.send(&message.data, &message.descriptors);
            if within(answer).await.is_err() {
                return;
            }
        }
    });
}

/// Runs what blocks in a thread, and the future meanwhile.
async fn while_serving<T: Send + 'static>(
    serving: impl Future<Output = ()>,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (done, is_done) = tokio::sync::oneshot::channel();
    let thread = std::thread::spawn(move || {
        let _ = done.send(work());
    });
    let answer = tokio::select! {
        answer = within(is_done) => answer,
        () = serving => panic!("it serves no more"),
    };
    match answer {
        Ok(answer) => answer,
        Err(_) => std::panic::resume_unwind(thread.join().unwrap_err()),
    }
}

fn unnamed() -> Datagram {
    Datagram::unbound(&Life::default()).unwrap()
}

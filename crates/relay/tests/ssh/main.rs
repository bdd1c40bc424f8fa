//! Sockets on "another machine", through a real ssh and a real sshd.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on panics"
)]

mod failing; // and the reason is told
mod server;
mod serving; // clients that get through // an sshd for each test

use std::error::Error as _;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sockeye_relay::ssh::{Error, Listener, Notice};
use sockeye_socket::{BindOptions, Connection, Direction, Kind, Name};

const PATIENCE: Duration = Duration::from_mins(1);

/// Answers every client with what it said, after it has ended its side.
fn echo_at(path: &Path) {
    let name = Name::Path(path.to_owned());
    let listener =
        sockeye_socket::Listener::bind(&name, Kind::Stream, &BindOptions::new()).unwrap();
    std::thread::spawn(move || {
        while let Ok(connection) = listener.accept() {
            std::thread::spawn(move || echo(&connection));
        }
    });
}

fn echo(connection: &Connection) {
    let mut said = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = connection.receive(&mut piece) {
        said.extend_from_slice(&piece[..length]);
    }
    let _ = connection.send_all(&said);
    let _ = connection.shutdown(Direction::Write);
}

/// Says all, ends its side, and reads the answer.
fn ask(fd: OwnedFd, question: &[u8]) -> Vec<u8> {
    let mut stream = UnixStream::from(fd);
    stream.set_nonblocking(false).unwrap();
    let _ = stream.write_all(question);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

/// An error as it is printed.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Keeps what a master says.
#[derive(Clone, Default)]
struct Record(Arc<Mutex<Vec<String>>>);

impl Record {
    fn listener(&self) -> Listener {
        let record = self.clone();
        Arc::new(move |notice: &Notice<'_>| record.0.lock().unwrap().push(format!("{notice:?}")))
    }

    /// How many notices there are that begin so.
    fn count(&self, start: &str) -> usize {
        let all = self.0.lock().unwrap();
        all.iter()
            .filter(|notice| notice.starts_with(start))
            .count()
    }
}

/// Waits until it is so.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "not within a minute: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

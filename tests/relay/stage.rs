//! Relays, targets and clients for tests.

use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::program::{Program, sockeye};

/// Far beyond what a slow machine needs; a test that gets here has failed.
const PATIENCE: Duration = Duration::from_mins(1);

/// A folder with an address to listen on and a target that echoes.
pub(crate) struct Stage {
    folder: TempDir,
    echo: Option<JoinHandle<()>>,
    over: Arc<AtomicBool>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let target = bind(&folder.path().join("echo.sock"));
        let over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&over);
        let echo = std::thread::spawn(move || {
            while let Ok((client, _)) = target.accept() {
                if told.load(Ordering::SeqCst) {
                    return;
                }
                std::thread::spawn(move || echo(client));
            }
        });
        Stage {
            folder,
            echo: Some(echo),
            over,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The same as text.
    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A relay with its control socket in the folder, not started.
    pub(crate) fn relay<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = sockeye(["relay", "--control"]);
        command.arg(self.path("relay.ctl")).args(arguments);
        command
    }

    /// A relay from `in.sock` to the echo, that serves.
    pub(crate) fn serve<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Program {
        let mut command = self.relay(arguments);
        command
            .arg(self.path("in.sock"))
            .arg(self.path("echo.sock"));
        let program = Program::start(&mut command);
        program.says("ready");
        program
    }

    pub(crate) fn connect(&self) -> UnixStream {
        connect(&self.path("in.sock"))
    }

    /// Connects as soon as the relay serves, when it says nothing.
    #[expect(
        clippy::disallowed_methods,
        reason = "the other side must not be our own code"
    )]
    pub(crate) fn connect_when_ready(&self) -> UnixStream {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match UnixStream::connect(self.path("in.sock")) {
                Ok(client) => {
                    client.set_read_timeout(Some(PATIENCE)).unwrap();
                    return client;
                }
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            std::thread::yield_now();
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        drop(connect(&self.path("echo.sock")));
        if let Some(echo) = self.echo.take() {
            let _ = echo.join();
        }
    }
}

/// Echoes until the end of what comes.
fn echo(mut client: UnixStream) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = client.read(&mut buffer) {
        if client.write_all(&buffer[..length]).is_err() {
            return;
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the other side must not be our own code"
)]
pub(crate) fn bind(path: &Path) -> UnixListener {
    UnixListener::bind(path).unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the other side must not be our own code"
)]
pub(crate) fn connect(path: &Path) -> UnixStream {
    let client = UnixStream::connect(path).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client
}

/// Sends, and reads as much back.
#[track_caller]
pub(crate) fn exchange(client: &mut UnixStream, text: &[u8]) {
    client.write_all(text).unwrap();
    let mut back = vec![0; text.len()];
    client.read_exact(&mut back).unwrap();
    assert_eq!(back, text);
}

/// A relay whose standard error is this test's own, ended with the test.
pub(crate) struct Unheard(Child);

impl Unheard {
    pub(crate) fn start(command: &mut Command, errors: std::io::PipeWriter) -> Self {
        let child = command.stderr(errors).spawn().unwrap();
        // The command keeps the writing end open.
        command.stderr(Stdio::null());
        Unheard(child)
    }

    #[track_caller]
    pub(crate) fn stop_successfully(mut self) {
        kill_process(Pid::from_child(&self.0), Signal::TERM).unwrap();
        assert_eq!(self.0.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Unheard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

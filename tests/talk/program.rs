//! Runs the real command beside a test: waits for what it says, never for time to pass.

use std::ffi::OsStr;
use std::io::{Read, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Far beyond what a slow machine needs; a test that gets here has failed.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running `sockeye`, ended with the test.
pub(crate) struct Program {
    child: Child,
    stdout: Collected,
    stderr: Collected,
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Exit status; `None` when a signal ended it.
    pub(crate) status: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.status, Some(0), "{self:?}");
        self
    }
}

/// The arguments and streams of a `sockeye` that is not running yet.
pub(crate) fn sockeye<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sockeye"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs to the end.
pub(crate) fn run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Ended {
    Program::start(&mut sockeye(arguments)).end()
}

/// Runs to the end with `input` as standard input.
pub(crate) fn run_with<S: AsRef<OsStr>>(
    arguments: impl IntoIterator<Item = S>,
    input: &[u8],
) -> Ended {
    let mut program = Program::start(sockeye(arguments).stdin(Stdio::piped()));
    let mut stdin = program.stdin();
    let input = input.to_vec();
    // A program that leaves early is no failure of the writer.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let ended = program.end();
    writer.join().unwrap();
    ended
}

impl Program {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let stdout = Collected::of(child.stdout.take());
        let stderr = Collected::of(child.stderr.take());
        Program {
            child,
            stdout,
            stderr,
        }
    }

    /// Starts a server and waits until it is ready.
    pub(crate) fn serve<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Self {
        Program::serve_command(&mut sockeye(arguments))
    }

    pub(crate) fn serve_command(command: &mut Command) -> Self {
        let program = Program::start(command);
        program.says("listening on ");
        program
    }

    pub(crate) fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().unwrap()
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits until standard error holds `text`.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) {
        self.stderr
            .wait(|said| String::from_utf8_lossy(said).contains(text), text);
    }

    /// Waits until standard output holds `text`.
    #[track_caller]
    pub(crate) fn prints(&self, text: &str) {
        self.stdout
            .wait(|said| String::from_utf8_lossy(said).contains(text), text);
    }

    /// Waits until standard error holds `count` lines that end in `end`.
    #[track_caller]
    pub(crate) fn says_lines(&self, count: usize, end: &str) {
        let enough = |said: &[u8]| {
            String::from_utf8_lossy(said)
                .lines()
                .filter(|line| line.ends_with(end))
                .count()
                >= count
        };
        self.stderr.wait(enough, end);
    }

    /// Waits for the end.
    #[track_caller]
    pub(crate) fn end(mut self) -> Ended {
        let deadline = Instant::now() + PATIENCE;
        let pidfd =
            rustix::process::pidfd_open(self.pid(), rustix::process::PidfdFlags::empty()).unwrap();
        let mut watched = [rustix::event::PollFd::new(
            &pidfd,
            rustix::event::PollFlags::IN,
        )];
        let timeout = rustix::event::Timespec::try_from(deadline - Instant::now()).unwrap();
        rustix::event::poll(&mut watched, Some(&timeout)).unwrap();
        let Some(status) = self.child.try_wait().unwrap() else {
            let _ = self.child.kill();
            panic!(
                "did not end; it said {}",
                String::from_utf8_lossy(&self.stderr.finish())
            );
        };
        assert_ne!(
            status.signal(),
            Some(6),
            "it panicked: {}",
            String::from_utf8_lossy(&self.stderr.finish())
        );
        Ended {
            status: status.code(),
            stdout: self.stdout.finish(),
            stderr: String::from_utf8_lossy(&self.stderr.finish()).into_owned(),
        }
    }

    /// Asks for the end and waits for it.
    #[track_caller]
    pub(crate) fn stop(self) -> Ended {
        self.signal(Signal::TERM);
        self.end()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// What a stream has brought so far.
struct Collected {
    state: Arc<(Mutex<Vec<u8>>, Condvar)>,
    reader: Option<JoinHandle<()>>,
}

impl Collected {
    fn of(stream: Option<impl Read + Send + 'static>) -> Self {
        let state = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let reader = stream.map(|mut stream| {
            let state = Arc::clone(&state);
            std::thread::spawn(move || {
                let mut buffer = vec![0; 64 * 1024];
                while let Ok(length @ 1..) = stream.read(&mut buffer) {
                    state.0.lock().unwrap().extend_from_slice(&buffer[..length]);
                    state.1.notify_all();
                }
            })
        });
        Collected { state, reader }
    }

    #[track_caller]
    fn wait(&self, enough: impl Fn(&[u8]) -> bool, what: &str) {
        let guard = self.state.0.lock().unwrap();
        let (guard, timeout) = self
            .state
            .1
            .wait_timeout_while(guard, PATIENCE, |said| !enough(said))
            .unwrap();
        assert!(
            !timeout.timed_out(),
            "waited for {what:?}, got {:?}",
            String::from_utf8_lossy(&guard)
        );
    }

    fn finish(&mut self) -> Vec<u8> {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.state.0.lock().unwrap().clone()
    }
}

/// A folder and addresses in it, or abstract names of its own.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Place {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("s.sock")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The path, or an abstract name that nobody else uses.
    pub(crate) fn address(&self, is_abstract: bool) -> String {
        let path = self.path().to_str().unwrap().to_owned();
        if is_abstract {
            format!("@{path}")
        } else {
            path
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        std::fs::read_dir(self.folder()).unwrap().next().is_none()
    }
}

/// Bytes with every value in them, never the same twice in a row.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(&mut next)
        .flatten()
        .take(length)
        .collect()
}

//! Starts what the clients talk to, and waits for its line "listening on …" instead of a while.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::build::{self, Language, Program};

/// For the slowest machine; nothing waits this long when all is well.
const DEADLINE: Duration = Duration::from_mins(1);

/// An echo server.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Server {
    C,
    Python,
    Sockeye,
}

/// What takes one datagram and prints it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Receiver {
    C,
    Python,
    Sockeye,
}

impl Server {
    pub(crate) fn start(self, address: &str) -> Running {
        match self {
            Self::C => example(Language::C, Program::EchoServer, address),
            Self::Python => example(Language::Python, Program::EchoServer, address),
            Self::Sockeye => sockeye(&["listen", &format!("unix:{address}"), "--echo"]),
        }
    }
}

impl Receiver {
    pub(crate) fn start(self, address: &str) -> Running {
        match self {
            Self::C => example(Language::C, Program::DgramReceiver, address),
            Self::Python => example(Language::Python, Program::DgramReceiver, address),
            Self::Sockeye => sockeye(&["recv", &format!("unix-dgram:{address}")]),
        }
    }
}

/// The examples say on standard output that they are ready, and complain where the tests do.
fn example(language: Language, program: Program, address: &str) -> Running {
    let mut command = build::command(language, program);
    command.arg(address).stdin(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let output = child.stdout.take().unwrap();
    Running::when_ready(child, Lines::of(output), None)
}

/// Sockeye keeps its standard output for what was received, and says on standard error that it is ready.
fn sockeye(arguments: &[&str]) -> Running {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sockeye"));
    command.args(arguments).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let received = Lines::of(child.stdout.take().unwrap());
    let said = Lines::of(child.stderr.take().unwrap());
    Running::when_ready(child, said, Some(received))
}

/// The lines of a stream as they come, read by a thread so that waiting for one can have a deadline.
struct Lines(mpsc::Receiver<String>);

impl Lines {
    fn of(stream: impl Read + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines() {
                // Read to the end even if nobody listens: a full pipe would stop the server.
                drop(sender.send(line.unwrap_or_else(|cause| cause.to_string())));
            }
        });
        Self(receiver)
    }

    /// The next line; `None` at the end of the stream.
    fn next(&self) -> Option<String> {
        match self.0.recv_timeout(DEADLINE) {
            Ok(line) => Some(line),
            Err(mpsc::RecvTimeoutError::Disconnected) => None,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("no line within {DEADLINE:?}"),
        }
    }
}

/// A server; ended with the test, also when the test fails.
pub(crate) struct Running {
    child: Child,
    said: Lines,
    received: Option<Lines>,
}

impl Running {
    fn when_ready(child: Child, said: Lines, received: Option<Lines>) -> Self {
        let running = Self {
            child,
            said,
            received,
        };
        let mut before = String::new();
        while let Some(line) = running.said.next() {
            if line.starts_with("listening on ") {
                return running;
            }
            before += &line;
            before.push('\n');
        }
        panic!("the server ended before it said \"listening on\": {before}");
    }

    /// Asks it to end, as `kill` does, and expects that it does so in order.
    pub(crate) fn stop(&mut self) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM).unwrap();
        self.wait();
    }

    /// The one message it received, after which it ends by itself.
    pub(crate) fn message(&mut self) -> String {
        let lines = self.received.as_ref().unwrap_or(&self.said);
        let mut message = Vec::new();
        while let Some(line) = lines.next() {
            message.push(line);
        }
        self.wait();
        message.join("\n")
    }

    fn wait(&mut self) {
        while self.said.next().is_some() {} // its end of stream comes when it ends
        let status = self.child.wait().unwrap();
        assert!(status.success(), "the server ended with {status}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // After wait() there is nothing left to kill, which is no mistake.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

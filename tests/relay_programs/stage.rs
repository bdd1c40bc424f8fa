//! A folder in which real servers, relays and clients meet. All of them run in it: relative names are its files.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::program::{Ended, Program};
use crate::scenario::{self, Ready};
use crate::server::{Running, find};

/// Far beyond what a slow machine needs; a test that gets here has failed.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Stage {
    folder: TempDir,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Stage {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// One in which every user may do everything.
    pub(crate) fn for_all() -> Self {
        let stage = Stage::new();
        open(stage.folder.path());
        stage
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The same as text, for programs that want all of the path.
    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// Starts a server, which says `ready` when it is.
    pub(crate) fn server(&self, run: &[&str], ready: &str) -> Running {
        self.server_when(run, Ready::Says(ready.to_owned()))
    }

    pub(crate) fn server_when(&self, run: &[&str], ready: Ready) -> Running {
        let program = scenario::Program {
            run: run.iter().map(|&word| word.to_owned()).collect(),
            count: 1,
            input: String::new(),
            ready,
            listens: Vec::new(),
            connects: Vec::new(),
        };
        found(run[0]);
        Running::start(&program, self.folder())
    }

    /// Starts a relay.
    pub(crate) fn relay(&self, arguments: &[&str]) -> Relay {
        static COUNT: AtomicU16 = AtomicU16::new(0);
        let control = format!("{}.ctl", COUNT.fetch_add(1, Ordering::Relaxed));
        let mut command = self.command(&[env!("CARGO_BIN_EXE_sockeye"), "relay"]);
        command.args(["--control", &self.text(&control)]);
        let program = Program::start(command.args(arguments));
        program.says(": ready\n");
        Relay(program)
    }

    /// A client that is not running yet, without the settings of who runs the tests.
    pub(crate) fn command(&self, run: &[&str]) -> Command {
        let mut command = Command::new(found(run[0]));
        command
            .args(&run[1..])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LC_ALL", "C.UTF-8")
            .env("TERM", "xterm")
            .envs([("HOME", self.folder()), ("TMPDIR", self.folder())])
            .current_dir(self.folder())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn start(&self, run: &[&str]) -> Program {
        Program::start(&mut self.command(run))
    }

    /// Starts a client with what it is told later.
    pub(crate) fn start_with_input(&self, run: &[&str]) -> Program {
        Program::start(self.command(run).stdin(Stdio::piped()))
    }

    /// Runs a client that is to succeed; what it prints.
    #[track_caller]
    pub(crate) fn run(&self, run: &[&str]) -> String {
        self.start(run).end().succeeded().text()
    }

    /// The same with standard input, in bytes.
    #[track_caller]
    pub(crate) fn run_with(&self, run: &[&str], input: &[u8]) -> Vec<u8> {
        self.fed(run, input).succeeded().stdout
    }

    pub(crate) fn fed(&self, run: &[&str], input: &[u8]) -> Ended {
        let mut program = self.start_with_input(run);
        let mut stdin = program.stdin();
        std::thread::scope(|scope| {
            // Who leaves early is no failure of the writer.
            scope.spawn(move || drop(stdin.write_all(input)));
            program.end()
        })
    }
}

/// A running relay.
pub(crate) struct Relay(Program);

impl Relay {
    /// Waits until its log holds this.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) {
        self.0.says(text);
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.0.signal(signal);
    }

    /// Ends it when all clients have gone, which it must have noticed; its log.
    #[track_caller]
    pub(crate) fn stop(self) -> String {
        let log = self.0.stop().succeeded().stderr;
        assert!(!log.contains("the relay stopped"), "{log}");
        log
    }

    /// The same, and nobody was refused or failed.
    #[track_caller]
    pub(crate) fn stop_without_failure(self) -> String {
        let log = self.stop();
        assert!(log.contains(", 0 refused, 0 failed, "), "{log}");
        log
    }
}

pub(crate) fn open(folder: &Path) {
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).unwrap();
}

/// Where the program is. One that is missing is a failure: a test that was skipped would look as if it had passed.
fn found(program: &str) -> PathBuf {
    find(program).unwrap_or_else(|| {
        panic!("{program} is needed: `cargo xtask setup` installs what the tests need")
    })
}

/// A place on this machine where nobody listens. The address is that of this process alone, so that nobody takes the
/// port before the program that it is meant for.
pub(crate) fn place() -> SocketAddrV4 {
    static NEXT: AtomicU16 = AtomicU16::new(20_000);
    let [_, b, c, d] = std::process::id().to_be_bytes();
    loop {
        let port = NEXT.fetch_add(1, Ordering::Relaxed);
        let place = SocketAddrV4::new(Ipv4Addr::new(127, b, c, d), port);
        if TcpListener::bind(place).is_ok() {
            return place;
        }
    }
}

/// Asks until it is so, for what announces nothing. Asking is to take a while.
#[track_caller]
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited for {what}");
    }
}

/// The words before a command that is run as the user nobody.
pub(crate) const AS_NOBODY: [&str; 5] = [
    "setpriv",
    "--reuid=65534",
    "--regid=65534",
    "--clear-groups",
    "--pdeathsig=TERM",
];

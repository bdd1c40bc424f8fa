//! One real program: started, waited for until it is ready, ended with all that descends from it.

use std::io::{PipeReader, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, pidfd_send_signal};

use crate::family::{Family, Parents, ends_before};
use crate::scenario::{Program, Ready};

/// Long enough for the slowest machine; only a failure takes as long.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// How often to ask again what announces nothing.
const TICK: Duration = Duration::from_millis(20);

/// A process group that ends with this value, and with the test's thread however that ends.
pub(crate) struct Running {
    pub(crate) program: Program,
    child: Child,
    process: OwnedFd,
    output: Output,
    /// Held open: many clients leave at the end of their input.
    _input: ChildStdin,
    has_ended: bool,
}

impl Running {
    /// Starts the program and waits until it is ready.
    pub(crate) fn start(program: &Program, dir: &Path) -> Running {
        let mut running = Running::spawn(program, dir);
        match &program.ready {
            Ready::Says(text) => running.wait_until(|output| output.contains(text)),
            Ready::Accepts(path) => running.wait_until(|_| accepts(path)),
            Ready::Exits => running.wait_for_success(),
        }
        running
    }

    fn spawn(program: &Program, dir: &Path) -> Running {
        let (reader, writer) = std::io::pipe().unwrap();
        // setpriv becomes the program. Should the tests be killed, so that nothing is dropped, the
        // kernel asks the program to end.
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "TERM", "--"])
            .arg(find(&program.run[0]).expect("looked for before the first start"))
            .args(&program.run[1..])
            .env_clear()
            .env("PATH", search_path())
            .env("LC_ALL", "C.UTF-8")
            .env("TERM", "xterm")
            .env("SHELL", "/bin/sh")
            .envs([("HOME", dir), ("TMPDIR", dir)])
            .current_dir(dir)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(writer.try_clone().unwrap())
            .stderr(writer);
        let mut child = command.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(program.input.as_bytes()).unwrap();
        Running {
            program: program.clone(),
            process: pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).unwrap(),
            child,
            output: Output::read(reader),
            _input: input,
            has_ended: false,
        }
    }

    fn wait_until(&self, is_ready: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_ready(&self.output.text()) {
            let answer = self.output.more.recv_timeout(TICK);
            let has_ended =
                answer == Err(RecvTimeoutError::Disconnected) && !is_ready(&self.output.text());
            assert!(!has_ended, "ended before it was ready: {}", self.said());
            let is_late = Instant::now() > deadline;
            assert!(!is_late, "not ready in {PATIENCE:?}: {}", self.said());
        }
    }

    fn wait_for_success(&mut self) {
        let has_ended = ends_before(&self.process, Instant::now() + PATIENCE);
        assert!(has_ended, "not done in {PATIENCE:?}: {}", self.said());
        let status = self.child.wait().unwrap();
        self.has_ended = true;
        assert!(status.success(), "{status}: {}", self.said());
    }

    /// Numbers of the process and of all that descend from it.
    pub(crate) fn pids(&self, parents: &Parents) -> Vec<u32> {
        if self.has_ended {
            return Vec::new();
        }
        let pids = parents
            .descendants(Pid::from_child(&self.child))
            .into_iter();
        pids.map(|pid| pid.as_raw_nonzero().get().unsigned_abs())
            .collect()
    }

    /// Command and output, for a failure.
    pub(crate) fn said(&self) -> String {
        let Running {
            program, output, ..
        } = self;
        format!("{}\n{}", program.run.join(" "), output.text())
    }

    /// Asks all to end, which they are to do by themselves; what does not is killed and complained of.
    pub(crate) fn end(group: &mut [Running]) -> Vec<String> {
        let parents = Parents::now();
        let mut asked = Vec::new();
        for running in group.iter_mut().filter(|running| !running.has_ended) {
            let family = Family::of(Pid::from_child(&running.child), &parents);
            let _ = pidfd_send_signal(&running.process, Signal::TERM);
            asked.push((running, family));
        }
        let deadline = Instant::now() + PATIENCE;
        let complaints = asked
            .into_iter()
            .filter_map(|(running, family)| running.reap(family, deadline));
        complaints.collect()
    }

    fn reap(&mut self, family: Family, deadline: Instant) -> Option<String> {
        let left = family.left_at(deadline);
        let names = left.names();
        left.kill();
        // Also who was born meanwhile. The number is still this group's: its leader is not waited for.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        left.left_at(Instant::now() + PATIENCE);
        let _ = self.child.wait();
        self.has_ended = true;
        let names = names.join(", ");
        (!names.is_empty()).then(|| format!("{names} had to be killed: {}", self.said()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        Running::end(std::slice::from_mut(self));
    }
}

/// What a program has written so far.
struct Output {
    written: Arc<Mutex<Vec<u8>>>,
    /// Something with every addition; disconnected when there will be no more.
    more: Receiver<()>,
}

impl Output {
    fn read(mut pipe: PipeReader) -> Output {
        let written: Arc<Mutex<Vec<u8>>> = Arc::default();
        let (sender, more) = channel();
        let ours = Arc::clone(&written);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                ours.lock().unwrap().extend_from_slice(&buffer[..count]);
                // Nobody waits any more; the pipe must be emptied all the same.
                let _ = sender.send(());
            }
        });
        Output { written, more }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.written.lock().unwrap()).into_owned()
    }
}

fn accepts(path: &str) -> bool {
    let kind = SocketType::STREAM;
    let flags = SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, kind, flags, None).unwrap();
    rustix::net::connect(&socket, &SocketAddrUnix::new(path).unwrap()).is_ok()
}

/// Where the program is, as far as it is installed.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = search_path();
    let mut files = std::env::split_paths(&path).map(|folder| folder.join(program));
    files.find(|file| file.is_file())
}

/// Servers are in `sbin`, which only root's PATH has.
fn search_path() -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    format!("{path}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin")
}

//! `--exec`: a command per client. docs/listen-exec.md is its contract.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{
    Pid, PidfdFlags, Resource, Rlimit, Signal, kill_process_group, pidfd_open, prlimit,
};
use sockeye_address::{Kind, Name};
use sockeye_socket::Connection;

use crate::error::{Error, error_with};
use crate::verbs::talk::peer::Peer;
use crate::verbs::talk::stop::timespec;

/// How long a command may take to end after SIGTERM before it is ended by SIGKILL.
const PATIENCE: Duration = Duration::from_secs(2);

/// A running command and the client it serves.
#[derive(Debug)]
pub(crate) struct Served {
    /// The client.
    pub peer: Peer,
    child: Child,
    pid: Pid,
    /// Readable when the command has ended.
    pidfd: OwnedFd,
}

/// What a command is told of its client.
pub(crate) struct Situation<'a> {
    pub command: &'a OsStr,
    pub name: &'a Name,
    pub kind: Kind,
    pub limit: Rlimit,
}

impl Situation<'_> {
    /// Starts the command with the connection as its standard input and output. It is a process group of its own, so
    /// that whatever it starts can be ended with it.
    pub(crate) fn start(&self, connection: &Connection, peer: Peer) -> Result<Served, Error> {
        let failed = |error: std::io::Error| {
            Error::failure(error_with(format!("run a command for {peer}"), error))
        };
        let end = || connection.as_fd().try_clone_to_owned();
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(self.command).process_group(0);
        command
            .stdin(end().map_err(failed)?)
            .stdout(end().map_err(failed)?);
        self.describe(&mut command, &peer);
        let mut child = command.spawn().map_err(failed)?;
        drop(command);
        let pid = Pid::from_child(&child);
        let _ = prlimit(Some(pid), Resource::Nofile, self.limit);
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(pidfd) => Ok(Served {
                peer,
                child,
                pid,
                pidfd,
            }),
            Err(number) => {
                let _ = kill_process_group(pid, Signal::KILL);
                let _ = child.wait();
                Err(failed(number.into()))
            }
        }
    }

    fn describe(&self, command: &mut Command, peer: &Peer) {
        command.env("SOCKEYE_ADDRESS", self.name.to_string());
        command.env("SOCKEYE_KIND", self.kind.word());
        command.env("SOCKEYE_CLIENT", peer.number.to_string());
        let mut set = |variable: &str, value: Option<String>| match value {
            Some(value) => drop(command.env(variable, value)),
            // What this process itself was started with is about somebody else.
            None => drop(command.env_remove(variable)),
        };
        set(
            "SOCKEYE_PEER_PID",
            peer.credentials
                .and_then(|peer| peer.pid)
                .map(|pid| pid.to_string()),
        );
        set(
            "SOCKEYE_PEER_UID",
            peer.credentials.map(|peer| peer.uid.to_string()),
        );
        set(
            "SOCKEYE_PEER_GID",
            peer.credentials.map(|peer| peer.gid.to_string()),
        );
        set("SOCKEYE_PEER_USER", peer.user.clone());
        set("SOCKEYE_PEER_NAME", peer.process.clone());
    }
}

impl Served {
    /// The command has ended: how?
    pub(crate) fn reap(mut self) -> Option<ExitStatus> {
        self.child.wait().ok()
    }
}

impl AsFd for Served {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

/// Ends commands and what they started, gently first.
pub(crate) fn end_all(children: impl IntoIterator<Item = Served>) {
    let children: Vec<_> = children.into_iter().collect();
    for served in &children {
        let _ = kill_process_group(served.pid, Signal::TERM);
    }
    let deadline = Instant::now() + PATIENCE;
    for mut served in children {
        let left = timespec(deadline.saturating_duration_since(Instant::now()));
        let _ = poll(
            &mut [PollFd::new(&served.pidfd, PollFlags::IN)],
            Some(&left),
        );
        // The leader may be gone and what it started not.
        let _ = kill_process_group(served.pid, Signal::KILL);
        let _ = served.child.wait();
    }
}

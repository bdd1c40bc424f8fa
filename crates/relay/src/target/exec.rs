//! `exec:command`: a command for each client. docs/relay.md is its contract.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions, kill_process_group, prlimit, waitid,
};
use sockeye_address::escape::escape;
use sockeye_address::kinds::exec::CommandLine;
use sockeye_address::{Address, Kind};
use sockeye_privilege::user_name;
use sockeye_socket::{Connection, Credentials, Life};
use tokio::sync::{oneshot, watch};

use crate::event::Client;

/// How long commands may take to end after SIGTERM before they are ended by SIGKILL.
const PATIENCE: Duration = Duration::from_secs(2);
/// One thread waits for each command, and does nothing else.
const STACK_BYTES: usize = 64 * 1024;

/// Why a command could not be started.
#[derive(Debug, thiserror::Error)]
#[error("run exec:{command}")]
pub struct Error {
    /// The command.
    pub command: CommandLine,
    /// What the kernel said.
    pub source: io::Error,
}

/// What a command is told of its client, in environment variables. What is not known is not set.
#[derive(Debug, Clone, Copy, Default)]
pub struct Situation<'a> {
    /// Where the client came in: `SOCKEYE_ADDRESS`.
    pub address: Option<&'a Address>,
    /// What the client speaks: `SOCKEYE_KIND`.
    pub kind: Option<Kind>,
    /// The how-many-th client it is, from 1: `SOCKEYE_CLIENT`.
    pub number: Option<u64>,
    /// Who it is: `SOCKEYE_PEER_PID`, `_UID`, `_GID`, `_USER` and `_NAME`, or `_ADDRESS` for one of a network.
    pub client: Option<&'a Client>,
}

/// The commands that run for clients. When this is dropped, those that still run are sent SIGTERM.
///
/// # Examples
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::fs::File;
/// use std::io::Read as _;
/// use sockeye_address::Address;
/// use sockeye_relay::exec::{Commands, Situation};
///
/// let Address::Exec(command) = "exec:echo you are number $SOCKEYE_CLIENT".parse()? else { unreachable!() };
/// let commands = Commands::default();
/// let client = Situation { number: Some(7), ..Situation::default() };
/// let (end, exit) = commands.start(&command, client)?;
/// let mut said = String::new();
/// File::from(end).read_to_string(&mut said)?;
/// assert_eq!(said, "you are number 7\n");
/// assert!(exit.status().await.is_some_and(|status| status.success()));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Commands {
    running: Arc<Running>,
    /// Commands get this limit of open files, where this process has raised its own.
    open_files: Option<Rlimit>,
}

/// Groups that can be signalled: no leader in it has been reaped.
#[derive(Debug, Default)]
struct Running {
    groups: Mutex<BTreeMap<i32, Pid>>,
    count: watch::Sender<usize>,
}

/// The end of a command, to be waited for or not.
#[derive(Debug)]
pub struct Exit(oneshot::Receiver<ExitStatus>);

impl Exit {
    /// Waits until the command has ended. `None` if how was lost.
    pub async fn status(self) -> Option<ExitStatus> {
        self.0.await.ok()
    }
}

impl Commands {
    /// Gives commands a limit of open files of their own.
    #[must_use]
    pub fn with_open_files(mut self, limit: Rlimit) -> Self {
        self.open_files = Some(limit);
        self
    }

    /// Runs `/bin/sh -c` with one end of a pair of sockets as its standard input and output; the other end is the
    /// answer. Standard error is that of this process. The command is the leader of a process group of its own.
    ///
    /// It is not ended when the connection ends, which it sees as the end of its input and as errors of its writes: it
    /// may finish what it does. [`Self::end`] is for the end of the relay.
    ///
    /// # Errors
    /// No descriptor, process or thread is left. A command that does not exist is no error here: the shell says so
    /// on standard error and ends with status 127.
    pub fn start(
        &self,
        command: &CommandLine,
        situation: Situation<'_>,
    ) -> Result<(OwnedFd, Exit), Error> {
        self.try_start(command, situation).map_err(|source| Error {
            command: command.clone(),
            source,
        })
    }

    fn try_start(
        &self,
        command: &CommandLine,
        situation: Situation<'_>,
    ) -> io::Result<(OwnedFd, Exit)> {
        let (near, far) = Connection::pair(Kind::Stream, &Life::default())?;
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(command.as_str()).process_group(0);
        shell
            .stdin(far.as_fd().try_clone_to_owned()?)
            .stdout(far.into_fd());
        situation.describe(&mut shell);
        // Under the lock: whoever ends all commands ends this one, too.
        let mut groups = self.running.groups();
        let child = shell.spawn()?;
        // It holds the far end, which must close with the last process that has it.
        drop(shell);
        let pid = Pid::from_child(&child);
        if let Some(limit) = self.open_files {
            let _ = prlimit(Some(pid), Resource::Nofile, limit);
        }
        groups.insert(pid.as_raw_nonzero().get(), pid);
        self.running.count.send_replace(groups.len());
        drop(groups);
        Ok((near.into_fd(), self.reap_later(child, pid)?))
    }

    fn reap_later(&self, child: Child, pid: Pid) -> io::Result<Exit> {
        let (tell, told) = oneshot::channel();
        let running = Arc::clone(&self.running);
        let child = Arc::new(Mutex::new(child));
        let theirs = Arc::clone(&child);
        let thread = std::thread::Builder::new()
            .name("relay-exec".into())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                if let Some(status) = running.reap(&theirs, pid) {
                    let _ = tell.send(status);
                }
            });
        if let Err(error) = thread {
            let _ = kill_process_group(pid, Signal::KILL);
            self.running.reap(&child, pid);
            return Err(error);
        }
        Ok(Exit(told))
    }

    /// Ends the commands that run and what they started: SIGTERM now, SIGKILL for what is left two seconds later.
    pub async fn end(&self) {
        let mut count = self.running.count.subscribe();
        self.running.signal(Signal::TERM);
        let _ = tokio::time::timeout(PATIENCE, count.wait_for(|count| *count == 0)).await;
        self.running.signal(Signal::KILL);
        let _ = count.wait_for(|count| *count == 0).await;
    }
}

impl Drop for Commands {
    fn drop(&mut self) {
        self.running.signal(Signal::TERM);
    }
}

impl Running {
    fn groups(&self) -> MutexGuard<'_, BTreeMap<i32, Pid>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signal(&self, signal: Signal) {
        for group in self.groups().values() {
            let _ = kill_process_group(*group, signal);
        }
    }

    /// Waits for the end of a command. It keeps its number until it can no longer be signalled by it.
    fn reap(&self, child: &Mutex<Child>, pid: Pid) -> Option<ExitStatus> {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while waitid(WaitId::Pid(pid), look).is_err_and(|error| error == Errno::INTR) {}
        let mut groups = self.groups();
        groups.remove(&pid.as_raw_nonzero().get());
        let status = child.lock().unwrap_or_else(PoisonError::into_inner).wait();
        self.count.send_replace(groups.len());
        status.ok()
    }
}

impl Situation<'_> {
    fn describe(&self, command: &mut Command) {
        let mut set = |variable: &str, value: Option<String>| match value {
            Some(value) => drop(command.env(variable, value)),
            // What this process itself was started with is about somebody else.
            None => drop(command.env_remove(variable)),
        };
        set("SOCKEYE_ADDRESS", self.address.map(Address::to_string));
        set("SOCKEYE_KIND", self.kind.map(|kind| kind.word().to_owned()));
        set(
            "SOCKEYE_CLIENT",
            self.number.map(|number| number.to_string()),
        );
        let peer = self.credentials();
        let pid = peer.and_then(|peer| peer.pid);
        set("SOCKEYE_PEER_PID", pid.map(|pid| pid.to_string()));
        set("SOCKEYE_PEER_UID", peer.map(|peer| peer.uid.to_string()));
        set("SOCKEYE_PEER_GID", peer.map(|peer| peer.gid.to_string()));
        set(
            "SOCKEYE_PEER_USER",
            peer.and_then(|peer| user_name(peer.uid)),
        );
        set("SOCKEYE_PEER_NAME", pid.and_then(process_name));
        set("SOCKEYE_PEER_ADDRESS", self.network_address());
    }

    fn credentials(&self) -> Option<Credentials> {
        match self.client {
            Some(Client::Unix { credentials, .. }) => *credentials,
            _ => None,
        }
    }

    fn network_address(&self) -> Option<String> {
        match self.client {
            Some(client @ (Client::Network(_) | Client::Vsock(..))) => Some(client.to_string()),
            _ => None,
        }
    }
}

fn process_name(pid: u32) -> Option<String> {
    let name = std::fs::read(format!("/proc/{pid}/comm")).ok()?;
    Some(escape(name.strip_suffix(b"\n").unwrap_or(&name), ""))
}

//! A child, its end and its words.

use std::io;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::AsyncReadExt as _;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::unix::pipe::Receiver;

use super::said::Said;
use crate::end::watch::watch;

/// What a child has started may hold its standard error; so long are its last words waited for.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A child that is killed and reaped when this is dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    end: AsyncFd<OwnedFd>,
    errors: Receiver,
    said: Said,
}

impl Process {
    /// Starts a program in a process group. To be called on the runtime that will wait for it.
    pub(super) fn start(mut command: Command, group: Pid) -> io::Result<Self> {
        use std::os::unix::process::CommandExt as _;
        let (errors, their_errors) = io::pipe()?;
        let errors = Receiver::from_owned_fd(errors.into())?;
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(their_errors)
            .process_group(group.as_raw_nonzero().get());
        let mut child = command.spawn()?;
        let watched = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())
            .map_err(io::Error::from)
            .and_then(|pidfd| watch(pidfd, Interest::READABLE));
        match watched {
            Ok(end) => Ok(Process {
                child,
                end,
                errors,
                said: Said::default(),
            }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    /// Waits for the end, and tells every line that is written until then. It can be cancelled and called again.
    pub(super) async fn ended(&mut self, hear: &mut impl FnMut(&str)) -> io::Result<ExitStatus> {
        let mut piece = [0; 1024];
        loop {
            tokio::select! {
                biased;
                read = self.errors.read(&mut piece) => match read {
                    Ok(0) | Err(_) => break,
                    Ok(length) => self.said.push(piece.get(..length).unwrap_or_default(), hear),
                },
                end = self.end.readable() => {
                    let _ = end?;
                    let rest = self.read_rest(hear);
                    let _ = tokio::time::timeout(LAST_WORDS, rest).await;
                    break;
                }
            }
        }
        let _ = self.end.readable().await?;
        self.said.finish(hear);
        self.child.wait()
    }

    async fn read_rest(&mut self, hear: &mut impl FnMut(&str)) {
        let mut piece = [0; 1024];
        while let Ok(length @ 1..) = self.errors.read(&mut piece).await {
            self.said
                .push(piece.get(..length).unwrap_or_default(), hear);
        }
    }

    /// Why it ended.
    pub(super) fn reason(&self, status: ExitStatus) -> String {
        self.said
            .reason()
            .unwrap_or_else(|| format!("ssh ended with {status}"))
    }

    /// Waits, without the runtime, until it has ended or the time is over.
    pub(super) fn wait_within(&self, limit: Duration) {
        let limit = Timespec {
            tv_sec: limit.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: limit.subsec_nanos().into(),
        };
        let mut watched = [PollFd::new(self.end.get_ref(), PollFlags::IN)];
        while poll(&mut watched, Some(&limit)) == Err(Errno::INTR) {}
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

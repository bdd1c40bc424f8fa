//! Signals that end the program, so that it can clear up behind itself.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::Exit;
use crate::error::{Error, error_with};

/// Becomes readable when SIGINT, SIGTERM or SIGHUP has arrived.
#[derive(Debug)]
pub(crate) struct Stop {
    reader: OwnedFd,
    signal: Arc<AtomicUsize>,
}

/// Why waiting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    /// The descriptor is ready.
    Ready,
    /// A signal has arrived.
    Stopped,
    /// Time ran out.
    TimedOut,
}

impl Stop {
    /// From now on those signals no longer end the process by themselves.
    pub(crate) fn on_signals() -> Result<Self, Error> {
        let set_up = || -> io::Result<Self> {
            let (reader, writer) = UnixStream::pair()?;
            let (reader, writer) = (out_of_the_way(reader.into()), out_of_the_way(writer.into()));
            let signal = Arc::new(AtomicUsize::new(0));
            for number in [SIGINT, SIGTERM, SIGHUP] {
                if number == SIGHUP && is_ignored(number) {
                    continue; // started by nohup
                }
                let value = usize::try_from(number).unwrap_or(0);
                signal_hook::flag::register_usize(number, Arc::clone(&signal), value)?;
                signal_hook::low_level::pipe::register(
                    number,
                    out_of_the_way(writer.try_clone()?),
                )?;
            }
            Ok(Stop { reader, signal })
        };
        set_up().map_err(|error| Error::failure(error_with("listen for signals", error)))
    }

    /// How a program ends that was stopped before its work was done; `None` while no signal has arrived.
    pub(crate) fn exit(&self) -> Option<Exit> {
        match u8::try_from(self.signal.load(Ordering::SeqCst)) {
            Ok(0) | Err(_) => None,
            Ok(number) => Some(Exit::Signal(number)),
        }
    }

    /// Waits for a signal; how the program ends for it.
    pub(crate) fn wait_for_signal(&self) -> Result<Exit, Error> {
        self.wait(self.as_fd(), PollFlags::IN, None)?;
        Ok(self.exit().unwrap_or(Exit::Success))
    }

    /// Waits until `fd` is ready, a signal arrives, or `deadline` passes. A signal comes first.
    pub(crate) fn wait(
        &self,
        fd: BorrowedFd<'_>,
        events: PollFlags,
        deadline: Option<Instant>,
    ) -> Result<Woken, Error> {
        loop {
            let timeout = deadline
                .map(|deadline| timespec(deadline.saturating_duration_since(Instant::now())));
            let mut watched = [
                PollFd::new(&self.reader, PollFlags::IN),
                PollFd::from_borrowed_fd(fd, events),
            ];
            match poll(&mut watched, timeout.as_ref()) {
                Ok(0) => return Ok(Woken::TimedOut),
                Ok(_) if watched[0].revents().is_empty() => return Ok(Woken::Ready),
                Ok(_) => return Ok(Woken::Stopped),
                Err(Errno::INTR) => {}
                Err(number) => return Err(Error::failure(error_with("wait", number))),
            }
        }
    }
}

impl AsFd for Stop {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}

/// Moves a descriptor that has nothing to do with the sockets a learner looks at to a high number, so that theirs are
/// the small ones they would be in a program of one's own.
pub(crate) fn out_of_the_way(fd: OwnedFd) -> OwnedFd {
    rustix::io::fcntl_dupfd_cloexec(&fd, 200).unwrap_or(fd)
}

/// A duration as poll and epoll want it.
pub(crate) fn timespec(duration: std::time::Duration) -> Timespec {
    Timespec::try_from(duration).unwrap_or(Timespec {
        tv_sec: i64::MAX,
        tv_nsec: 0,
    })
}

/// Whether whoever started this program wants it to go on after the signal.
pub(crate) fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .unwrap_or_default();
    u64::from_str_radix(ignored.trim(), 16).is_ok_and(|set| set >> (signal - 1) & 1 == 1)
}

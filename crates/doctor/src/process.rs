//! The processes behind a socket, and how they are.

use std::fmt;
use std::os::unix::ffi::OsStrExt as _;

use sockeye_address::escape::escape;
use sockeye_census::{Census, NetNamespace, Pid, Process, SocketInode};
use sockeye_wire::proc::{fd_link, limits, stat};

/// Processes that hold a socket, each once. None when they could not be seen, or when nobody holds it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Processes(pub Vec<Process>);

impl Processes {
    /// Those that hold a socket.
    pub(crate) fn holding(census: &Census, inode: SocketInode) -> Self {
        let mut pids: Vec<Pid> = census
            .holders(inode)
            .iter()
            .map(|holder| holder.pid)
            .collect();
        pids.sort_unstable();
        pids.dedup();
        Processes(
            pids.into_iter()
                .filter_map(|pid| census.process(pid))
                .cloned()
                .collect(),
        )
    }

    /// The form of a verb that fits them in a sentence: one process listens, two listen.
    pub fn verb<'a>(&self, of_one: &'a str, of_many: &'a str) -> &'a str {
        if self.0.len() > 1 { of_many } else { of_one }
    }

    /// Whether all of them, and at least one, are so.
    pub(crate) fn all(&self, is_so: impl Fn(Pid) -> bool) -> bool {
        !self.0.is_empty() && self.0.iter().all(|process| is_so(process.pid))
    }
}

impl fmt::Display for Processes {
    /// `nginx (pid 12) and 3 more`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, more @ ..] = self.0.as_slice() else {
            return f.write_str("a process that cannot be seen");
        };
        write!(f, "{} (pid {})", escape(&first.name, ""), first.pid)?;
        match more {
            [] => Ok(()),
            [second] => write!(f, " and {} (pid {})", escape(&second.name, ""), second.pid),
            more => write!(f, " and {} more", more.len()),
        }
    }
}

/// The letter of a process's state, as in `ps`.
pub(crate) fn state(pid: Pid) -> Option<u8> {
    let text = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    stat::parse(&text).ok().map(|stat| stat.state)
}

/// Whether a process was stopped by a signal or a debugger, or frozen with its control group.
pub(crate) fn is_stopped(pid: Pid) -> bool {
    matches!(state(pid), Some(b'T' | b't')) || is_frozen(pid) == Some(true)
}

/// `docker pause` and `systemctl freeze` leave no trace in the state letter (`cgroup-v2.rst`, `cgroup.freeze`).
fn is_frozen(pid: Pid) -> Option<bool> {
    let groups = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let events = std::fs::read_to_string(format!("/sys/fs/cgroup{group}/cgroup.events")).ok()?;
    Some(events.lines().any(|line| line == "frozen 1"))
}

/// The limit of open descriptors of a process, when every descriptor below it is taken: `accept` then fails with
/// `EMFILE`. `None` when some are free or it could not be seen.
pub(crate) fn descriptor_limit_reached(pid: Pid) -> Option<u64> {
    let text = std::fs::read(format!("/proc/{pid}/limits")).ok()?;
    let limit = limits::open_files(&text).ok()?.soft?;
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u64>().ok());
    let taken = numbers.filter(|number| *number < limit).count();
    (u64::try_from(taken) == Ok(limit)).then_some(limit)
}

/// The mount namespace of a process.
pub(crate) fn mount_namespace(pid: Pid) -> Option<u64> {
    namespace(&format!("/proc/{pid}/ns/mnt"))
}

/// The mount namespace of this thread.
pub(crate) fn own_mount_namespace() -> Option<u64> {
    namespace("/proc/thread-self/ns/mnt")
}

/// The network namespace of this thread.
pub(crate) fn own_net_namespace() -> Option<NetNamespace> {
    namespace("/proc/thread-self/ns/net").map(NetNamespace)
}

fn namespace(link: &str) -> Option<u64> {
    fd_link::namespace_inode(std::fs::read_link(link).ok()?.as_os_str().as_bytes())
}

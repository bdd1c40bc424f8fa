//! A process and all that descend from it, held so that none is mistaken for another or forgotten.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// Who is whose child at one moment.
pub(crate) struct Parents(HashMap<i32, Vec<i32>>);

impl Parents {
    pub(crate) fn now() -> Parents {
        let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
        for entry in std::fs::read_dir("/proc").expect("/proc is mounted") {
            let name = entry.expect("/proc can be listed").file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            // A process that has just ended is nobody's child.
            if let Some(parent) = parent(pid) {
                children.entry(parent).or_default().push(pid);
            }
        }
        Parents(children)
    }

    /// The process, its children, and theirs.
    pub(crate) fn descendants(&self, pid: Pid) -> Vec<Pid> {
        let mut found = vec![pid];
        let mut at = 0;
        while let Some(pid) = found.get(at) {
            let children = self.0.get(&pid.as_raw_nonzero().get());
            let children = children.into_iter().flatten();
            found.extend(children.filter_map(|child| Pid::from_raw(*child)));
            at += 1;
        }
        found
    }
}

/// From `/proc/PID/stat`: what follows the name, which may hold anything and ends at the last parenthesis,
/// is the state and then the parent.
fn parent(pid: i32) -> Option<i32> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

/// The processes of a family, each by a descriptor: a number could be another's by the time it is used.
pub(crate) struct Family(Vec<(Pid, OwnedFd)>);

impl Family {
    pub(crate) fn of(pid: Pid, parents: &Parents) -> Family {
        let members = parents.descendants(pid).into_iter();
        Family(
            members
                .filter_map(|pid| Some((pid, pidfd_open(pid, PidfdFlags::empty()).ok()?)))
                .collect(),
        )
    }

    /// Those that are left when all have ended or the time is over.
    pub(crate) fn left_at(self, deadline: Instant) -> Family {
        Family(
            self.0
                .into_iter()
                .filter(|(_, process)| !ends_before(process, deadline))
                .collect(),
        )
    }

    pub(crate) fn kill(&self) {
        for (_, process) in &self.0 {
            // It may have ended meanwhile, which is all that is wanted.
            let _ = pidfd_send_signal(process, Signal::KILL);
        }
    }

    /// Name and number of each.
    pub(crate) fn names(&self) -> Vec<String> {
        let pids = self.0.iter().map(|(pid, _)| pid.as_raw_nonzero().get());
        pids.map(|pid| format!("{}[{pid}]", name(pid.unsigned_abs()).unwrap_or_default()))
            .collect()
    }
}

/// Waits for the end of a process, which makes its descriptor readable.
pub(crate) fn ends_before(process: &OwnedFd, deadline: Instant) -> bool {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).expect("deadlines are short");
        match poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&left)) {
            Err(rustix::io::Errno::INTR) => {}
            answer => return answer.expect("a process can be waited for") > 0,
        }
    }
}

/// What a process is called, as in `/proc/PID/comm`.
pub(crate) fn name(pid: u32) -> Option<String> {
    let name = std::fs::read(format!("/proc/{pid}/comm")).ok()?;
    Some(
        String::from_utf8_lossy(&name)
            .trim_end_matches('\n')
            .to_owned(),
    )
}

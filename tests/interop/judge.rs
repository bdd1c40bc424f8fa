//! Compares a map with what the programs of a scenario are known to do.

use std::collections::HashMap;
use std::path::PathBuf;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use crate::family::{self, Parents};
use crate::map::{Connection, Map, Process, names};
use crate::program::Running;
use crate::scenario::{Connects, Listens, Program};

/// The programs that run, each with the numbers of all its processes.
pub(crate) struct Judge<'a>(Vec<(&'a Program, Vec<u32>)>);

impl<'a> Judge<'a> {
    pub(crate) fn of(running: impl Iterator<Item = &'a Running>) -> Judge<'a> {
        let parents = Parents::now();
        Judge(
            running
                .map(|running| (&running.program, running.pids(&parents)))
                .collect(),
        )
    }

    /// What is missing from the map, wrong, or too much.
    ///
    /// A row whose client has gone is none of these: that it goes too is for later.
    pub(crate) fn complaints(&self, map: &Map) -> Vec<String> {
        let mut complaints = Vec::new();
        let mut rows: Vec<&Connection> = map.connections.iter().collect();
        rows.retain(|row| !row.is_over());
        complaints.extend(repeated(&rows));
        for (program, pids) in &self.0 {
            for listens in &program.listens {
                complaints.extend(self.listener_complaint(listens, map));
            }
            for connects in &program.connects {
                let all = rows.len();
                rows.retain(|row| !self.fits(row, connects, pids));
                let count = all - rows.len();
                if count == 0 || count > 1 && !connects.or_more {
                    complaints.push(count_complaint(connects, pids, count));
                }
            }
        }
        complaints.extend(rows.iter().map(|row| format!("unexpected: {row}")));
        complaints
    }

    fn listener_complaint(&self, listens: &Listens, map: &Map) -> Option<String> {
        let Listens { address, holders } = listens;
        let Some(listener) = map.listener(address) else {
            return Some(format!("nothing listens at {address}"));
        };
        let Some(socket) = listener.socket else {
            return Some(format!("a listener without a socket: {listener}"));
        };
        let is_right =
            names(&listener.processes) == *holders && self.are_holders(&listener.processes, socket);
        (!is_right).then(|| format!("not held by {} alone: {listener}", holders.join(", ")))
    }

    /// Whether the row is this connection, made by one of these processes.
    fn fits(&self, row: &Connection, connects: &Connects, pids: &[u32]) -> bool {
        let (Some(client_end), Some(server_end)) = (&row.client, &row.server) else {
            return false;
        };
        let ([client], servers) = (&*client_end.processes, &server_end.processes) else {
            return false;
        };
        row.address.as_ref() == Some(&connects.to)
            && client.name == connects.r#as
            && pids.contains(&client.pid)
            && names(servers) == connects.holders
            && [client_end, server_end]
                .into_iter()
                .all(|end| self.are_holders(&end.processes, end.socket))
            && servers.iter().all(|server| {
                is_peer(client, server)
                    && (network(server) != network(client)) == connects.across_networks
            })
    }

    /// Whether these, by all their descriptors, and nobody else of this scenario hold the socket, and are
    /// called what the kernel calls them.
    fn are_holders(&self, processes: &[Process], socket: u64) -> bool {
        let known = || self.0.iter().flat_map(|(_, pids)| pids);
        let of = |pid: u32| processes.iter().find(|process| process.pid == pid);
        processes
            .iter()
            .all(|process| known().any(|pid| *pid == process.pid))
            && known().all(|pid| match of(*pid) {
                None => descriptors(*pid, socket).is_empty(),
                Some(process) => {
                    process.descriptors == descriptors(*pid, socket)
                        && family::name(*pid).as_ref() == Some(&process.name)
                }
            })
    }
}

fn count_complaint(connects: &Connects, pids: &[u32], count: usize) -> String {
    let Connects { r#as, to, .. } = connects;
    let more = if connects.or_more { " or more" } else { "" };
    format!("{count} rows, not 1{more}, for {as} (one of {pids:?}) → {to}")
}

/// Sockets that are in more than one row: each has one peer.
fn repeated(rows: &[&Connection]) -> Vec<String> {
    let mut counts: HashMap<u64, u32> = HashMap::new();
    let ends = rows.iter().flat_map(|row| [&row.client, &row.server]);
    for end in ends.flatten() {
        *counts.entry(end.socket).or_default() += 1;
    }
    counts.retain(|_, count| *count > 1);
    let repeated = counts.into_iter();
    repeated
        .map(|(socket, count)| format!("socket {socket} is in {count} rows"))
        .collect()
}

/// Whether this client connected to this server, by what the kernel tells the server (`SO_PEERCRED`): a
/// map is made of other things.
fn is_peer(client: &Process, server: &Process) -> bool {
    match peer(server) {
        Ok(pid) => pid == client.pid.cast_signed(),
        // Nobody may borrow descriptors here: a container without CAP_SYS_PTRACE.
        Err(cause) => cause == Errno::PERM,
    }
}

fn peer(server: &Process) -> Result<i32, Errno> {
    let pid = Pid::from_raw(server.pid.cast_signed()).ok_or(Errno::SRCH)?;
    let descriptor = server.descriptors.first().ok_or(Errno::BADF)?;
    let process = pidfd_open(pid, PidfdFlags::empty())?;
    let flags = PidfdGetfdFlags::empty();
    let socket = pidfd_getfd(process, descriptor.cast_signed(), flags)?;
    let credentials = rustix::net::sockopt::socket_peercred(socket)?;
    Ok(credentials.pid.as_raw_nonzero().get())
}

/// By which descriptors a process holds the socket, told by its folder in /proc.
fn descriptors(pid: u32, socket: u64) -> Vec<u32> {
    let link = PathBuf::from(format!("socket:[{socket}]"));
    // Who has ended holds nothing.
    let Ok(folder) = std::fs::read_dir(format!("/proc/{pid}/fd")) else {
        return Vec::new();
    };
    let mut descriptors: Vec<u32> = folder
        .flatten()
        .filter(|entry| std::fs::read_link(entry.path()).is_ok_and(|to| to == link))
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    descriptors.sort_unstable();
    descriptors
}

/// The network namespace of a process, as the link to it reads.
fn network(process: &Process) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{}/ns/net", process.pid)).ok()
}

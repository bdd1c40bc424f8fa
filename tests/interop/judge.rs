//! Compares a map with what the programs of a scenario are known to do.

use std::path::PathBuf;

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
        for (program, pids) in &self.0 {
            for listens in &program.listens {
                complaints.extend(self.listener_complaint(listens, map));
            }
            for connects in &program.connects {
                let all = rows.len();
                rows.retain(|row| !self.fits(row, connects, pids));
                let count = all - rows.len();
                if count == 0 || count > 1 && !connects.or_more {
                    complaints.push(self.count_complaint(connects, pids, count));
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
        let is_right = names(&listener.processes) == *holders && self.knows(&listener.processes);
        (!is_right).then(|| format!("not held by {} alone: {listener}", holders.join(", ")))
    }

    fn count_complaint(&self, connects: &Connects, pids: &[u32], count: usize) -> String {
        let Connects { r#as, to, .. } = connects;
        let few = if connects.or_more { " or more" } else { "" };
        format!("{count} rows, not 1{few}, for {as} (one of {pids:?}) → {to}")
    }

    /// Whether the row is this connection, made by one of these processes.
    fn fits(&self, row: &Connection, connects: &Connects, pids: &[u32]) -> bool {
        let [client] = row.client() else {
            return false;
        };
        let mut apart = row
            .server()
            .iter()
            .map(|server| network(server) != network(client));
        row.address.as_ref() == Some(&connects.to)
            && client.name == connects.r#as
            && pids.contains(&client.pid)
            && names(row.server()) == connects.holders
            && self.knows(row.client())
            && self.knows(row.server())
            && apart.all(|apart| apart == connects.across_networks)
    }

    /// Whether each is a process of this scenario, and called what the kernel calls it.
    fn knows(&self, processes: &[Process]) -> bool {
        processes.iter().all(|process| {
            let mut all = self.0.iter().flat_map(|(_, pids)| pids);
            all.any(|pid| *pid == process.pid)
                && family::name(process.pid).as_ref() == Some(&process.name)
        })
    }
}

/// The network namespace of a process, as the link to it reads.
fn network(process: &Process) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{}/ns/net", process.pid)).ok()
}

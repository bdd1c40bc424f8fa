//! `--tree`: processes, and below each what it holds.

use std::collections::BTreeMap;
use std::io::{self, Write};

use sockeye_census::{Census, Endpoint, Pid, SocketInode};

use super::label::{self, Labels};
use crate::terminal::{ADDRESS, FAINT, HEADING, styled};

/// What a process has to do with an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Holds,
    Serves,
    Client,
}

/// Writes the tree of the processes behind `endpoints` and of their clients.
pub(super) fn write(
    out: &mut impl Write,
    census: &Census,
    endpoints: &[&Endpoint],
) -> io::Result<()> {
    let mut labels = Labels::new(census);
    let processes = gather(census, endpoints);
    for (pid, lines) in &processes {
        let (name, uid) = labels.process(*pid);
        writeln!(
            out,
            "{} {}",
            styled(HEADING, format!("{name}[{pid}]")),
            labels.user(uid)
        )?;
        for (at, ((endpoint, role), count)) in lines.iter().enumerate() {
            let branch = if at + 1 == lines.len() {
                "└─"
            } else {
                "├─"
            };
            let Some(endpoint) = endpoints.get(*endpoint) else {
                continue;
            };
            let address = styled(ADDRESS, label::address(&endpoint.name));
            let times = if *count > 1 {
                format!(" ×{count}")
            } else {
                String::new()
            };
            let line = match role {
                Role::Holds => {
                    let state = endpoint.state.word();
                    let remark = label::remark(census, endpoint);
                    let gap = if remark.is_empty() { "" } else { " " };
                    format!("{state} {address}{gap}{remark}")
                }
                Role::Serves => format!("serves {address}{times}"),
                Role::Client => format!("client of {address}{times}"),
            };
            writeln!(out, "{} {line}", styled(FAINT, branch))?;
        }
    }
    let without: Vec<_> = endpoints
        .iter()
        .filter(|endpoint| !is_held(census, endpoint))
        .collect();
    if !without.is_empty() {
        writeln!(out, "{}", styled(HEADING, "no process"))?;
    }
    for endpoint in without {
        writeln!(
            out,
            "{} {} {}",
            styled(FAINT, "──"),
            endpoint.state.word(),
            label::address(&endpoint.name)
        )?;
    }
    Ok(())
}

type Lines = BTreeMap<(usize, Role), usize>;

fn gather(census: &Census, endpoints: &[&Endpoint]) -> BTreeMap<Pid, Lines> {
    let mut processes: BTreeMap<Pid, Lines> = BTreeMap::new();
    let mut add = |inode: Option<SocketInode>, at: usize, role: Role| {
        let Some(inode) = inode else { return };
        let mut pids: Vec<Pid> = census
            .holders(inode)
            .iter()
            .map(|holder| holder.pid)
            .collect();
        pids.dedup();
        for pid in pids {
            *processes
                .entry(pid)
                .or_default()
                .entry((at, role))
                .or_default() += 1;
        }
    };
    // A census is ordered by endpoint, and so are its connections: one pointer walks along.
    let places: BTreeMap<*const Endpoint, usize> = endpoints
        .iter()
        .enumerate()
        .map(|(at, endpoint)| (std::ptr::from_ref(*endpoint), at))
        .collect();
    for (at, endpoint) in endpoints.iter().enumerate() {
        add(endpoint.socket, at, Role::Holds);
    }
    for connection in census.connections() {
        let endpoint = connection
            .endpoint
            .and_then(|at| census.endpoints().get(at));
        let Some(at) = endpoint.and_then(|endpoint| places.get(&std::ptr::from_ref(endpoint)))
        else {
            continue;
        };
        add(connection.client, *at, Role::Client);
        add(
            connection
                .server
                .filter(|inode| Some(*inode) != endpoint.and_then(|known| known.socket)),
            *at,
            Role::Serves,
        );
    }
    processes
}

fn is_held(census: &Census, endpoint: &Endpoint) -> bool {
    endpoint
        .socket
        .is_some_and(|inode| !census.holders(inode).is_empty())
}

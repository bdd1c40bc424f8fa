//! Memory of connections that are open and idle, and whether all of them are alive afterwards.

use std::os::fd::OwnedFd;

use super::super::interrupt;
use super::super::table::{Bar, Limit, Table};
use super::end::{End, Server, exchange_a_byte};
use super::place::Place;
use super::process::Memory;
use super::route::{Kind, Route};
use super::{Arguments, Lineup};
use crate::Outcome;

/// What socat is given: a process for each connection takes seconds and gigabytes beyond this.
const FOR_SOCAT: u32 = 200;
const LIMIT_KIB: f64 = 12.0;

/// What one relay did.
struct Run {
    kind: Kind,
    connections: u32,
    /// How many sent a byte and got it back at the end.
    alive: u32,
    before: Memory,
    after: Memory,
}

pub(super) fn run(arguments: &Arguments, lineup: &Lineup) -> Outcome<Vec<Bar>> {
    let folder = interrupt::temporary_folder(&std::env::temp_dir())?;
    let server = Server::start(End::Echo, &Place::path(&folder.path().join("server.sock")))?;
    let kinds = lineup.kinds(false);
    let relays: Vec<Kind> = kinds
        .into_iter()
        .filter(|&kind| kind != Kind::Direct)
        .collect();
    let mut runs = Vec::new();
    for kind in relays {
        let room = match kind {
            Kind::Socat => FOR_SOCAT,
            _ => lineup.room(kind),
        };
        let connections = arguments.connections.min(room);
        // One at a time, so that there is memory and descriptors for each.
        for route in lineup.open(&[kind], &server.place, folder.path())? {
            runs.push(hold(&route, connections)?);
        }
    }
    println!("\n## Idle connections\n\n{}", table(&runs));
    println!(
        "\nMemory is what the connections added to the relay and all its children: Rss counts a page that several \
         processes share for each of them, Pss once. socat starts a process for each connection and is given \
         {FOR_SOCAT} of them. What the kernel holds for sockets and pipes is not in either. A process may have {} descriptors \
         here, of which socket-proxyd takes six for a connection and the others two.",
        lineup.open_files
    );
    Ok(bars(&runs))
}

fn hold(route: &Route, connections: u32) -> Outcome<Run> {
    let before = route.memory()?.unwrap_or_default();
    let mut clients = Vec::new();
    for number in 1..=connections {
        let client = route.connect().and_then(|client| {
            // A relay may accept before it has reached the server; this is a connection in use, then idle.
            exchange_a_byte(&client).map_err(|cause| route.failed(&cause.to_string()))?;
            Ok(client)
        });
        clients.push(client.map_err(|failure| format!("connection {number}: {failure}"))?);
    }
    let idle = route.memory()?.unwrap_or_default();
    let alive = clients.iter().filter(|client| is_alive(client)).count();
    let again = route.memory()?.unwrap_or_default();
    Ok(Run {
        kind: route.kind,
        connections,
        alive: u32::try_from(alive)?,
        before,
        after: if again.rss_kib > idle.rss_kib {
            again
        } else {
            idle
        },
    })
}

fn is_alive(client: &OwnedFd) -> bool {
    exchange_a_byte(client).is_ok()
}

impl Run {
    /// Added by each connection, in KiB.
    #[expect(clippy::cast_precision_loss, reason = "kibibytes of a few gigabytes")]
    fn each(&self, part: fn(&Memory) -> u64) -> f64 {
        let added = part(&self.after) as f64 - part(&self.before) as f64;
        added / f64::from(self.connections)
    }
}

fn table(runs: &[Run]) -> Table {
    let mut table = Table::new(&[
        "through",
        "connections",
        "alive at the end",
        "Rss each, KiB",
        "Pss each, KiB",
        "Rss before, MiB",
        "after",
    ]);
    for run in runs {
        table.row(vec![
            run.kind.name().to_owned(),
            run.connections.to_string(),
            run.alive.to_string(),
            format!("{:.1}", run.each(|memory| memory.rss_kib)),
            format!("{:.1}", run.each(|memory| memory.pss_kib)),
            format!("{}", run.before.rss_kib / 1024),
            format!("{}", run.after.rss_kib / 1024),
        ]);
    }
    table
}

fn bars(runs: &[Run]) -> Vec<Bar> {
    let ours = runs
        .iter()
        .filter(|run| matches!(run.kind, Kind::Sockeye | Kind::SockeyeRefuse));
    ours.flat_map(|run| {
        let name = format!("idle, {} connections, {}", run.connections, run.kind.name());
        [
            Bar {
                what: format!("{name}: KiB of resident memory each"),
                measured: run.each(|memory| memory.rss_kib),
                limit: Limit::AtMost(LIMIT_KIB),
            },
            Bar {
                what: format!("{name}: dead at the end"),
                measured: f64::from(run.connections - run.alive),
                limit: Limit::AtMost(0.0),
            },
        ]
    })
    .collect()
}

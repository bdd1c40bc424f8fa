//! Bytes a second on one connection, to a Unix socket and to TCP.

use std::fs::File;
use std::io::{self, Write};

use super::super::interrupt;
use super::super::stream::{BLOCK, Blocks};
use super::super::table::{Bar, Limit, Table, least, median, most};
use super::end::{End, Server};
use super::place::Place;
use super::route::{Kind, Route};
use super::{Arguments, Lineup};
use crate::Outcome;

/// How much tells the speed of a relay well enough to choose how much it moves in a turn.
const TRIAL_MIB: u32 = 192;
/// What a turn should last, where the relay is too slow for the whole amount.
const TURN_SECONDS: f64 = 1.5;

/// How many times as fast as each of these the issue wants the relay to be.
const MULTIPLES: [(Kind, f64); 3] = [
    (Kind::Socat, 5.0),
    (Kind::Haproxy, 1.5),
    (Kind::Direct, 0.65),
];

/// What one relay did.
struct Runs {
    route: Route,
    turn_mib: u32,
    /// In MiB/s, one for each turn.
    speeds: Vec<f64>,
    /// Of the relay alone, in milliseconds a GiB.
    processor: Vec<f64>,
}

pub(super) fn run(arguments: &Arguments, lineup: &Lineup) -> Outcome<Vec<Bar>> {
    let mut bars = group(arguments, lineup, false)?;
    bars.extend(group(arguments, lineup, true)?);
    Ok(bars)
}

fn group(arguments: &Arguments, lineup: &Lineup, to_tcp: bool) -> Outcome<Vec<Bar>> {
    let kinds = lineup.kinds(to_tcp);
    verify(arguments, lineup, &kinds, to_tcp)?;
    let folder = interrupt::temporary_folder(&std::env::temp_dir())?;
    let server = Server::start(End::Sink, &target(to_tcp, folder.path()))?;
    let routes = lineup.open(&kinds, &server.place, folder.path())?;
    let mut all = Vec::new();
    for route in routes {
        let speed = transfer(&route, &server, TRIAL_MIB, arguments.write)?;
        all.push(Runs {
            route,
            turn_mib: turn_mib(speed, arguments.mib),
            speeds: Vec::new(),
            processor: Vec::new(),
        });
    }
    for round in 0..arguments.rounds {
        for turn in 0..all.len() {
            let index = (round + turn) % all.len();
            all[index].take(&server, arguments.write)?;
        }
    }
    let title = if to_tcp {
        "Unix to TCP"
    } else {
        "Unix to Unix"
    };
    println!(
        "\n## Bulk, {title}: 1 connection, writes of {} KiB, {} turns\n\n{}",
        arguments.write,
        arguments.rounds,
        table(&all)
    );
    note_what_nothing_can_reach(&all);
    Ok(bars(title, &all))
}

/// Sends a stream through each relay whose every byte is compared.
fn verify(arguments: &Arguments, lineup: &Lineup, kinds: &[Kind], to_tcp: bool) -> Outcome {
    let folder = interrupt::temporary_folder(&std::env::temp_dir())?;
    let server = Server::start(End::VerifyingSink, &target(to_tcp, folder.path()))?;
    for route in lineup.open(kinds, &server.place, folder.path())? {
        transfer(&route, &server, TRIAL_MIB, arguments.write)?;
    }
    Ok(())
}

fn target(to_tcp: bool, folder: &std::path::Path) -> Place {
    if to_tcp {
        Place::any_port()
    } else {
        Place::path(&folder.join("server.sock"))
    }
}

fn turn_mib(speed: f64, most: u32) -> u32 {
    let wanted = (speed * TURN_SECONDS).clamp(f64::from(TRIAL_MIB.min(most)), f64::from(most));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is between two numbers of that type"
    )]
    let whole = wanted as u32;
    whole
}

/// Sends so much and returns its speed in MiB/s, as the receiver saw it.
fn transfer(route: &Route, server: &Server, mib: u32, write_kib: u32) -> Outcome<f64> {
    let mut output = InWrites {
        output: File::from(route.connect()?),
        size: usize::try_from(write_kib)? * 1024,
    };
    let sent = Blocks::new().send(mib.into(), &mut output);
    sent.map_err(|cause| route.failed(&format!("write: {cause}")))?;
    drop(output);
    let speed = server.speed(u64::from(mib) * BLOCK as u64);
    speed.map_err(|failure| route.failed(&failure).into())
}

/// Cuts what is written to the size of one system call.
struct InWrites {
    output: File,
    size: usize,
}

impl Write for InWrites {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.write(&bytes[..self.size.min(bytes.len())])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

impl Runs {
    fn take(&mut self, server: &Server, write_kib: u32) -> Outcome {
        let before = self.route.processor_seconds();
        let speed = transfer(&self.route, server, self.turn_mib, write_kib)?;
        let used = self.route.processor_seconds() - before;
        self.speeds.push(speed);
        self.processor
            .push(used * 1e3 / (f64::from(self.turn_mib) / 1024.0));
        Ok(())
    }

    fn speed(&self) -> f64 {
        median(&self.speeds)
    }
}

fn speed_of(all: &[Runs], kind: Kind) -> Option<f64> {
    let runs = all.iter().find(|runs| runs.route.kind == kind)?;
    Some(runs.speed())
}

fn table(all: &[Runs]) -> Table {
    let mut table = Table::new(&[
        "through",
        "median MiB/s",
        "least",
        "most",
        "/ direct",
        "/ socat",
        "/ haproxy",
        "MiB a turn",
        "its CPU, ms/GiB",
    ]);
    for runs in all {
        let mut cells = vec![runs.route.kind.name().to_owned()];
        let speeds = [runs.speed(), least(&runs.speeds), most(&runs.speeds)];
        cells.extend(speeds.map(|speed| format!("{speed:.0}")));
        let others = [Kind::Direct, Kind::Socat, Kind::Haproxy];
        cells.extend(others.map(|other| {
            speed_of(all, other).map_or(String::new(), |speed| {
                format!("{:.2}", runs.speed() / speed)
            })
        }));
        cells.push(runs.turn_mib.to_string());
        cells.push(format!("{:.0}", median(&runs.processor)));
        table.row(cells);
    }
    table
}

/// A relay is in the way of a direct connection, so a multiple of a peer that is beyond that is beyond everyone.
fn note_what_nothing_can_reach(all: &[Runs]) {
    let Some(direct) = speed_of(all, Kind::Direct) else {
        return;
    };
    for (peer, multiple) in MULTIPLES {
        if let Some(speed) = speed_of(all, peer).filter(|speed| direct < speed * multiple) {
            println!(
                "\nThe direct connection itself is {:.2} times {}, of which a relay should be {multiple}.",
                direct / speed,
                peer.name()
            );
        }
    }
}

/// The promises for a relay that passes no descriptors, and the one for a relay that does.
fn bars(title: &str, all: &[Runs]) -> Vec<Bar> {
    let bar = |ours: Kind, (other, limit): (Kind, f64)| {
        Some(Bar {
            what: format!("bulk, {title}: {} against {}", ours.name(), other.name()),
            measured: speed_of(all, ours)? / speed_of(all, other)?,
            limit: Limit::AtLeast(limit),
        })
    };
    let passes = speed_of(all, Kind::SockeyeRefuse).is_some();
    let copying = passes
        .then(|| bar(Kind::Sockeye, (Kind::Haproxy, 1.0)))
        .flatten();
    let ours = if passes {
        Kind::SockeyeRefuse
    } else {
        Kind::Sockeye
    };
    MULTIPLES
        .into_iter()
        .filter_map(|other| bar(ours, other))
        .chain(copying)
        .collect()
}

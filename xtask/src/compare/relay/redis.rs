//! redis-benchmark through each relay: how much of the direct rate is lost.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::super::interrupt;
use super::super::table::{Bar, Limit, Table, median};
use super::place::Place;
use super::route::{Kind, Route, bound_to_us};
use super::{Arguments, Lineup};
use crate::{Outcome, cargo};

const CLIENTS: u32 = 50;
/// How many requests go at once where the relay is not to be the limit.
const PIPELINE: u32 = 16;
/// What we promise to lose at most, in percent, where no peer does better.
const LIMIT_PERCENT: f64 = 35.0;
const PATIENCE: Duration = Duration::from_secs(20);

/// Requests a second.
#[derive(Clone, Copy)]
struct Rates {
    set: f64,
    get: f64,
}

/// What one relay did, one value for each turn.
struct Runs {
    kind: Kind,
    set: Vec<f64>,
    get: Vec<f64>,
}

pub(super) fn run(arguments: &Arguments, lineup: &Lineup) -> Outcome<Vec<Bar>> {
    let folder = interrupt::temporary_folder(&std::env::temp_dir())?;
    let redis = Redis::start(folder.path())?;
    let mut kinds = lineup.kinds(false);
    for kind in &mut kinds {
        if *kind == Kind::Socat {
            *kind = Kind::SocatBacklog;
        }
    }
    let routes = lineup.open(&kinds, &redis.place, folder.path())?;
    println!(
        "\n## redis-benchmark, {CLIENTS} clients, {} turns",
        arguments.rounds
    );
    println!(
        "\nsocat as it is, with a backlog of 5, turns clients of redis-benchmark away; here it has room for 128."
    );
    let single = group(arguments, &routes, 1)?;
    let _ = group(arguments, &routes, PIPELINE)?;
    Ok(bars(&single))
}

/// All turns with so many requests at once, printed as a table.
fn group(arguments: &Arguments, routes: &[Route], pipeline: u32) -> Outcome<Vec<Runs>> {
    let mut all: Vec<Runs> = routes.iter().map(|route| Runs::new(route.kind)).collect();
    for round in 0..arguments.rounds {
        for turn in 0..routes.len() {
            let index = (round + turn) % routes.len();
            let rates = benchmark(&routes[index], arguments.requests, pipeline)?;
            all[index].set.push(rates.set);
            all[index].get.push(rates.get);
        }
    }
    let note = match pipeline {
        1 => "one request at a time".to_owned(),
        many => format!("{many} requests at once (no bar)"),
    };
    println!("\n{note}:\n\n{}", table(&all));
    Ok(all)
}

fn benchmark(route: &Route, requests: u32, pipeline: u32) -> Outcome<Rates> {
    let Place::Path(path) = &route.front else {
        return Err("redis: not a path".into());
    };
    let mut command = bound_to_us();
    command.args(["redis-benchmark", "--csv", "-t", "set,get", "-s"]);
    command.arg(path);
    for (option, number) in [
        ("-c", CLIENTS),
        ("-n", requests * pipeline),
        ("-P", pipeline),
    ] {
        command.arg(option).arg(number.to_string());
    }
    let line = cargo::shown(&command);
    let answer = command
        .stdin(Stdio::null())
        .output()
        .map_err(|cause| format!("run {line}: {cause}"))?;
    let text = String::from_utf8_lossy(&answer.stdout);
    let rates = read_rates(&text).filter(|_| answer.status.success());
    rates.ok_or_else(|| {
        let complaint = String::from_utf8_lossy(&answer.stderr);
        route
            .failed(&format!(
                "{line}: {}, {}{}",
                answer.status,
                text.trim(),
                complaint.trim()
            ))
            .into()
    })
}

/// Lines like `"SET","81300.81",…`.
fn read_rates(text: &str) -> Option<Rates> {
    let rate = |test: &str| {
        let mut lines = text
            .lines()
            .map(|line| line.split(',').map(|cell| cell.trim_matches('"')));
        let mut cells =
            lines.find_map(|mut cells| (cells.next() == Some(test)).then_some(cells))?;
        cells.next()?.parse::<f64>().ok()
    };
    Some(Rates {
        set: rate("SET")?,
        get: rate("GET")?,
    })
}

impl Runs {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            set: Vec::new(),
            get: Vec::new(),
        }
    }

    /// Loss against the direct connection, of SET and GET alike, in percent.
    fn loss(&self, direct: &Self) -> f64 {
        let kept =
            median(&self.set) / median(&direct.set) + median(&self.get) / median(&direct.get);
        100.0 - kept * 50.0
    }
}

fn table(all: &[Runs]) -> Table {
    let mut table = Table::new(&["through", "SET/s", "GET/s", "loss, %"]);
    let direct = all.iter().find(|runs| runs.kind == Kind::Direct);
    for runs in all {
        let loss = direct.map_or(String::new(), |direct| format!("{:.1}", runs.loss(direct)));
        table.row(vec![
            runs.kind.name().to_owned(),
            format!("{:.0}", median(&runs.set)),
            format!("{:.0}", median(&runs.get)),
            loss,
        ]);
    }
    table
}

/// At most the limit, or less than the best peer.
fn bars(all: &[Runs]) -> Vec<Bar> {
    let find = |kind: Kind| all.iter().find(|runs| runs.kind == kind);
    let (Some(direct), Some(ours)) = (find(Kind::Direct), find(Kind::Sockeye)) else {
        return Vec::new();
    };
    let peers = all.iter().filter(|runs| runs.kind.is_peer());
    let best = peers
        .map(|runs| runs.loss(direct))
        .fold(f64::INFINITY, f64::min);
    vec![Bar {
        what: format!("redis-benchmark: percent lost (the best peer loses {best:.1})"),
        measured: ours.loss(direct),
        limit: Limit::AtMost(best.max(LIMIT_PERCENT)),
    }]
}

/// A redis-server on a Unix socket, that keeps nothing and ends when it is forgotten.
struct Redis {
    child: Child,
    place: Place,
}

impl Redis {
    fn start(folder: &Path) -> Outcome<Self> {
        let socket = folder.join("redis.sock");
        let mut command: Command = bound_to_us();
        command.args([
            "redis-server",
            "--port",
            "0",
            "--save",
            "",
            "--appendonly",
            "no",
        ]);
        command
            .arg("--dir")
            .arg(folder)
            .arg("--unixsocket")
            .arg(&socket);
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|cause| format!("run redis-server: {cause}"))?;
        let redis = Self {
            child,
            place: Place::Path(socket),
        };
        redis.wait_until_it_accepts()?;
        Ok(redis)
    }

    fn wait_until_it_accepts(&self) -> Outcome {
        let deadline = Instant::now() + PATIENCE;
        while self.place.connect().is_err() {
            if Instant::now() > deadline {
                return Err(format!("redis-server: does not accept after {PATIENCE:?}").into());
            }
            #[expect(
                clippy::disallowed_methods,
                reason = "redis-server tells no event when it listens"
            )]
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // Both fail only when it has ended and was waited for, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_from_lines_with_many_columns_or_two() {
        let seven = "\"test\",\"rps\",\"avg_latency_ms\"\n\"SET\",\"100.5\",\"0.3\"\n\"GET\",\"200\",\"0.2\"\n";
        let rates = read_rates(seven).unwrap();
        assert!((rates.set - 100.5).abs() < 1e-9 && (rates.get - 200.0).abs() < 1e-9);
        assert!(read_rates("\"SET\",\"1\"\n\"GET\",\"2\"\n").is_some());
        assert!(read_rates("\"SET\",\"1\"\n").is_none());
    }
}

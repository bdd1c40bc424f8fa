//! Short connections at a fixed rate: connect, one byte there and back, close.
//!
//! Each has its time to start, whatever became of those before it, and its latency counts from that time: a relay
//! that stands still for a while is charged for every client that came meanwhile.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::super::interrupt;
use super::super::table::{Bar, Limit, Table};
use super::end::{End, Server, exchange_a_byte};
use super::latency::{microseconds, percentile};
use super::place::Place;
use super::route::{Kind, Route};
use super::{Arguments, Lineup};
use crate::Outcome;

/// So many clients may be under way at once; a relay that needs more is late, and its latency says so.
const CLIENTS: usize = 64;

/// What one relay did.
struct Run {
    kind: Kind,
    wanted: u64,
    /// How long each took from the time it should have started, sorted.
    times: Vec<Duration>,
    /// Each error, and how often it came.
    errors: BTreeMap<String, u64>,
    /// From the first start to the last end.
    length: Duration,
}

pub(super) fn run(arguments: &Arguments, lineup: &Lineup) -> Outcome<Vec<Bar>> {
    let folder = interrupt::temporary_folder(&std::env::temp_dir())?;
    let server = Server::start(End::Echo, &Place::path(&folder.path().join("server.sock")))?;
    let mut runs = Vec::new();
    for kind in lineup.kinds(false) {
        let seconds = match kind {
            Kind::Sockeye => arguments.seconds,
            _ => arguments.peer_seconds,
        };
        for route in lineup.open(&[kind], &server.place, folder.path())? {
            runs.push(keep_up(&route, arguments.rate, seconds));
        }
    }
    println!(
        "\n## Connects: {} a second, one byte there and back each\n\n{}",
        arguments.rate,
        table(&runs)
    );
    for run in &runs {
        for (error, count) in &run.errors {
            println!("- {}: {count} times {error}", run.kind.name());
        }
    }
    Ok(bars(&runs, arguments.rate))
}

fn keep_up(route: &Route, rate: u32, seconds: u32) -> Run {
    let wanted = u64::from(rate) * u64::from(seconds);
    let next = AtomicU64::new(0);
    let collected = Mutex::new((Vec::new(), BTreeMap::new()));
    let start = Instant::now();
    let client = || {
        let (mut times, mut errors) = (Vec::new(), BTreeMap::<String, u64>::new());
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= wanted {
                break;
            }
            let due = start + Duration::from_secs(number) / rate;
            #[expect(
                clippy::disallowed_methods,
                reason = "the event that is waited for is a point in time"
            )]
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            match once(route) {
                Ok(()) => times.push(due.elapsed()),
                Err(cause) => *errors.entry(cause).or_default() += 1,
            }
        }
        let mut collected = collected.lock().unwrap_or_else(PoisonError::into_inner);
        collected.0.append(&mut times);
        for (error, count) in errors {
            *collected.1.entry(error).or_default() += count;
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(client);
        }
    });
    let length = start.elapsed();
    let (mut times, errors) = collected
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    times.sort_unstable();
    Run {
        kind: route.kind,
        wanted,
        times,
        errors,
        length,
    }
}

fn once(route: &Route) -> Result<(), String> {
    let client = route
        .front
        .connect()
        .map_err(|cause| format!("connect: {cause}"))?;
    exchange_a_byte(&client).map_err(|cause| format!("exchange: {cause}"))
}

impl Run {
    fn failed(&self) -> u64 {
        self.errors.values().sum()
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate has four figures")]
    fn rate(&self) -> f64 {
        self.times.len() as f64 / self.length.as_secs_f64()
    }
}

fn table(runs: &[Run]) -> Table {
    let mut table = Table::new(&[
        "through",
        "connects",
        "errors",
        "reached, a second",
        "p50 µs",
        "p99 µs",
        "longest, ms",
    ]);
    for run in runs {
        let longest = run.times.last().copied().unwrap_or_default();
        table.row(vec![
            run.kind.name().to_owned(),
            run.wanted.to_string(),
            run.failed().to_string(),
            format!("{:.0}", run.rate()),
            format!("{:.0}", microseconds(percentile(&run.times, 50))),
            format!("{:.0}", microseconds(percentile(&run.times, 99))),
            format!("{:.1}", microseconds(longest) / 1e3),
        ]);
    }
    table
}

#[expect(
    clippy::cast_precision_loss,
    reason = "errors are few, or there is no bar to meet"
)]
fn bars(runs: &[Run], rate: u32) -> Vec<Bar> {
    let ours = runs.iter().filter(|run| run.kind == Kind::Sockeye);
    ours.flat_map(|run| {
        [
            Bar {
                what: format!("connects, {rate} a second: errors"),
                measured: run.failed() as f64,
                limit: Limit::AtMost(0.0),
            },
            Bar {
                what: "connects: rate that was reached, of the rate wanted".to_owned(),
                measured: run.rate() / f64::from(rate),
                limit: Limit::AtLeast(0.99),
            },
        ]
    })
    .collect()
}

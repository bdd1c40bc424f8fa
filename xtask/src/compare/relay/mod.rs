//! `cargo xtask compare relay`: Sockeye's relay against socat, haproxy, systemd-socket-proxyd and no relay at all.
//!
//! All of them are up at the same time in front of one server of ours, and are used in turns, so that whatever
//! else the machine does hits all of them alike.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::{Args, ValueEnum};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::{Shared, machine};
use crate::{Outcome, open_files};

mod bulk; // bytes a second on one connection
mod connects; // short connections, 2,000 a second
mod echo; // the server that sends back
pub(crate) mod end; // the processes at the far end of a relay
mod idle; // memory of 10,000 connections
mod latency; // round trips of 64 bytes
mod place; // where to listen and connect
mod process; // memory and processor time of a relay
mod redis; // a real client and server
mod route; // the relays, and how each is started

use route::{Kind, Program};

/// What to compare, and how much of it.
#[derive(Args)]
pub(crate) struct Arguments {
    /// What to compare; everything when nothing is named
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// Turns of each relay in bulk, latency and redis
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// bulk: the most that goes through in one turn, in MiB; a slow relay moves less
    #[arg(long, default_value_t = 8192)]
    mib: u32,
    /// bulk: size of one write, in KiB
    #[arg(long, default_value_t = 256)]
    write: u32,
    /// latency: length of one turn, in milliseconds
    #[arg(long, default_value_t = 1000)]
    turn: u32,
    /// idle: how many connections are held open
    #[arg(long, default_value_t = 10_000)]
    connections: u32,
    /// connects: how many each second
    #[arg(long, default_value_t = 2000)]
    rate: u32,
    /// connects: for how many seconds through Sockeye
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// connects: for how many seconds through each of the others
    #[arg(long, default_value_t = 10)]
    peer_seconds: u32,
    /// redis: requests in one turn; 16 times as many where 16 go at once
    #[arg(long, default_value_t = 50_000)]
    requests: u32,
    /// Keep everything on one processor core. On a virtual machine the way between cores costs more than a relay,
    /// and whether it is taken is the scheduler's whim; this shows what the relays themselves cost
    #[arg(long)]
    one_core: bool,
    /// Measure the others alone; there are no bars then
    #[arg(long)]
    peers_only: bool,
    #[command(flatten)]
    shared: Shared,
}

/// One comparison.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Bytes a second on one connection, to a Unix socket and to TCP
    Bulk,
    /// Round trips of 64 bytes on 1, 10 and 100 connections
    Latency,
    /// Memory of many idle connections, and whether they live
    Idle,
    /// Connect, one byte there and back, close, at a fixed rate
    Connects,
    /// redis-benchmark through each relay
    Redis,
}

impl Part {
    /// Programs that are needed besides the relays.
    fn programs(self) -> &'static [Program] {
        match self {
            Self::Redis => &[Program::RedisServer, Program::RedisBenchmark],
            _ => &[],
        }
    }
}

/// The relays that take part.
struct Lineup {
    sockeye: Option<PathBuf>,
    /// Whether it knows `--descriptors`.
    can_refuse: bool,
    /// How many descriptors each process may have.
    open_files: u64,
}

/// What the others do not do; it is not in the tables, because it is not in the numbers.
const NOT_ALIKE: &str = "None of socat, haproxy and systemd-socket-proxyd lets descriptors through. socat ends a \
    connection half a second after one side has said all it has to say, systemd-socket-proxyd at once.";

/// What a relay needs besides its connections.
const RESERVED_FILES: u64 = 500;

impl Lineup {
    /// Kinds in the order of the tables: the direct connection first, Sockeye last. Towards TCP there are no
    /// descriptors to pass, so one Sockeye is enough.
    fn kinds(&self, to_tcp: bool) -> Vec<Kind> {
        let mut kinds = vec![Kind::Direct, Kind::Socat, Kind::Haproxy, Kind::Proxyd];
        if self.sockeye.is_some() {
            kinds.push(Kind::Sockeye);
            if !to_tcp && self.can_refuse {
                kinds.push(Kind::SockeyeRefuse);
            }
        }
        kinds
    }

    /// How many connections the limit on open files leaves room for in a relay of that kind.
    fn room(&self, kind: Kind) -> u32 {
        let each = match kind {
            // Both sockets, and for each direction a pipe with two ends.
            Kind::Proxyd => 6,
            _ => 2,
        };
        let room = self.open_files.saturating_sub(RESERVED_FILES) / each;
        u32::try_from(room).unwrap_or(u32::MAX)
    }
}

/// Runs the parts that were named, or all.
pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let parts = match arguments.parts.as_slice() {
        [] => Part::value_variants(),
        named => named,
    };
    check_programs(parts)?;
    let wanted = u64::from(arguments.connections) * 6 + RESERVED_FILES;
    let open_files = open_files::raise_towards(wanted)?;
    let sockeye = sockeye(arguments)?;
    let help = sockeye.as_deref().and_then(relay_help);
    if arguments.one_core {
        keep_to_one_core()?;
    }
    let lineup = Lineup {
        can_refuse: help.is_some_and(|help| help.contains("--descriptors")),
        sockeye,
        open_files,
    };
    println!("\n{}{}", machine(route::PACKAGES), busy());
    println!("\n{NOT_ALIKE}");
    if lineup.sockeye.is_some() && !lineup.can_refuse {
        println!(
            "\nThis sockeye has no `--descriptors`; the one way it has is held to the bars of `refuse`."
        );
    }
    let mut bars = Vec::new();
    for part in parts {
        bars.extend(match part {
            Part::Bulk => bulk::run(arguments, &lineup)?,
            Part::Latency => latency::run(arguments, &lineup)?,
            Part::Idle => idle::run(arguments, &lineup)?,
            Part::Connects => connects::run(arguments, &lineup)?,
            Part::Redis => redis::run(arguments, &lineup)?,
        });
    }
    arguments.shared.judge(&bars)
}

/// The program to measure, unless the others are measured alone.
fn sockeye(arguments: &Arguments) -> Outcome<Option<PathBuf>> {
    if arguments.peers_only {
        return Ok(None);
    }
    let sockeye = arguments.shared.program()?;
    if relay_help(&sockeye).is_none() {
        return Err(format!("{}: has no verb `relay` (--peers-only)", sockeye.display()).into());
    }
    Ok(Some(sockeye))
}

/// This process and all it will start, on the first core that it may use.
fn keep_to_one_core() -> Outcome {
    let ours = sched_getaffinity(None)?;
    let mut one = CpuSet::new();
    let first = (0..CpuSet::MAX_CPU).find(|&core| ours.is_set(core));
    one.set(first.ok_or("keep to one core: there is none")?);
    Ok(sched_setaffinity(None, &one)?)
}

/// What else the machine does, which every figure suffers from.
fn busy() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let minute = load.split(' ').next().map(str::to_owned);
    minute.map_or(String::new(), |minute| {
        format!("; load average before: {minute}")
    })
}

/// What `sockeye relay --help` says; None where there is no such verb.
fn relay_help(sockeye: &Path) -> Option<String> {
    let mut asked = Command::new(sockeye);
    asked.args(["relay", "--help"]).stdin(Stdio::null());
    let answer = asked.stderr(Stdio::null()).output().ok()?;
    let said = String::from_utf8_lossy(&answer.stdout).into_owned();
    answer.status.success().then_some(said)
}

/// A peer that is not there is a failure: a comparison without it would look like one that was won.
fn check_programs(parts: &[Part]) -> Outcome {
    let relays = [
        Program::Socat,
        Program::Haproxy,
        Program::Proxyd,
        Program::Setpriv,
    ];
    let others = parts.iter().flat_map(|part| part.programs());
    let missing: Vec<String> = relays
        .iter()
        .chain(others)
        .filter_map(|program| program.missing())
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(format!("compare relay: {} (cargo xtask setup)", missing.join(", ")).into())
    }
}

//! Round trips of 64 bytes on 1, 10 and 100 connections, each of them sending again when its answer has come.

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{Timespec, epoll};

use super::super::interrupt;
use super::super::table::{Bar, Limit, Table, least, median};
use super::end::{End, Server, exchange_a_byte};
use super::place::{Place, SILENCE};
use super::route::{Kind, Route};
use super::{Arguments, Lineup};
use crate::Outcome;

const MESSAGE: [u8; 64] = [b'm'; 64];
const CONNECTIONS: [usize; 3] = [1, 10, 100];
/// "No worse", with what two runs of one program differ by.
const NOISE: f64 = 1.05;

/// What one relay did with one number of connections; one value for each turn, times in microseconds.
struct Runs {
    kind: Kind,
    middle: Vec<f64>,
    tail: Vec<f64>,
    /// Round trips a second on all connections together.
    rate: Vec<f64>,
}

pub(super) fn run(arguments: &Arguments, lineup: &Lineup) -> Outcome<Vec<Bar>> {
    let folder = interrupt::temporary_folder(&std::env::temp_dir())?;
    let server = Server::start(End::Echo, &Place::path(&folder.path().join("server.sock")))?;
    let routes = lineup.open(&lineup.kinds(false), &server.place, folder.path())?;
    let turn = Duration::from_millis(arguments.turn.into());
    let mut bars = Vec::new();
    println!(
        "\n## Latency: round trips of 64 bytes, {} turns of {turn:?}",
        arguments.rounds
    );
    for connections in CONNECTIONS {
        let mut all: Vec<Runs> = routes.iter().map(|route| Runs::new(route.kind)).collect();
        for round in 0..arguments.rounds {
            for turn_of in 0..routes.len() {
                let index = (round + turn_of) % routes.len();
                let times = round_trips(&routes[index], connections, turn)?;
                all[index].add(times, turn);
            }
        }
        println!("\n{connections} connections:\n\n{}", table(&all));
        bars.extend(self::bars(connections, &all));
    }
    Ok(bars)
}

/// How long each round trip took, on so many connections for so long.
fn round_trips(route: &Route, connections: usize, turn: Duration) -> Outcome<Vec<Duration>> {
    let clients: Vec<OwnedFd> = (0..connections)
        .map(|_| {
            let client = route.connect()?;
            // Not before this has come back is the connection made on both sides.
            exchange_a_byte(&client).map_err(|cause| route.failed(&cause.to_string()))?;
            Ok(client)
        })
        .collect::<Outcome<_>>()?;
    let times = match clients.as_slice() {
        [client] => alone(client, turn),
        many => together(many, turn),
    };
    times.map_err(|failure| route.failed(&failure.to_string()).into())
}

fn alone(client: &OwnedFd, turn: Duration) -> Outcome<Vec<Duration>> {
    let mut times = Vec::new();
    let end = Instant::now() + turn;
    loop {
        let sent = Instant::now();
        if sent >= end {
            return Ok(times);
        }
        send(client)?;
        let mut rest = MESSAGE.len();
        while rest > 0 {
            rest -= receive(client, rest)?;
        }
        times.push(sent.elapsed());
    }
}

/// One connection of many.
struct Client<'a> {
    socket: &'a OwnedFd,
    sent: Instant,
    /// Bytes of the answer that are still to come.
    rest: usize,
}

fn together(sockets: &[OwnedFd], turn: Duration) -> Outcome<Vec<Duration>> {
    let watch = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let mut clients = Vec::new();
    for (index, socket) in sockets.iter().enumerate() {
        let number = epoll::EventData::new_u64(index as u64);
        epoll::add(&watch, socket, number, epoll::EventFlags::IN)?;
        send(socket)?;
        clients.push(Client {
            socket,
            sent: Instant::now(),
            rest: MESSAGE.len(),
        });
    }
    let end = Instant::now() + turn;
    let limit = Timespec::try_from(SILENCE)?;
    let mut room = [MaybeUninit::uninit(); 128];
    let mut times = Vec::new();
    while Instant::now() < end {
        let (events, _) = epoll::wait(&watch, &mut room, Some(&limit))?;
        if events.is_empty() {
            return Err(format!("no answer within {SILENCE:?}").into());
        }
        for event in events {
            let client = &mut clients[usize::try_from(event.data.u64())?];
            client.rest -= receive(client.socket, client.rest)?;
            if client.rest == 0 {
                times.push(client.sent.elapsed());
                client.rest = MESSAGE.len();
                client.sent = Instant::now();
                send(client.socket)?;
            }
        }
    }
    Ok(times)
}

fn send(client: &OwnedFd) -> Outcome {
    match rustix::io::write(client, &MESSAGE)? {
        count if count == MESSAGE.len() => Ok(()),
        count => Err(format!("write: {count} of {} bytes", MESSAGE.len()).into()),
    }
}

fn receive(client: &OwnedFd, rest: usize) -> Outcome<usize> {
    let mut answer = MESSAGE;
    match rustix::io::read(client, &mut answer[..rest])? {
        0 => Err("read: end of file in the midst of round trips".into()),
        count => Ok(count),
    }
}

impl Runs {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            middle: Vec::new(),
            tail: Vec::new(),
            rate: Vec::new(),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate has three figures")]
    fn add(&mut self, mut times: Vec<Duration>, turn: Duration) {
        times.sort_unstable();
        self.middle.push(microseconds(percentile(&times, 50)));
        self.tail.push(microseconds(percentile(&times, 99)));
        self.rate.push(times.len() as f64 / turn.as_secs_f64());
    }
}

/// Of sorted times; zero of none.
pub(super) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(index).copied().unwrap_or_default()
}

pub(super) fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// The least median of a peer, by the values that are asked for.
fn best_peer(all: &[Runs], values: fn(&Runs) -> &Vec<f64>) -> f64 {
    let peers = all.iter().filter(|runs| runs.kind.is_peer());
    peers
        .map(|runs| median(values(runs)))
        .fold(f64::INFINITY, f64::min)
}

fn table(all: &[Runs]) -> Table {
    let mut table = Table::new(&[
        "through",
        "p50 µs",
        "p99 µs",
        "least p50",
        "least p99",
        "round trips/s",
        "p50 / best peer",
        "p99 / best peer",
    ]);
    let (middle, tail) = (
        best_peer(all, |runs| &runs.middle),
        best_peer(all, |runs| &runs.tail),
    );
    for runs in all {
        table.row(vec![
            runs.kind.name().to_owned(),
            format!("{:.1}", median(&runs.middle)),
            format!("{:.1}", median(&runs.tail)),
            format!("{:.1}", least(&runs.middle)),
            format!("{:.1}", least(&runs.tail)),
            format!("{:.0}", median(&runs.rate)),
            format!("{:.2}", median(&runs.middle) / middle),
            format!("{:.2}", median(&runs.tail) / tail),
        ]);
    }
    table
}

fn bars(connections: usize, all: &[Runs]) -> Vec<Bar> {
    let Some(ours) = all.iter().find(|runs| runs.kind == Kind::Sockeye) else {
        return Vec::new();
    };
    let bar = |name: &str, values: fn(&Runs) -> &Vec<f64>| Bar {
        what: format!("latency, {connections} connections: {name} against the best peer"),
        measured: median(values(ours)) / best_peer(all, values),
        limit: Limit::AtMost(NOISE),
    };
    vec![
        bar("p50", |runs| &runs.middle),
        bar("p99", |runs| &runs.tail),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_time_that_was_seen() {
        let times: Vec<Duration> = (1..=200).map(Duration::from_micros).collect();
        assert_eq!(percentile(&times, 50), Duration::from_micros(101));
        assert_eq!(percentile(&times, 99), Duration::from_micros(199));
        assert_eq!(percentile(&times[..1], 99), Duration::from_micros(1));
        assert_eq!(percentile(&[], 99), Duration::ZERO);
    }
}

//! `--watch`: the map again and again. On a terminal it is drawn anew with what came and went marked; a pipe gets the
//! whole map once and then a line for each change.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use sockeye_census::Census;

use super::args::Arguments;
use super::label::Labels;
use super::rows::{self, Mark};
use super::{Plan, Shown, census, note_unseen};
use crate::Exit;
use crate::error::{Error, error_with, output};
use crate::json;
use crate::table::Cell;
use crate::terminal;

/// What makes a row the same row in the next round.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Endpoint(String, Option<u64>),
    /// Client and server; for clients that closed while they waited, the listener and which of them it is.
    Connection(Option<u64>, Option<u64>, Option<(u64, u32)>),
}

enum Row {
    Endpoint(Box<[Cell; 9]>),
    Connection(rows::ConnectionRow),
}

/// Runs until a signal comes, or `--rounds` are over.
pub(super) fn run(plan: &Plan, arguments: &Arguments, pause: Duration) -> Result<Exit, Error> {
    let stop = signals()?;
    let mut before: Option<BTreeMap<Key, Row>> = None;
    let mut round = 0;
    loop {
        let started = Instant::now();
        let census = census(&plan.options, arguments.holders)?;
        let shown = Shown::of(plan, &census);
        if arguments.json {
            let mut out = terminal::stdout();
            let document = json::ls::document("ls", &census, &shown.endpoints, &shown.connections);
            json::write_line(&mut out, &document)?;
        } else {
            let now = keyed(&census, &shown);
            draw(before.as_ref(), &now, &census).map_err(output)?;
            before = Some(now);
        }
        round += 1;
        if arguments.rounds == Some(round) {
            return Ok(Exit::Success);
        }
        match stop.recv_timeout(pause.saturating_sub(started.elapsed())) {
            Err(RecvTimeoutError::Timeout) => {}
            _ => return Ok(Exit::Success),
        }
    }
}

/// A channel that hears of SIGINT and SIGTERM.
fn signals() -> Result<mpsc::Receiver<i32>, Error> {
    let mut signals = Signals::new([SIGINT, SIGTERM])
        .map_err(|error| Error::failure(error_with("wait for signals", error)))?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for signal in signals.forever() {
            if sender.send(signal).is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}

fn keyed(census: &Census, shown: &Shown<'_>) -> BTreeMap<Key, Row> {
    let mut labels = Labels::new(census);
    let mut keyed = BTreeMap::new();
    let mut gone_clients: BTreeMap<u64, u32> = BTreeMap::new();
    for endpoint in &shown.endpoints {
        let key = Key::Endpoint(
            endpoint.name.to_string(),
            endpoint.socket.map(|inode| inode.0),
        );
        keyed.insert(
            key,
            Row::Endpoint(Box::new(rows::endpoint_row(
                &mut labels,
                endpoint,
                Mark::None,
            ))),
        );
    }
    for connection in &shown.connections {
        let (client, server) = (connection.client, connection.server);
        let gone = (client.is_none() && server.is_none()).then(|| {
            let endpoint = connection
                .endpoint
                .and_then(|at| census.endpoints().get(at));
            let listener = endpoint
                .and_then(|endpoint| endpoint.socket)
                .map_or(0, |inode| inode.0);
            let count = gone_clients.entry(listener).or_default();
            *count += 1;
            (listener, *count)
        });
        let key = Key::Connection(
            client.map(|inode| inode.0),
            server.map(|inode| inode.0),
            gone,
        );
        keyed.insert(
            key,
            Row::Connection(rows::connection_row(&mut labels, census, connection)),
        );
    }
    keyed
}

/// Rows with the mark that comparing two rounds gives them.
fn marked<'a>(
    before: Option<&'a BTreeMap<Key, Row>>,
    now: &'a BTreeMap<Key, Row>,
) -> BTreeMap<&'a Key, (&'a Row, Mark)> {
    let mut rows: BTreeMap<&Key, (&Row, Mark)> = BTreeMap::new();
    for (key, row) in now {
        let came = before.is_some_and(|before| !before.contains_key(key));
        rows.insert(key, (row, if came { Mark::Came } else { Mark::None }));
    }
    for (key, row) in before.into_iter().flatten() {
        if !now.contains_key(key) {
            rows.insert(key, (row, Mark::Went));
        }
    }
    rows
}

fn draw(
    before: Option<&BTreeMap<Key, Row>>,
    now: &BTreeMap<Key, Row>,
    census: &Census,
) -> io::Result<()> {
    let on_terminal = io::stdout().is_terminal();
    let only_changes = before.is_some() && !on_terminal;
    let mut endpoints = rows::endpoint_table();
    let mut connections = rows::connection_table();
    let (mut endpoint_rows, mut connection_rows) = (0, 0);
    for (row, mark) in marked(before, now).into_values() {
        if only_changes && mark == Mark::None {
            continue;
        }
        match row {
            Row::Endpoint(cells) => {
                endpoint_rows += 1;
                endpoints.push(rows::marked_endpoint(cells, mark));
            }
            Row::Connection(cells) => {
                connection_rows += 1;
                connections.push(rows::marked_connection(cells, mark));
            }
        }
    }
    let (mut out, paint) = terminal::bulk_stdout();
    if on_terminal {
        // Home, then clear what is below: no flicker.
        write!(out, "\x1b[H\x1b[J")?;
    }
    let width = terminal::width_columns();
    if endpoint_rows > 0 {
        endpoints.write(&mut out, width, paint)?;
    }
    if connection_rows > 0 {
        connections.write(&mut out, width, paint)?;
    }
    out.flush()?;
    drop(out);
    if before.is_none() || on_terminal {
        note_unseen(census);
    }
    Ok(())
}

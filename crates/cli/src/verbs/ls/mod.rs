//! `sockeye ls`: the map of the machine.

use std::io::Write as _;

use sockeye_census::{Census, Connection, Endpoint, Options};

use crate::Exit;
use crate::error::{Error, output};
use crate::json;
use crate::terminal::{self, FAINT, Paint, styled};

mod args; // what can be typed
mod filter; // which rows are shown
pub(crate) mod label; // processes, users and files as words
pub(crate) mod rows; // endpoints and connections as tables
mod tree; // grouped by process
mod unseen; // what is not shown, and why
mod wanted; // which addresses were meant
mod watch; // again and again, with marks

pub(crate) use args::{Arguments, Holders};
pub(crate) use filter::Filter;
use label::Labels;
use rows::Mark;

/// A command line, resolved.
struct Plan {
    options: Options,
    filter: Filter,
    connections: bool,
}

impl Plan {
    fn resolve(arguments: &Arguments) -> Result<Self, Error> {
        let filter = Filter::resolve(arguments)?;
        let scan = arguments
            .scan
            .iter()
            .map(|folder| folder.canonicalize().unwrap_or_else(|_| folder.clone()));
        Ok(Plan {
            options: Options {
                holders: arguments.holders.source(),
                scan: scan.collect(),
                beside: filter.folders(),
                ..Options::default()
            },
            connections: arguments.connections,
            filter,
        })
    }
}

/// Where root keeps what is known of the running kernel until it ends (docs/privileges.md).
const KEEP: &str = "/run/sockeye";

/// Takes a census as a command line asks for it.
pub(crate) fn census(options: &Options, holders: Holders) -> Result<Census, Error> {
    let options = Options {
        keep: Some(KEEP.into()),
        ..options.clone()
    };
    let census = Census::take(&options).map_err(Error::failure)?;
    match (holders, &census.unseen().bpf) {
        (Holders::Bpf, Some(reason)) => {
            Err(Error::failure(format!("use the BPF iterator: {reason}"))
                .remedy("--holders proc does without"))
        }
        _ => Ok(census),
    }
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Error> {
    let plan = Plan::resolve(arguments)?;
    if let Some(pause) = arguments.watch {
        return watch::run(&plan, arguments, pause);
    }
    let census = census(&plan.options, arguments.holders)?;
    let shown = Shown::of(&plan, &census);
    let found = !shown.endpoints.is_empty() || !shown.connections.is_empty();
    let (mut out, paint) = terminal::bulk_stdout();
    if arguments.json {
        let document = json::ls::document("ls", &census, &shown.endpoints, &shown.connections);
        json::write_pretty(&mut out, &document)?;
    } else if arguments.tree {
        tree::write(&mut terminal::stdout(), &census, &shown.endpoints).map_err(output)?;
    } else {
        shown.write(&mut out, &census, paint).map_err(output)?;
    }
    out.flush().map_err(output)?;
    drop(out);
    if !found && !arguments.json {
        terminal::note("nothing matches");
    }
    if !arguments.json {
        note_unseen(&census);
    }
    // The process ends next: taking 20,000 sockets apart would only keep the user waiting.
    std::mem::forget(census);
    Ok(if found { Exit::Success } else { Exit::Negative })
}

/// What passes the filters.
struct Shown<'a> {
    endpoints: Vec<&'a Endpoint>,
    connections: Vec<&'a Connection>,
}

impl<'a> Shown<'a> {
    fn of(plan: &Plan, census: &'a Census) -> Self {
        let choice = plan.filter.choose(census);
        let passes: Vec<bool> = census
            .endpoints()
            .iter()
            .map(|endpoint| choice.shows(endpoint))
            .collect();
        let endpoints = census
            .endpoints()
            .iter()
            .zip(&passes)
            .filter(|(_, passes)| **passes)
            .map(|(known, _)| known);
        let with_connections = plan.connections || choice.names_one();
        let connections = census.connections().iter().filter(|connection| {
            let endpoint = connection.endpoint;
            with_connections
                && (endpoint.is_some_and(|at| passes.get(at).copied().unwrap_or_default())
                    || choice.shows_connection(connection))
        });
        Shown {
            endpoints: endpoints.collect(),
            connections: connections.collect(),
        }
    }

    fn write(
        &self,
        out: &mut impl std::io::Write,
        census: &Census,
        paint: Paint,
    ) -> std::io::Result<()> {
        let mut labels = Labels::new(census);
        let width = terminal::width_columns();
        if !self.endpoints.is_empty() {
            let mut table = rows::endpoint_table();
            for endpoint in &self.endpoints {
                table.push(rows::endpoint_row(&mut labels, endpoint, Mark::None));
            }
            table.write(out, width, paint)?;
        }
        if !self.connections.is_empty() {
            if !self.endpoints.is_empty() {
                writeln!(out)?;
            }
            let mut table = rows::connection_table();
            for connection in &self.connections {
                table.push(rows::connection_row(&mut labels, census, connection));
            }
            table.write(out, width, paint)?;
            // The process ends next; see `run`.
            std::mem::forget(table);
        }
        Ok(())
    }
}

/// Says on standard error what the map does not show.
pub(crate) fn note_unseen(census: &Census) {
    for note in unseen::notes(census) {
        terminal::note(styled(FAINT, format!("note: {note}")));
    }
}

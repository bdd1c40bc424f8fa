//! `sockeye relay ctl`: see and change a relay that runs.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use sockeye_address::{Address, Name, escape};
use sockeye_relay::control::{
    self, Answer, Client, ConnectionDocument, EXTENSION, RelayDocument, RelayFaults, Request,
};
use sockeye_relay::fault::Spec;

use super::quantity::{count, size, span};
use crate::Exit;
use crate::address::any_address;
use crate::error::{Error, output};
use crate::json;
use crate::table::{Cell, Table, numbers, words};
use crate::terminal::{self, ADDRESS, FAINT, Paint, WARNING, WELL};

/// See and change a relay that runs
///
/// ADDRESS is where the relay listens, or its control socket, whose name ends in .ctl. Only the user that runs the relay
/// and root may ask.
#[derive(Debug, clap::Args)]
#[command(subcommand_precedence_over_arg = true)]
#[group(skip)]
pub(crate) struct Arguments {
    /// Where the relay listens, or its control socket
    #[arg(value_name = "ADDRESS")]
    address: OsString,
    /// Which relay, by its name or address, where one process runs several
    // Identifiers of their own: clap takes flags behind the command to be those of the same name before it.
    #[arg(id = "ctl_relay", long = "relay", value_name = "RELAY", global = true)]
    relay: Option<String>,
    /// Print the answer as a JSON document (docs/json.md)
    #[arg(id = "ctl_json", long = "json", global = true)]
    json: bool,
    #[command(subcommand)]
    what: Option<What>,
}

/// What can be asked.
#[derive(Debug, Clone, clap::Subcommand)]
enum What {
    /// Show what it has done, and its open connections; so it is without a command
    Status,
    /// Show what goes wrong on purpose
    Faults,
    /// Have these faults instead of those that are
    SetFaults {
        /// As for --fault: up:latency,delay=100ms
        #[arg(value_name = "FAULT", required = true)]
        faults: Vec<Spec>,
        /// Make the random numbers those of another run [default: as they were]
        #[arg(long, value_name = "N")]
        seed: Option<u64>,
    },
    /// Have one more fault
    AddFault {
        /// As for --fault: up:latency,delay=100ms
        #[arg(value_name = "FAULT")]
        fault: Spec,
    },
    /// Have no faults
    ClearFaults,
    /// Cut a connection
    Cut {
        /// Its number, as `status` shows it
        #[arg(value_name = "NUMBER")]
        connection: u64,
    },
    /// Accept no more clients, and end when those that are connected have
    Drain,
    /// Read certificates again, for new connections
    Reload,
}

impl What {
    fn request(self, relay: Option<String>) -> Request {
        match self {
            What::Status => Request::Status { relay },
            What::Faults => Request::Faults { relay },
            What::SetFaults { faults, seed } => Request::SetFaults {
                relay,
                faults: faults.iter().map(ToString::to_string).collect(),
                seed,
            },
            What::AddFault { fault } => Request::AddFault {
                relay,
                fault: fault.to_string(),
            },
            What::ClearFaults => Request::ClearFaults { relay },
            What::Cut { connection } => Request::Cut { relay, connection },
            What::Drain => Request::Drain { relay },
            What::Reload => Request::Reload { relay },
        }
    }
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Error> {
    let path = control_path(arguments)?;
    let what = arguments.what.clone().unwrap_or(What::Status);
    let request = what.request(arguments.relay.clone());
    let refused = |error: control::Error| Error::failure(error);
    let mut client = Client::connect(&path).map_err(|error| {
        if error.is_nobody() {
            return Error::failure(error).remedy(
                "is the relay running, and yours? if it was given --control PATH, say that path",
            );
        }
        Error::failure(error)
    })?;
    let answer = client.ask(&request).map_err(refused)?;
    if arguments.json {
        json::write_pretty(&mut terminal::stdout(), &answer.document())?;
    } else {
        let width = terminal::width_columns();
        let (mut out, paint) = terminal::bulk_stdout();
        write(&mut out, &answer, width, paint)
            .and_then(|()| out.flush())
            .map_err(output)?;
    }
    Ok(Exit::Success)
}

/// A path that says that it is a control socket is taken at its word.
fn control_path(arguments: &Arguments) -> Result<PathBuf, Error> {
    let listen = any_address(&arguments.address)?;
    if let Address::Unix(unix) = &listen
        && let Name::Path(path) = &unix.name
        && path.extension() == Some(EXTENSION.as_ref())
    {
        return Ok(path.clone());
    }
    Ok(control::default_path(&listen))
}

/// The answer for people.
fn write(
    out: &mut impl Write,
    answer: &Answer,
    width: Option<usize>,
    paint: Paint,
) -> io::Result<()> {
    match answer {
        Answer::Status { pid, relays } => {
            for (at, relay) in relays.iter().enumerate() {
                if at > 0 {
                    writeln!(out)?;
                }
                write_relay(out, *pid, relay, paint)?;
                write_connections(out, &relay.connections, width, paint)?;
            }
            Ok(())
        }
        Answer::Faults { relays } => relays
            .iter()
            .try_for_each(|relay| write_faults(out, relay, relays.len() > 1)),
        Answer::Cut { relay, connection } => {
            writeln!(out, "{}: connection {connection} is cut", harmless(relay))
        }
        Answer::Drain { relays } => write_each(out, relays, "accepts no more clients"),
        Answer::Reload { relays } => write_each(out, relays, "has read its certificates again"),
        // Nothing here asks for what else there is.
        _ => Ok(()),
    }
}

fn write_each(out: &mut impl Write, relays: &[String], what: &str) -> io::Result<()> {
    relays
        .iter()
        .try_for_each(|relay| writeln!(out, "{} {what}", harmless(relay)))
}

fn write_relay(
    out: &mut impl Write,
    pid: u32,
    relay: &RelayDocument,
    paint: Paint,
) -> io::Result<()> {
    let painted = |style, text: &str| match paint {
        Paint::Styled => terminal::styled(style, text),
        Paint::Plain => text.to_owned(),
    };
    if relay.name != relay.listen {
        write!(out, "{}: ", harmless(&relay.name))?;
    }
    let targets: Vec<String> = relay
        .targets
        .iter()
        .map(|target| harmless(target))
        .collect();
    let style = if relay.phase == "serving" {
        WELL
    } else {
        WARNING
    };
    writeln!(
        out,
        "{} -> {}",
        painted(ADDRESS, &harmless(&relay.listen)),
        targets.join(", ")
    )?;
    writeln!(
        out,
        "    {} for {} in process {pid}",
        painted(style, &harmless(&relay.phase)),
        lasts(relay.uptime_seconds)
    )?;
    writeln!(
        out,
        "    {}: {} open, {} refused, {} failed; {} up, {} down",
        count(relay.accepted, "client"),
        relay.connections.len(),
        relay.refused,
        relay.failed,
        size(relay.up_bytes),
        size(relay.down_bytes)
    )
}

fn write_connections(
    out: &mut impl Write,
    connections: &[ConnectionDocument],
    width: Option<usize>,
    paint: Paint,
) -> io::Result<()> {
    if connections.is_empty() {
        return Ok(());
    }
    let mut table = Table::new([
        numbers("NUMBER"),
        words("CLIENT"),
        words("TARGET"),
        numbers("AGE"),
        numbers("UP"),
        numbers("DOWN"),
    ]);
    for open in connections {
        let target = match &open.target {
            Some(target) => Cell::styled(ADDRESS, harmless(target)),
            None => Cell::styled(FAINT, "(connecting)"),
        };
        table.push([
            open.connection.to_string().into(),
            client(open).into(),
            target,
            lasts(open.age_seconds).into(),
            size(open.up_bytes).into(),
            size(open.down_bytes).into(),
        ]);
    }
    table.write(out, width, paint)
}

fn client(open: &ConnectionDocument) -> String {
    let client = &open.client;
    let ids = [
        ("pid", client.pid),
        ("uid", client.uid),
        ("gid", client.gid),
    ];
    let ids = ids
        .iter()
        .filter_map(|(word, id)| id.map(|id| format!("{word} {id}")));
    let words: Vec<String> = client
        .address
        .as_deref()
        .map(harmless)
        .into_iter()
        .chain(ids)
        .collect();
    if words.is_empty() {
        harmless(&client.r#type)
    } else {
        words.join(" ")
    }
}

fn write_faults(out: &mut impl Write, relay: &RelayFaults, named: bool) -> io::Result<()> {
    let before = if named {
        format!("{}: ", harmless(&relay.name))
    } else {
        String::new()
    };
    if relay.faults.is_empty() {
        return writeln!(out, "{before}no faults");
    }
    relay
        .faults
        .iter()
        .try_for_each(|fault| writeln!(out, "{before}{}", harmless(fault)))?;
    writeln!(out, "{before}seed {}", relay.seed)
}

/// What another process has said: nothing in it may reach the terminal as a command. Addresses are escaped already.
fn harmless(text: &str) -> String {
    if escape::is_plain(text.as_bytes()) {
        text.to_owned()
    } else {
        escape::escape(text.as_bytes(), "")
    }
}

/// How long something lasts, by the clock of another process.
fn lasts(seconds: f64) -> String {
    span(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(answer: &Answer) -> String {
        let mut out = Vec::new();
        write(&mut out, answer, None, Paint::Plain).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn status() -> Answer {
        let document = serde_json::json!({
            "answer": "status",
            "pid": 42,
            "relays": [{
                "name": "/run/in.sock", "listen": "/run/in.sock", "targets": ["/run/a.sock", "tcp:b:1"],
                "phase": "serving", "uptime_seconds": 187.4, "accepted": 7, "refused": 1, "failed": 2,
                "up_bytes": 1234, "down_bytes": 56,
                "connections": [
                    {
                        "connection": 3, "target": "/run/a.sock", "age_seconds": 12.0, "up_bytes": 1000,
                        "down_bytes": 50,
                        "client": { "type": "unix", "address": null, "pid": 99, "uid": 1000, "gid": 100 },
                    },
                    {
                        "connection": 7, "target": null, "age_seconds": 0.25, "up_bytes": 0, "down_bytes": 0,
                        "client": {
                            "type": "network", "address": "10.0.0.1:5555\u{1b}[2J", "pid": null, "uid": null,
                            "gid": null,
                        },
                    },
                ],
            }],
        });
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn a_status_is_a_summary_and_a_table_that_cannot_do_harm() {
        insta::assert_snapshot!(written(&status()), @r"
        /run/in.sock -> /run/a.sock, tcp:b:1
            serving for 3 m 7 s in process 42
            7 clients: 2 open, 1 refused, 2 failed; 1.2 KiB up, 56 B down
        NUMBER  CLIENT                   TARGET           AGE      UP  DOWN
             3  pid 99 uid 1000 gid 100  /run/a.sock   12.0 s  1000 B  50 B
             7  10.0.0.1:5555\x1b[2J     (connecting)  250 ms     0 B   0 B
        ");
    }

    #[test]
    fn faults_are_shown_as_they_can_be_typed() {
        let faults = |texts: &[&str]| RelayFaults {
            name: "a".to_owned(),
            faults: texts.iter().map(ToString::to_string).collect(),
            seed: 7,
        };
        let one = Answer::Faults {
            relays: vec![faults(&["up:latency,delay=100ms", "refuse"])],
        };
        assert_eq!(written(&one), "up:latency,delay=100ms\nrefuse\nseed 7\n");
        let two = Answer::Faults {
            relays: vec![faults(&[]), faults(&["refuse"])],
        };
        assert_eq!(written(&two), "a: no faults\na: refuse\na: seed 7\n");
    }
}

//! `sockeye relay`

mod args; // what can be typed
mod checks; // what cannot be, told before anything is opened
mod config; // a file of relays
mod ctl; // see and change a relay that runs
mod dump; // what passes
mod ending; // how a connection ended
mod ends; // the two ends, resolved
mod log; // what happens
mod manager; // word for the service manager
mod quantity; // times and sizes as a log shows them
mod queue; // what waits to be written
mod refusal; // errors, with what can be done about them
mod resolve; // typed arguments to a plan
mod run; // from the opening to the end
mod signals; // stop, cut, reload
mod summary; // all that a relay did

use std::fmt::Display;
use std::io::Write as _;

use sockeye_address::escape::escape;
use sockeye_relay::Plan;
use sockeye_relay::control::EXTENSION;

pub(crate) use args::Arguments;
use args::{LogForm, Process, Relay, What};

use crate::Exit;
use crate::error::{Error, output};
use crate::terminal;

/// Runs the verb.
pub(crate) fn run(arguments: Arguments) -> Result<Exit, Error> {
    if let Some(What::Ctl(arguments)) = arguments.what {
        return ctl::run(&arguments);
    }
    let (typed, process) = gather(arguments.config, arguments.relay, arguments.process)?;
    if let Some(path) = &process.control
        && path.extension() != Some(EXTENSION.as_ref())
    {
        let shown = escape(path.as_os_str().as_encoded_bytes(), "");
        let problem =
            format!("use {shown} as a control socket: its name does not end in .{EXTENSION}");
        return Err(Error::usage(problem).remedy("an ending of its own tells it from an address"));
    }
    let dumps = process.dump.is_some() || process.dump_file.is_some();
    if process.log == Some(LogForm::Json) && dumps && process.dump_file.is_none() {
        let problem = "dump what passes on standard error: --log json writes objects there";
        return Err(Error::usage(problem).remedy("say where it is to go with --dump-file FILE"));
    }
    let plans = resolve_all(&typed, dumps)?;
    let metrics = ends::metrics(process.metrics.as_deref(), &plans)?;
    if arguments.check {
        return check(&plans);
    }
    run::all(plans, metrics, process)
}

/// What was typed, with where it stands in a file.
type Typed = Vec<(Option<config::Place>, Relay)>;

/// From the command line or from the file; for what is of the process, the command line wins.
fn gather(
    file: Option<std::path::PathBuf>,
    relay: Relay,
    process: Process,
) -> Result<(Typed, Process), Error> {
    let Some(path) = file else {
        return Ok((vec![(None, relay)], process));
    };
    let file = config::read(&path)?;
    let relays = file.relays.into_iter();
    Ok((
        relays.map(|(place, relay)| (Some(place), relay)).collect(),
        process.or(file.process),
    ))
}

fn resolve_all(typed: &Typed, dumps: bool) -> Result<Vec<Plan>, Error> {
    let mut plans = Vec::with_capacity(typed.len());
    for (place, relay) in typed {
        let plan = resolve::plan(relay, dumps).map_err(|error| match place {
            Some(place) => error.at(place),
            None => error,
        })?;
        plans.push(plan);
    }
    let places = typed
        .iter()
        .filter_map(|(place, _)| place.as_ref().map(|place| place as &dyn Display));
    checks::together(places.zip(&plans))?;
    Ok(plans)
}

/// Says what would run.
fn check(plans: &[Plan]) -> Result<Exit, Error> {
    let mut stdout = terminal::stdout();
    for plan in plans {
        let listen = resolve::bare(&plan.listen.address);
        let targets: Vec<String> = plan
            .targets
            .iter()
            .map(|target| resolve::bare(&target.address).to_string())
            .collect();
        let targets = targets.join(" ");
        let name = if plan.name == listen.to_string() {
            String::new()
        } else {
            format!("{}: ", plan.name)
        };
        writeln!(stdout, "{name}{listen} -> {targets}").map_err(output)?;
    }
    Ok(Exit::Success)
}

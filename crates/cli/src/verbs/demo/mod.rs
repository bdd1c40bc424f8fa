//! `sockeye demo`: the first minute with Unix sockets, needing nothing installed.

use std::io::Write as _;

use crate::Exit;
use crate::error::{Error, output};
use crate::terminal::{self, FAINT, HEADING, styled};

mod acts; // what is shown, in order
mod chart; // bars made of characters
mod latency; // round trips over each kind of socket
mod stage; // a folder, and the commands run in it

use stage::Stage;

/// Show in a quarter of a minute what sockets are and what sockeye does
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Arguments {}

/// Runs the verb.
pub(crate) fn run(_arguments: &Arguments) -> Result<Exit, Error> {
    let mut stage = Stage::new()?;
    say(&styled(
        FAINT,
        "Each command below runs in an empty folder; type them by hand in one of yours.",
    ))?;
    for (number, act) in acts::ACTS.iter().enumerate() {
        heading(number + 1, act.title)?;
        (act.play)(&mut stage)?;
        if let Some(signal) = stage.stopped() {
            return Ok(Exit::Signal(signal));
        }
    }
    stage.clear()?;
    heading(acts::ACTS.len() + 1, "Everything is gone again")?;
    say(
        "the services have ended and the folder is removed. Next: sockeye ls, sockeye doctor docker, sockeye --help",
    )?;
    Ok(Exit::Success)
}

fn heading(number: usize, title: &str) -> Result<(), Error> {
    say(&format!(
        "\n{}",
        styled(HEADING, format!("{number}. {title}"))
    ))
}

/// Prints a line of the show.
fn say(line: &str) -> Result<(), Error> {
    writeln!(terminal::stdout(), "{line}").map_err(output)
}

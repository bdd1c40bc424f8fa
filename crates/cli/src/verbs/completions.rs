//! `sockeye completions`

use std::io::Write as _;

use clap_complete::Shell;

use crate::Exit;
use crate::error::{Error, output};
use crate::terminal;

/// Print completions for a shell
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Error> {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut crate::command(),
        "sockeye",
        &mut script,
    );
    terminal::stdout().write_all(&script).map_err(output)?;
    Ok(Exit::Success)
}

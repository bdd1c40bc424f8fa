//! `sockeye man`

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::Exit;
use crate::error::{Error, error_with, output};
use crate::terminal;

/// Print the manual page, or write one per verb into a folder
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Write sockeye.1 and sockeye-VERB.1 here
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Error> {
    let mut command = crate::command();
    command.build();
    let Some(dir) = &arguments.dir else {
        terminal::stdout()
            .write_all(&page(command).map_err(output)?)
            .map_err(output)?;
        return Ok(Exit::Success);
    };
    for verb in command.get_subcommands() {
        let name = format!("sockeye-{}", verb.get_name());
        write_page(
            dir,
            &name,
            verb.clone()
                .name(name.clone())
                .bin_name(name.replace('-', " ")),
        )?;
    }
    write_page(dir, "sockeye", command)?;
    Ok(Exit::Success)
}

fn page(command: clap::Command) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command).render(&mut text)?;
    Ok(text)
}

fn write_page(dir: &Path, name: &str, command: clap::Command) -> Result<(), Error> {
    let path = dir.join(format!("{name}.1"));
    let write = || std::fs::write(&path, page(command)?);
    write().map_err(|error| Error::failure(error_with(format!("write {}", path.display()), error)))
}

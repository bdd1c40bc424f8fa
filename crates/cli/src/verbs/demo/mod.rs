//! `sockeye demo`

use crate::Exit;
use crate::error::Error;

/// Show in a quarter of a minute what sockets are and what sockeye does
#[derive(Debug, Default, clap::Args)]
pub struct Arguments {}

/// Runs the verb.
pub fn run(_arguments: Arguments) -> Result<Exit, Error> {
    Err(Error::failure("demo: not written yet"))
}

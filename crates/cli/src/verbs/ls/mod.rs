//! `sockeye ls`

use crate::Exit;
use crate::error::Error;

/// Show who listens, who is connected to whom, and what is stale
#[derive(Debug, Default, clap::Args)]
pub struct Arguments {}

/// Runs the verb.
pub fn run(_arguments: Arguments) -> Result<Exit, Error> {
    Err(Error::failure("ls: not written yet"))
}

//! `sockeye doctor`

use crate::Exit;
use crate::error::Error;

/// Find out why a connect fails, or that it would work
#[derive(Debug, Default, clap::Args)]
pub struct Arguments {}

/// Runs the verb.
pub fn run(_arguments: Arguments) -> Result<Exit, Error> {
    Err(Error::failure("doctor: not written yet"))
}

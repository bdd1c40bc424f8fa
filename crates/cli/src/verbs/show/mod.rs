//! `sockeye show`

use crate::Exit;
use crate::error::Error;

/// Show all that is known of one endpoint
#[derive(Debug, Default, clap::Args)]
pub struct Arguments {}

/// Runs the verb.
pub fn run(_arguments: Arguments) -> Result<Exit, Error> {
    Err(Error::failure("show: not written yet"))
}

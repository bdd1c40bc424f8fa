//! `sockeye listen`

use crate::Exit;
use crate::error::Error;

/// Serve many clients: print, echo or run a command for each
#[derive(Debug, Default, clap::Args)]
pub struct Arguments {}

/// Runs the verb.
pub fn run(_arguments: Arguments) -> Result<Exit, Error> {
    Err(Error::failure("listen: not written yet"))
}

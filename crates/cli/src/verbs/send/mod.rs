//! `sockeye send`

use crate::Exit;
use crate::error::Error;

/// Send a message, standard input or a file, and open descriptors
#[derive(Debug, Default, clap::Args)]
pub struct Arguments {}

/// Runs the verb.
pub fn run(_arguments: Arguments) -> Result<Exit, Error> {
    Err(Error::failure("send: not written yet"))
}

//! `sockeye connect`

use crate::Exit;
use crate::error::Error;

/// Join standard input and output to a socket
#[derive(Debug, Default, clap::Args)]
pub struct Arguments {}

/// Runs the verb.
pub fn run(_arguments: Arguments) -> Result<Exit, Error> {
    Err(Error::failure("connect: not written yet"))
}

//! `sockeye recv`

use crate::Exit;
use crate::error::Error;

/// Bind, receive one message or stream, print it and leave
#[derive(Debug, Default, clap::Args)]
pub struct Arguments {}

/// Runs the verb.
pub fn run(_arguments: Arguments) -> Result<Exit, Error> {
    Err(Error::failure("recv: not written yet"))
}

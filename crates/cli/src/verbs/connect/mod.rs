//! `sockeye connect`

mod messages; // seqpacket and datagram: a line is a message
mod prompt; // a person at a terminal

pub(crate) use messages::MESSAGE_BYTES;

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::time::Duration;

use sockeye_address::{Kind, UnixAddress};
use sockeye_socket::{Connection, Life};

use crate::address::{KindFlags, unix_address};
use crate::error::Error;
use crate::verbs::talk::pump;
use crate::verbs::talk::refusal::not_connected;
use crate::verbs::talk::stop::Stop;
use crate::{Exit, explain, terminal};

/// Join standard input and output to a socket
///
/// The end of input ends this side of a stream only: the answer still arrives, and sockeye leaves when the server has
/// ended its side. Bytes pass unchanged. On a terminal lines are edited and remembered, and what arrives appears above
/// the prompt.
///
/// Over seqpacket and datagram sockets each line of input, with its line end, is one message. Datagrams have no end:
/// after the end of input sockeye waits for answers as long as --linger says.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Arguments {
    /// The socket; its kind is found out when it is not said
    #[arg(value_name = "ADDRESS")]
    pub address: OsString,
    #[command(flatten)]
    pub kind: KindFlags,
    /// Datagrams: wait this long for another answer after the end of input
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pub linger: Duration,
    /// Show every system call and what it means
    #[arg(long)]
    pub explain: bool,
}

/// Reads a number of seconds, such as 0.5.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text
        .parse()
        .map_err(|_| "expected a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(number).map_err(|error| error.to_string())
}

/// What the arguments mean.
struct Plan {
    address: UnixAddress,
    linger: Duration,
    explain: bool,
    life: Life,
    by_hand: bool,
}

impl Plan {
    fn resolve(arguments: &Arguments) -> Result<Self, Error> {
        Ok(Plan {
            address: unix_address(&arguments.address, arguments.kind, "connect")?,
            linger: arguments.linger,
            explain: arguments.explain,
            life: explain::life(arguments.explain),
            by_hand: io::stdin().is_terminal() && terminal::stdout_is_terminal(),
        })
    }
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Error> {
    let plan = Plan::resolve(arguments)?;
    let connection = Connection::connect(&plan.address.name, plan.address.kind, &plan.life)
        .map_err(not_connected(&plan.address))?;
    if plan.by_hand {
        return prompt::talk(&Arc::new(connection), plan.linger);
    }
    let stop = Stop::on_signals()?;
    match connection.kind() {
        Kind::Stream => pump::join(connection, &stop, plan.explain),
        _ => messages::join(connection, &stop, plan.linger),
    }
}

//! What can be typed after `sockeye ls`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use sockeye_address::Kind;
use sockeye_census::{EndpointState, HolderSource};

/// Show who listens, who is connected to whom, and what is stale
#[derive(Debug, Default, PartialEq, clap::Args)]
#[group(skip)]
pub(crate) struct Arguments {
    /// Show these endpoints and their connections; a pattern with * ? [ ] shows the endpoints that match
    #[arg(value_name = "ADDRESS")]
    pub addresses: Vec<OsString>,

    /// Add a row for each connection: client process → address → server process
    #[arg(long, short)]
    pub connections: bool,

    /// Group by process
    #[arg(long, conflicts_with_all = ["json", "connections"])]
    pub tree: bool,

    /// Print a JSON document (docs/json.md)
    #[arg(long)]
    pub json: bool,

    /// Repeat, and mark what came (+) and went (-)
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "1", require_equals = true,
          value_parser = seconds, conflicts_with = "tree")]
    pub watch: Option<Duration>,

    /// With --watch: leave after so many rounds
    #[arg(long, value_name = "N", requires = "watch")]
    pub rounds: Option<u32>,

    /// Search this folder and all below it for socket files, live or stale, and show only those
    #[arg(long, value_name = "DIR")]
    pub scan: Vec<PathBuf>,

    /// Only what a process of this name holds (* and ? allowed)
    #[arg(long, value_name = "NAME", help_heading = "Filters")]
    pub process: Vec<String>,

    /// Only what this process holds
    #[arg(long, value_name = "PID", help_heading = "Filters")]
    pub pid: Vec<u32>,

    /// Only what processes of this user hold (made, where no process is visible), or files they own
    #[arg(long, value_name = "USER", help_heading = "Filters")]
    pub user: Vec<String>,

    /// Only this kind
    #[arg(long, value_name = "KIND", value_parser = kinds(), help_heading = "Filters")]
    pub kind: Vec<Kind>,

    /// Only this state
    #[arg(long, value_name = "STATE", value_enum, help_heading = "Filters")]
    pub state: Vec<State>,

    /// Only socket files that no socket is bound to
    #[arg(long, help_heading = "Filters")]
    pub stale: bool,

    /// How to find the processes that hold sockets
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub holders: Holders,
}

/// `--state`: a state or a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum State {
    /// Clients can connect
    Listening,
    /// Bound, and not listening
    Bound,
    /// The listener is gone, connections live on
    Closed,
    /// A file without a socket
    Stale,
    /// A file without a socket that could be seen
    Unclaimed,
    /// A socket whose file is gone
    Deleted,
    /// A socket whose path belongs to another file
    Replaced,
    /// A listener whose accept queue is at its limit
    Full,
}

impl State {
    /// The state, where it is not a fault.
    pub(crate) fn as_state(self) -> Option<EndpointState> {
        match self {
            State::Listening => Some(EndpointState::Listening),
            State::Bound => Some(EndpointState::Bound),
            State::Closed => Some(EndpointState::Closed),
            State::Stale => Some(EndpointState::Stale),
            State::Unclaimed => Some(EndpointState::Unclaimed),
            State::Deleted | State::Replaced | State::Full => None,
        }
    }
}

/// `--holders`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Holders {
    /// A BPF iterator where it is allowed, else /proc
    #[default]
    Auto,
    /// A BPF iterator
    Bpf,
    /// A walk of /proc
    Proc,
}

impl Holders {
    /// The source, unless the best is to be chosen.
    pub(crate) fn source(self) -> Option<HolderSource> {
        match self {
            Holders::Auto => None,
            Holders::Bpf => Some(HolderSource::Bpf),
            Holders::Proc => Some(HolderSource::Proc),
        }
    }
}

fn kinds() -> impl clap::builder::TypedValueParser<Value = Kind> {
    use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser as _};
    let words = Kind::ALL.map(|kind| match kind {
        Kind::Datagram => PossibleValue::new(kind.word()).alias("dgram"),
        _ => PossibleValue::new(kind.word()),
    });
    PossibleValuesParser::new(words).try_map(|word| word.parse::<Kind>())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let refused = || format!("{text:?} is not a number of seconds from 0.1 to 86400");
    let value: f64 = text.parse().map_err(|_| refused())?;
    if (0.1..=86_400.0).contains(&value) {
        Ok(Duration::from_secs_f64(value))
    } else {
        Err(refused())
    }
}

//! What can be typed after `sockeye relay`, and as keys of a file of relays.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use sockeye_address::duration;
use sockeye_relay::access::Rule;
use sockeye_relay::fault::Spec;
use sockeye_relay::framing::Framing;
use sockeye_relay::plan::Balance;

use super::ctl;
use crate::address::KindFlags;
use crate::verbs::talk::bound::BoundArguments;

/// Join any two endpoints: each client of one address is connected to another
///
/// LISTEN and TARGET are any addresses (docs/address.md): Unix sockets, tcp:, tls:, udp:, vsock:, exec:COMMAND, - for
/// standard input and output; activation:NAME and fd:N to listen on what was handed over; `ssh://USER@HOST/PATH` as a
/// target. Half-close is kept, nothing is buffered without bound, descriptors that are passed between Unix sockets
/// arrive with their bytes, and a target that fails costs one client.
///
/// SIGTERM and SIGINT stop accepting and let clients finish; a second one cuts them. SIGHUP reads certificates again.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    group = clap::ArgGroup::new("source").args(["listen", "config"]).required(true),
    override_usage = "sockeye relay [OPTIONS] LISTEN TARGET...\n       \
                      sockeye relay --config FILE [--check]\n       \
                      sockeye relay ctl ADDRESS [COMMAND]",
    after_help = "docs/relay.md is the guide, with examples.\n\n\
                  RULE is uid:N, user:NAME, gid:N, group:NAME, exe:PATH or all; a deny rule wins, and with any allow \
                  rule one must fit."
)]
#[group(skip)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub what: Option<What>,
    #[command(flatten)]
    pub relay: Relay,
    /// Run the relays of this TOML file: [[relay]] tables with `listen`, `target` and these flags as keys
    #[arg(long, value_name = "FILE", conflicts_with_all = ["relay", "KindFlags", "BoundArguments"],
          help_heading = "Running")]
    pub config: Option<PathBuf>,
    /// Look at the file or the command line only: open nothing
    #[arg(long, help_heading = "Running")]
    pub check: bool,
    #[command(flatten)]
    pub process: Process,
}

/// What can be done besides running relays.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum What {
    Ctl(ctl::Arguments),
}

/// One relay. The long names are the keys of a `[[relay]]` table, too.
#[derive(Debug, Clone, Default, clap::Args)]
#[group(id = "relay", multiple = true)]
pub(crate) struct Relay {
    /// Where clients connect
    #[arg(value_name = "LISTEN", requires = "target")]
    pub listen: Option<OsString>,
    /// Where they are taken; of several, --balance says to which
    #[arg(value_name = "TARGET")]
    pub target: Vec<OsString>,
    /// What logs and metrics call this relay [default: LISTEN]
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub name: Option<String>,
    #[command(flatten)]
    pub kind: KindFlags,
    #[command(flatten)]
    pub bound: BoundArguments,

    /// Let only clients in that this is about, or another --allow
    #[arg(long, value_name = "RULE", help_heading = "Who may connect")]
    pub allow: Vec<Rule>,
    /// Refuse clients that this is about
    #[arg(long, value_name = "RULE", help_heading = "Who may connect")]
    pub deny: Vec<Rule>,
    /// Serve at most N clients at once; further ones wait in the queue until one leaves
    #[arg(long, value_name = "N", help_heading = "Who may connect")]
    pub max_clients: Option<NonZeroUsize>,
    /// Serve at most N clients of one user at once; further ones are refused
    #[arg(long, value_name = "N", help_heading = "Who may connect")]
    pub max_per_uid: Option<NonZeroUsize>,

    /// Which of several targets a client gets [default: round-robin]
    #[arg(long, value_name = "HOW", value_enum, help_heading = "Targets")]
    pub balance: Option<Turn>,
    /// How long one attempt to connect may take [default: 5s]
    #[arg(long, value_name = "TIME", value_parser = span, help_heading = "Targets")]
    pub connect_timeout: Option<Duration>,
    /// Further attempts when no target can be connected to [default: 0]
    #[arg(long, value_name = "N", help_heading = "Targets")]
    pub retry: Option<u32>,
    /// Time between attempts [default: 1s]
    #[arg(long, value_name = "TIME", value_parser = span_or_none, help_heading = "Targets")]
    pub retry_interval: Option<Duration>,
    /// For the ssh of targets on other machines: `IdentityFile=/run/key`, or one argument: -F/run/config
    #[arg(
        long,
        value_name = "OPTION",
        allow_hyphen_values = true,
        help_heading = "Targets"
    )]
    pub ssh_option: Vec<OsString>,

    /// Close a connection on which nothing has moved for so long [default: never]
    #[arg(long, value_name = "TIME", value_parser = span, help_heading = "What passes")]
    pub idle_timeout: Option<Duration>,
    /// The same, once one side has said all [default: never]
    #[arg(long, value_name = "TIME", value_parser = span, help_heading = "What passes")]
    pub half_close_timeout: Option<Duration>,
    /// How messages are told apart in a stream, to join an end that has messages to one that has not
    #[arg(long, value_name = "FORM", value_enum, help_heading = "What passes")]
    pub framing: Option<Frames>,
    /// What happens to passed descriptors [default: pass; refuse where an end is no Unix socket]
    #[arg(long, value_name = "WHAT", value_enum, help_heading = "What passes")]
    pub descriptors: Option<Passing>,
    /// End a connection that passes more with one message [default: 253, as many as the kernel takes]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=253),
          help_heading = "What passes")]
    pub max_descriptors: Option<u8>,
    /// Whom the target sees at the other end: this process, or the client's user and groups [default: own]
    #[arg(long, value_name = "WHOSE", value_enum, help_heading = "What passes")]
    pub credentials: Option<Whose>,

    /// Let something go wrong: up:latency,delay=100ms (DIRECTION: up from the client, down to it, both)
    #[arg(
        long,
        value_name = "DIRECTION:KIND,KEY=VALUE…",
        help_heading = "Faults"
    )]
    pub fault: Vec<Spec>,
    /// Make the faults of this run those of another one [default: another one each time]
    #[arg(long, value_name = "N", help_heading = "Faults")]
    pub seed: Option<u64>,
}

/// What holds for all relays of the process. The long names are keys of the `[process]` table, too.
#[derive(Debug, Clone, Default, clap::Args)]
#[group(id = "process", multiple = true)]
pub(crate) struct Process {
    /// How to tell on standard error what happens [default: text]
    #[arg(long, value_name = "FORM", value_enum, help_heading = "Running")]
    pub log: Option<LogForm>,
    /// Show all that passes, per connection and direction
    #[arg(long, value_name = "FORM", value_enum, help_heading = "Running")]
    pub dump: Option<DumpForm>,
    /// Write it to this file, not to standard error
    #[arg(long, value_name = "FILE", help_heading = "Running")]
    pub dump_file: Option<PathBuf>,
    /// Serve figures for Prometheus at /metrics on this Unix or tcp: address
    #[arg(long, value_name = "ADDRESS", help_heading = "Running")]
    pub metrics: Option<OsString>,
    /// Socket for `relay ctl` [default: named after LISTEN, in /run/sockeye or `$XDG_RUNTIME_DIR/sockeye`]
    #[arg(long, value_name = "PATH", help_heading = "Running")]
    pub control: Option<PathBuf>,
    /// Take the listening socket over from the relay that runs there: no client is refused meanwhile
    #[arg(long, help_heading = "Running")]
    pub takeover: bool,
    /// Threads that serve clients [default: one for each processor, at most 8]
    #[arg(long, value_name = "N", help_heading = "Running")]
    pub threads: Option<NonZeroUsize>,
    /// How long clients may take to finish after SIGTERM [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = span_or_none, help_heading = "Running")]
    pub drain: Option<Duration>,
}

/// `--balance`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Turn {
    /// Each in turn; one that cannot be connected to is passed over
    RoundRobin,
    /// The first that can be connected to
    FirstAlive,
}

impl From<Turn> for Balance {
    fn from(turn: Turn) -> Self {
        match turn {
            Turn::RoundRobin => Balance::RoundRobin,
            Turn::FirstAlive => Balance::FirstAlive,
        }
    }
}

/// `--framing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Frames {
    /// Each message is a line
    Lines,
    /// Each message follows its length in 4 bytes, the highest first
    Length32,
}

impl From<Frames> for Framing {
    fn from(frames: Frames) -> Self {
        match frames {
            Frames::Lines => Framing::Lines,
            Frames::Length32 => Framing::Length32,
        }
    }
}

/// `--descriptors`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Passing {
    /// They arrive with their bytes
    Pass,
    /// They end the connection
    Refuse,
}

/// `--credentials`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Whose {
    /// Those of this process
    Own,
    /// The client's user and groups; takes `CAP_SETUID` and `CAP_SETGID`
    Client,
}

/// `--log`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogForm {
    /// Lines for people
    #[default]
    Text,
    /// An object in each line
    Json,
    /// Only why the relay cannot run
    None,
}

/// `--dump`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DumpForm {
    /// Line by line, escaped; one that goes on ends in a backslash
    Text,
    /// Sixteen bytes a row, with their place in the stream
    Hex,
}

impl Process {
    /// What was said here, and for the rest what was said in `other`.
    pub(super) fn or(self, other: Process) -> Process {
        Process {
            log: self.log.or(other.log),
            dump: self.dump.or(other.dump),
            dump_file: self.dump_file.or(other.dump_file),
            metrics: self.metrics.or(other.metrics),
            control: self.control.or(other.control),
            takeover: self.takeover || other.takeover,
            threads: self.threads.or(other.threads),
            drain: self.drain.or(other.drain),
        }
    }
}

fn span_or_none(text: &str) -> Result<Duration, &'static str> {
    duration::parse(text).ok_or("expected a span of time such as 500ms, 2s or 1m")
}

fn span(text: &str) -> Result<Duration, &'static str> {
    span_or_none(text).and_then(|span| {
        if span.is_zero() {
            Err("expected a span of time that is not 0")
        } else {
            Ok(span)
        }
    })
}

fn name(text: &str) -> Result<String, &'static str> {
    let plain = |c: char| c.is_ascii_graphic() && c != '"' && c != '\\';
    if text.is_empty() || !text.chars().all(plain) {
        return Err("expected a name of ASCII characters without blanks, quotes and backslashes");
    }
    Ok(text.to_owned())
}

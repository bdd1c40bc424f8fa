//! `sockeye listen`

mod child; // --exec: a command per client
mod client; // one client and what waits to be sent to it
mod inbox; // datagrams, which have senders and no clients
mod lines; // what arrives, each line with its label
mod server; // many clients at once
mod typed; // standard input, for all

use std::ffi::OsString;
use std::num::NonZeroUsize;

use rustix::event::PollFlags;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sockeye_address::{Kind, Name, UnixAddress};
use sockeye_socket::{BindOptions, Datagram, Listener};

use crate::address::{KindFlags, unix_address};
use crate::error::Error;
use crate::terminal::note;
use crate::verbs::talk::bound::BoundArguments;
use crate::verbs::talk::peer::Peer;
use crate::verbs::talk::pump;
use crate::verbs::talk::refusal::refused;
use crate::verbs::talk::stop::{Stop, Woken};
use crate::{Exit, explain};

/// Serve many clients: print, echo or run a command for each
///
/// What arrives is printed, each line behind the label of its client; a line that does not end waits for its end, or for
/// its client to leave. What is typed goes to all; input waits until there is a client. A client that ends its side has
/// said all, and is let go once everything is sent to it. Of clients, arrivals and departures are told on standard error.
///
/// With --once one stream client is joined to standard input and output like `connect` does: unchanged bytes at full
/// speed, half-close kept.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Arguments {
    /// The socket to make; a stream unless another kind is said
    #[arg(value_name = "ADDRESS")]
    pub address: OsString,
    #[command(flatten)]
    pub kind: KindFlags,
    /// Send back what each client sends, instead of printing it
    #[arg(long, conflicts_with = "exec")]
    pub echo: bool,
    /// Run CMD with sh for each client, its standard input and output joined to the client (docs/listen-exec.md)
    #[arg(long, value_name = "CMD")]
    pub exec: Option<OsString>,
    /// Serve one client (or one datagram), then leave
    #[arg(long)]
    pub once: bool,
    /// Serve at most N clients at once; further ones wait in the queue until one leaves
    #[arg(long, value_name = "N")]
    pub max_clients: Option<NonZeroUsize>,
    /// Print bytes as they come, without labels
    #[arg(long, conflicts_with_all = ["echo", "exec"])]
    pub raw: bool,
    /// Say neither when the socket is ready nor who comes and goes
    #[arg(long, short)]
    pub quiet: bool,
    /// Show every system call and what it means
    #[arg(long)]
    pub explain: bool,
    #[command(flatten)]
    pub bound: BoundArguments,
}

/// What is done with what a client sends.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Service {
    Print { labels: bool },
    Echo,
    Exec(OsString),
}

/// What the arguments mean.
#[derive(Debug)]
struct Plan {
    address: UnixAddress,
    kind: Kind,
    bind: BindOptions,
    service: Service,
    once: bool,
    max_clients: Option<usize>,
    quiet: bool,
    explain: bool,
}

impl Plan {
    fn resolve(arguments: Arguments) -> Result<Self, Error> {
        let address = unix_address(&arguments.address, arguments.kind, "listen")?;
        let bind = arguments
            .bound
            .resolve(&address, explain::life(arguments.explain))?;
        let kind = address.kind.unwrap_or(Kind::Stream);
        if kind == Kind::Datagram && (arguments.exec.is_some() || arguments.max_clients.is_some()) {
            let problem =
                format!("listen on {address}: datagram sockets have senders, not clients");
            return Err(Error::usage(problem)
                .remedy("--exec and --max-clients need a stream or seqpacket socket"));
        }
        let service = match arguments.exec {
            Some(command) => Service::Exec(command),
            None if arguments.echo => Service::Echo,
            None => Service::Print {
                labels: !arguments.raw,
            },
        };
        Ok(Plan {
            address,
            kind,
            bind,
            service,
            once: arguments.once,
            max_clients: arguments.max_clients.map(NonZeroUsize::get),
            quiet: arguments.quiet,
            explain: arguments.explain,
        })
    }

    fn name(&self) -> &Name {
        &self.address.name
    }

    fn say(&self, text: impl std::fmt::Display) {
        if !self.quiet {
            note(text);
        }
    }

    fn say_ready(&self) {
        self.say(format_args!("listening on {}", self.name()));
    }
}

/// Runs the verb.
pub(crate) fn run(arguments: Arguments) -> Result<Exit, Error> {
    let plan = Plan::resolve(arguments)?;
    let stop = Stop::on_signals()?;
    if plan.kind == Kind::Datagram {
        let socket = Datagram::bind(plan.name(), &plan.bind).map_err(refused)?;
        plan.say_ready();
        return inbox::serve(&plan, socket, &stop);
    }
    let limit = raise_descriptor_limit();
    let listener = Listener::bind(plan.name(), plan.kind, &plan.bind).map_err(refused)?;
    plan.say_ready();
    if plan.once && plan.kind == Kind::Stream && matches!(plan.service, Service::Print { .. }) {
        return join_one(&plan, listener, &stop);
    }
    server::serve(plan, listener, stop, limit)
}

/// One client at full speed.
fn join_one(plan: &Plan, listener: Listener, stop: &Stop) -> Result<Exit, Error> {
    use std::os::fd::AsFd as _;
    if stop.wait(listener.as_fd(), PollFlags::IN, None)? != Woken::Ready {
        return Ok(Exit::Success);
    }
    let client = listener.accept().map_err(refused)?;
    // Nobody else will be served: who comes now is refused instead of waiting for nothing.
    listener.close().map_err(refused)?;
    let peer = Peer::of(&client, 1, &mut sockeye_privilege::Names::default());
    plan.say(format_args!("{peer} connected"));
    let outcome = pump::join(client, stop, plan.explain);
    plan.say(format_args!("{} left", peer.label()));
    // To be asked to stop is no failure of a server.
    outcome.map(|exit| {
        if matches!(exit, Exit::Signal(_)) {
            Exit::Success
        } else {
            exit
        }
    })
}

/// Lets this process hold as many clients as the system allows; the limit that was is for the commands it starts.
pub(crate) fn raise_descriptor_limit() -> Rlimit {
    let before = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: before.maximum,
        maximum: before.maximum,
    };
    let _ = setrlimit(Resource::Nofile, raised);
    before
}

//! From typed arguments to what a relay is to do.

use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroUsize;
use std::time::Duration;

use sockeye_address::Address;
use sockeye_relay::access::Rules;
use sockeye_relay::fault;
use sockeye_relay::plan::{Credentials, Descriptors, Limits, Listen, Patience, Plan, Target};

use super::args::{Passing, Relay, Whose};
use super::checks;
use super::ends::{self, options};
use crate::error::Error;

/// As many as one message can carry (`SCM_MAX_FD`, net/core/scm.c).
const MOST_DESCRIPTORS: u8 = 253;

/// Resolves one relay and checks that all of it can be.
///
/// # Errors
/// What cannot be: a usage error with a remedy.
pub(super) fn plan(relay: &Relay, dump: bool) -> Result<Plan, Error> {
    let listen = ends::listen(relay)?;
    let targets = ends::targets(relay)?;
    let plan = Plan {
        name: relay
            .name
            .clone()
            .unwrap_or_else(|| bare(&listen.address).to_string()),
        balance: relay.balance.map(Into::into).unwrap_or_default(),
        access: access(relay)?,
        limits: limits(relay, &listen),
        patience: patience(relay),
        descriptors: descriptors(relay, &listen, &targets)?,
        credentials: match relay.credentials {
            Some(Whose::Client) => Credentials::Client,
            Some(Whose::Own) | None => Credentials::Own,
        },
        framing: relay.framing.map(Into::into),
        faults: fault::Settings {
            faults: relay.fault.clone(),
            seed: relay.seed.unwrap_or_else(any_seed),
        },
        dump,
        ssh_options: relay.ssh_option.clone(),
        command_open_files: None,
        listen,
        targets,
    };
    checks::plan(&plan)?;
    Ok(plan)
}

/// The address without its options, for names and notices.
pub(super) fn bare(address: &Address) -> Address {
    address.without_options()
}

/// Anything. Told where it matters, so that a run can be repeated.
fn any_seed() -> u64 {
    // Five digits can be typed again, and are enough to have another run each time.
    RandomState::new().hash_one(std::process::id()) % 100_000
}

fn access(relay: &Relay) -> Result<Rules, Error> {
    Rules::resolve(relay.allow.iter().cloned(), relay.deny.iter().cloned()).map_err(|error| {
        use sockeye_relay::access::Unresolved;
        match error {
            Unresolved::User { .. } | Unresolved::Group { .. } => {
                Error::usage(error).remedy("a number can be given with uid: or gid:")
            }
            Unresolved::File { .. } | Unresolved::NotAFile { .. } => Error::usage(error)
                .remedy("a rule that never fits would deny nobody: name the file of a program"),
            Unresolved::Database { .. } => Error::failure(error),
        }
    })
}

fn limits(relay: &Relay, listen: &Listen) -> Limits {
    let option = options(&listen.address).and_then(|options| options.max_clients);
    let option = option.and_then(|clients| usize::try_from(clients).ok());
    Limits {
        max_clients: relay.max_clients.map(NonZeroUsize::get).or(option),
        max_per_uid: relay.max_per_uid.map(NonZeroUsize::get),
    }
}

/// The options of targets go before these; where a flag was given, they are gone.
fn patience(relay: &Relay) -> Patience {
    let default = Patience::default();
    Patience {
        connect: relay.connect_timeout.unwrap_or(default.connect),
        retries: relay.retry.unwrap_or(default.retries),
        retry_interval: relay.retry_interval.unwrap_or(default.retry_interval),
        idle: relay.idle_timeout,
        half_closed: relay.half_close_timeout,
    }
}

fn descriptors(relay: &Relay, listen: &Listen, targets: &[Target]) -> Result<Descriptors, Error> {
    if relay.descriptors == Some(Passing::Refuse) {
        if relay.max_descriptors.is_some() {
            return Err(Error::usage(
                "read --max-descriptors: none are passed with --descriptors refuse",
            )
            .remedy("leave one of the two out"));
        }
        return Ok(Descriptors::Refuse);
    }
    let network = [&listen.address]
        .into_iter()
        .filter(|address| !checks::may_be_unix(address))
        .chain(
            // One target that can take them is enough to pass them to it.
            targets.iter().map(|target| &target.address).filter(|_| {
                !targets
                    .iter()
                    .any(|target| checks::may_be_unix(&target.address))
            }),
        )
        .next();
    match network {
        None => Ok(Descriptors::Pass {
            most: usize::from(relay.max_descriptors.unwrap_or(MOST_DESCRIPTORS)),
        }),
        Some(end) if relay.descriptors.is_some() || relay.max_descriptors.is_some() => {
            Err(Error::usage(format!(
                "pass descriptors: they cannot cross {end}, which is no Unix socket"
            ))
            .remedy("leave --descriptors and --max-descriptors out: here they are refused"))
        }
        Some(_) => Ok(Descriptors::Refuse),
    }
}

/// Threads, where none were asked for.
pub(super) fn threads(asked: Option<NonZeroUsize>) -> usize {
    /// More than this many threads share the accepting without serving faster.
    const MOST: usize = 8;
    asked.map_or_else(
        || std::thread::available_parallelism().map_or(1, |count| count.get().min(MOST)),
        NonZeroUsize::get,
    )
}

/// How long clients may take to finish.
pub(super) fn drain(asked: Option<Duration>) -> Duration {
    asked.unwrap_or(Duration::from_secs(30))
}

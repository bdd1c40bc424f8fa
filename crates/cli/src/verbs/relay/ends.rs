//! The two ends of a relay: from what was typed to the sockets that are meant.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use sockeye_address::escape::escape;
use sockeye_address::{Address, Kind, Options, VsockAddress};
use sockeye_relay::Plan;
use sockeye_relay::metrics::Place;
use sockeye_relay::plan::{Listen, Target};
use sockeye_socket::{BindOptions, Life};

use super::args::Relay;
use super::resolve::bare;
use crate::address::any_address;
use crate::error::Error;
use crate::verbs::talk::bound::BoundArguments;

/// Where clients connect.
pub(super) fn listen(relay: &Relay) -> Result<Listen, Error> {
    let typed = relay.listen.as_deref().unwrap_or(OsStr::new(""));
    refuse_direction(typed, Part::Listens)?;
    let mut address = any_address(typed)?;
    if let Address::Ssh(_) = address {
        return Err(Error::usage(format!(
            "listen on {address}: only a target can be on another machine"
        ))
        .remedy("to listen there, run sockeye relay there"));
    }
    let useless = ["retry", "interval", "connect-timeout"];
    refuse_options(&address, "listen on", "a listener", &useless, "TARGET")?;
    if let Address::Unix(unix) = &mut address {
        let said = match (unix.kind, relay.kind.kind()) {
            (Some(said), Some(flag)) if said != flag => {
                return Err(Error::usage(format!(
                    "listen on {unix}: the address says {said}, the flag {flag}"
                )));
            }
            (said, flag) => said.or(flag),
        };
        unix.kind = said;
        let kind = said.unwrap_or(Kind::Stream);
        let bind = relay.bound.resolve(unix, Life::default())?;
        return Ok(Listen {
            address,
            kind,
            bind,
        });
    }
    refuse_flags_of_files(&address, relay)?;
    if let Some(backlog) = relay.bound.backlog {
        let has_queue = !matches!(address, Address::Udp(_));
        match options_mut(&mut address).filter(|_| has_queue) {
            Some(options) => options.backlog = Some(backlog),
            None => {
                return Err(Error::usage(format!(
                    "listen on {address}: nobody waits there to be accepted"
                ))
                .remedy("leave --backlog out"));
            }
        }
    }
    Ok(Listen {
        address,
        kind: Kind::Stream,
        bind: BindOptions::new(),
    })
}

/// What an end of a relay does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Listens,
    Connects,
}

/// socat says with the word which end listens. A word that says otherwise than its place is a mistake.
fn refuse_direction(typed: &OsStr, part: Part) -> Result<(), Error> {
    let bytes = typed.as_bytes();
    let word = bytes.split(|byte| *byte == b':').next().unwrap_or_default();
    let word = String::from_utf8_lossy(word).to_ascii_lowercase();
    if word.len() == bytes.len() || word.contains('/') {
        return Ok(());
    }
    let ends_with = |ends: &[&str]| ends.iter().any(|end| word.ends_with(end));
    let said = if ends_with(&["-listen", "-l", "-recvfrom", "-recv"]) {
        Part::Listens
    } else if ends_with(&["-connect", "-sendto", "-client"]) {
        Part::Connects
    } else {
        return Ok(());
    };
    if said == part {
        return Ok(());
    }
    let shown = escape(bytes, "");
    Err(match part {
        Part::Listens => Error::usage(format!("listen on {shown}: {word} connects"))
            .remedy("the first address is where clients connect, the second where they are taken"),
        Part::Connects => Error::usage(format!("connect {shown}: {word} listens"))
            .remedy("the first address is where clients connect, the others where they are taken"),
    })
}

/// Where clients are taken.
pub(super) fn targets(relay: &Relay) -> Result<Vec<Target>, Error> {
    let mut targets = Vec::with_capacity(relay.target.len());
    for typed in &relay.target {
        refuse_direction(typed, Part::Connects)?;
        let mut address = target(typed)?;
        // Flags win over the options of an address.
        if let Some(options) = options_mut(&mut address) {
            options.connect_timeout = options
                .connect_timeout
                .filter(|_| relay.connect_timeout.is_none());
            options.retry = options.retry.filter(|_| relay.retry.is_none());
            options.interval = options.interval.filter(|_| relay.retry_interval.is_none());
        }
        targets.push(Target { address });
    }
    Ok(targets)
}

fn target(typed: &OsStr) -> Result<Address, Error> {
    let address = any_address(typed)?;
    let problem = match &address {
        Address::Tcp(network) | Address::Tls(network) | Address::Udp(network)
            if network.place.port == 0 =>
        {
            Some("nobody can be reached at port 0")
        }
        Address::Vsock(vsock) if vsock.cid == VsockAddress::ANY_CID => {
            Some("it names no machine, only a port")
        }
        _ => None,
    };
    if let Some(problem) = problem {
        return Err(Error::usage(format!("connect {address}: {problem}"))
            .remedy("a target is an address that somebody serves"));
    }
    let useless = ["mode", "user", "group", "backlog", "max-clients"];
    refuse_options(&address, "connect", "a target", &useless, "LISTEN")?;
    Ok(address)
}

/// Refuses what the end would otherwise ignore.
fn refuse_options(
    address: &Address,
    operation: &str,
    end: &str,
    useless: &[&str],
    other: &str,
) -> Result<(), Error> {
    let mut given = options(address).into_iter().flat_map(Options::given);
    match given.find(|option| useless.contains(option)) {
        None => Ok(()),
        Some(option) => Err(Error::usage(format!(
            "{operation} {address}: {end} has no use for the option {option}"
        ))
        .remedy(format!("leave it out, or write it behind {other}"))),
    }
}

/// Flags that are about a Unix socket, where there is none.
fn refuse_flags_of_files(address: &Address, relay: &Relay) -> Result<(), Error> {
    let BoundArguments {
        mode,
        user,
        group,
        backlog: _,
        force,
    } = &relay.bound;
    let given = [
        ("--mode", mode.is_some()),
        ("--user", user.is_some()),
        ("--group", group.is_some()),
        ("--force", *force),
        ("--stream", relay.kind.stream),
        ("--dgram", relay.kind.dgram),
        ("--seqpacket", relay.kind.seqpacket),
    ];
    match given.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((flag, _)) => Err(Error::usage(format!(
            "listen on {address}: {flag} is for Unix sockets that are made here"
        ))
        .remedy(format!("leave {flag} out, or listen on a path"))),
    }
}

/// What followed an address, where anything can.
pub(super) fn options(address: &Address) -> Option<&Options> {
    match address {
        Address::Unix(unix) => Some(&unix.options),
        Address::Tcp(network) | Address::Tls(network) | Address::Udp(network) => {
            Some(&network.options)
        }
        Address::Vsock(vsock) => Some(&vsock.options),
        _ => None,
    }
}

/// The same, to be changed.
pub(super) fn options_mut(address: &mut Address) -> Option<&mut Options> {
    match address {
        Address::Unix(unix) => Some(&mut unix.options),
        Address::Tcp(network) | Address::Tls(network) | Address::Udp(network) => {
            Some(&mut network.options)
        }
        Address::Vsock(vsock) => Some(&mut vsock.options),
        _ => None,
    }
}

/// Where figures are served.
pub(super) fn metrics(typed: Option<&OsStr>, plans: &[Plan]) -> Result<Option<Place>, Error> {
    let Some(typed) = typed else {
        return Ok(None);
    };
    let address = any_address(typed)?;
    let taken = plans
        .iter()
        .find(|plan| bare(&plan.listen.address) == bare(&address));
    if let Some(plan) = taken {
        return Err(Error::usage(format!(
            "serve metrics at {address}: the relay {} listens there",
            plan.name
        )));
    }
    let useless = ["max-clients", "retry", "interval", "connect-timeout"];
    refuse_options(
        &address,
        "serve metrics at",
        "it",
        &useless,
        "an end of a relay",
    )?;
    match address {
        Address::Unix(unix) if unix.kind.is_none_or(|kind| kind == Kind::Stream) => {
            let bind = BoundArguments::default().resolve(&unix, Life::default())?;
            Ok(Some(Place::Unix(unix.name, bind)))
        }
        Address::Tcp(network) => Ok(Some(Place::Tcp(network))),
        other => Err(Error::usage(format!(
            "serve metrics at {other}: it is neither a Unix stream socket nor tcp:"
        ))
        .remedy("give a path, @name or tcp:localhost:PORT")),
    }
}

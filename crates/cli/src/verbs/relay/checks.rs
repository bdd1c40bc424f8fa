//! What cannot be, told before anything is opened.

use std::collections::HashMap;

use sockeye_address::{Address, Kind};
use sockeye_privilege::{Ability, effective};
use sockeye_relay::plan::{Credentials, Listen, Plan, Target};

use super::resolve::bare;
use crate::error::Error;

/// Checks that the parts of a plan suit each other.
pub(super) fn plan(plan: &Plan) -> Result<(), Error> {
    identity(plan)?;
    certificate(plan)?;
    own_target(plan)?;
    boundaries(plan)?;
    credentials(plan)?;
    let on_others = |target: &Target| matches!(target.address, Address::Ssh(_));
    if !plan.ssh_options.is_empty() && !plan.targets.iter().any(on_others) {
        let problem = "read --ssh-option: no target is on another machine";
        return Err(Error::usage(problem).remedy("leave it out, or name an ssh:// target"));
    }
    // Whether messages or bytes come from a socket that is handed over shows itself when it is there.
    if listens(&plan.listen).is_some() {
        plan.faults.check(plan.passing()).map_err(|error| {
            let remedy = format!(
                "loss, duplicates and reordering are for datagrams and seqpackets, slices for streams; {} carries {}",
                bare(&plan.listen.address),
                error.carries
            );
            Error::usage(error).remedy(remedy)
        })?;
    }
    Ok(())
}

/// Whether an end is, or may turn out to be, a Unix socket on this machine.
pub(super) fn may_be_unix(address: &Address) -> bool {
    matches!(
        address,
        Address::Unix(_) | Address::WellKnown(_) | Address::Descriptor(_) | Address::Activation(_)
    )
}

/// Rules and limits by user need somebody whose user is known.
fn identity(plan: &Plan) -> Result<(), Error> {
    let address = &plan.listen.address;
    let asked = [
        ("--allow and --deny", !plan.access.is_empty()),
        ("--max-per-uid", plan.limits.max_per_uid.is_some()),
    ];
    if let Some((flags, _)) = asked.iter().find(|(_, asked)| *asked)
        && !may_be_unix(address)
    {
        return Err(Error::usage(format!(
            "listen on {address}: {flags} need a Unix socket, no other tells who connects"
        ))
        .remedy("listen on a path, or leave them out"));
    }
    let by_program = !plan.access.needs().executables.is_empty();
    if by_program && plan.listen.kind == Kind::Datagram && matches!(address, Address::Unix(_)) {
        return Err(Error::usage(format!(
            "listen on {address}: a datagram does not tell which program sent it"
        ))
        .remedy("use uid:, user:, gid: and group: rules, or a stream or seqpacket socket"));
    }
    Ok(())
}

fn certificate(plan: &Plan) -> Result<(), Error> {
    match &plan.listen.address {
        Address::Tls(network) if network.options.tls.cert.is_none() => Err(Error::usage(format!(
            "listen on {}: a TLS listener has to show a certificate",
            plan.listen.address
        ))
        .remedy("add ,cert=FILE and, where the key is in another file, ,key=FILE")),
        _ => Ok(()),
    }
}

/// A relay to itself would connect until nothing is left.
fn own_target(plan: &Plan) -> Result<(), Error> {
    let own = bare(&plan.listen.address);
    let is_own = |target: &&Target| match (&own, &target.address) {
        (Address::Unix(own), Address::Unix(target)) => {
            own.name == target.name && target.kind.is_none_or(|kind| kind == plan.listen.kind)
        }
        (Address::Stdio, other) => *other == Address::Stdio,
        (Address::Tcp(_) | Address::Tls(_) | Address::Udp(_), other) => own == bare(other),
        _ => false,
    };
    match plan.targets.iter().find(is_own) {
        None => Ok(()),
        Some(_) => Err(
            Error::usage(format!("relay {own} to {own}: it is the same end"))
                .remedy("TARGET is where the clients of LISTEN are taken"),
        ),
    }
}

/// Whether messages arrive whole at the listener; `None` when that shows itself later.
fn listens(listen: &Listen) -> Option<bool> {
    match listen.address {
        Address::Unix(_) => Some(listen.kind.keeps_boundaries()),
        _ => listen.address.traits().keeps_boundaries,
    }
}

fn boundaries(plan: &Plan) -> Result<(), Error> {
    let Some(listens) = listens(&plan.listen) else {
        return Ok(());
    };
    let word = |messages| if messages { "messages" } else { "bytes" };
    let own = bare(&plan.listen.address);
    let mut alike = true;
    for target in &plan.targets {
        let sends = target.address.traits().keeps_boundaries;
        alike &= sends == Some(listens);
        match sends {
            Some(sends) if sends != listens && plan.framing.is_none() => {
                let target = bare(&target.address);
                return Err(Error::usage(format!(
                    "relay {own} to {target}: {own} carries {}, {target} {}",
                    word(listens),
                    word(sends)
                ))
                .remedy(
                    "--framing lines or --framing length32 says how messages are told apart in the stream",
                ));
            }
            _ => {}
        }
    }
    if alike && plan.framing.is_some() {
        return Err(Error::usage(format!(
            "relay {own}: --framing has no use, all ends carry {}",
            word(listens)
        ))
        .remedy("leave it out"));
    }
    Ok(())
}

fn credentials(plan: &Plan) -> Result<(), Error> {
    if plan.credentials == Credentials::Own {
        return Ok(());
    }
    let ends = plan.targets.iter().map(|target| &target.address);
    if let Some(end) = [&plan.listen.address]
        .into_iter()
        .chain(ends)
        .find(|end| !may_be_unix(end))
    {
        return Err(Error::usage(format!(
            "connect with the credentials of clients: {end} is no Unix socket and knows none"
        ))
        .remedy("leave --credentials out"));
    }
    let missing = Ability::ActAsUser.missing(effective());
    if missing.is_empty() {
        return Ok(());
    }
    let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
    Err(Error::usage(format!(
        "connect with the credentials of clients: this process has no {}",
        missing.join(" and no ")
    ))
    .remedy("run it as root or with these capabilities, or leave --credentials out"))
}

/// Checks that several relays can be in one process; `places` tells where each was written.
pub(super) fn together<'a>(
    plans: impl IntoIterator<Item = (&'a dyn std::fmt::Display, &'a Plan)>,
) -> Result<(), Error> {
    let (mut names, mut listeners) = (HashMap::new(), HashMap::new());
    let mut standard = None;
    for (place, plan) in plans {
        let address = bare(&plan.listen.address);
        if let Some(other) = names.insert(plan.name.clone(), place) {
            let name = &plan.name;
            return Err(Error::usage(format!(
                "read {place}: the relay of {other} is called {name}, too"
            ))
            .remedy("give each a name of its own: name = \"NAME\""));
        }
        let mut ends = plan.targets.iter().map(|target| &target.address);
        if address == Address::Stdio || ends.any(|end| *end == Address::Stdio) {
            if let Some(other) = standard.replace(place) {
                return Err(Error::usage(format!(
                    "read {place}: standard input and output belong to the relay of {other}"
                )));
            }
        } else if let Some(other) = listeners.insert(address.to_string(), place) {
            return Err(Error::usage(format!(
                "read {place}: the relay of {other} listens on {address}, too"
            )));
        }
    }
    Ok(())
}

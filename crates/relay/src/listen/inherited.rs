//! `fd:3`, `activation:name`, and the socket of a relay that is replaced.

use std::os::fd::OwnedFd;
use std::path::PathBuf;

use sockeye_address::{Address, Kind};
use sockeye_socket::{Custody, Family, Life, Listener, Nature, activation};

use super::door::Door;
use super::{Entrance, Error, Incoming, inbox_terms};
use crate::datagram::Inbox;
use crate::end::socket::Speech;
use crate::event::Client;
use crate::handle::HandedOver;
use crate::plan::Plan;

pub(super) fn open(plan: &Plan) -> Result<Entrance, Error> {
    let fd = inherited(&plan.listen.address)?;
    entrance(fd, plan, Custody::Theirs)
}

pub(super) fn adopt(plan: &Plan, handed: HandedOver) -> Result<Entrance, Error> {
    let custody = match &plan.listen.address {
        Address::Unix(address) => match address.name.as_path() {
            // Without knowing which file it is, none is claimed.
            Some(path) if handed.file.is_some() => Custody::OursAt {
                path: std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path)),
                identity: handed.file,
            },
            _ => Custody::Theirs,
        },
        _ => Custody::Theirs,
    };
    entrance(handed.fd, plan, custody)
}

/// Takes the descriptor that an address names.
pub(crate) fn inherited(address: &Address) -> Result<OwnedFd, Error> {
    match address {
        Address::Descriptor(number) => Ok(activation::inherited_descriptor(number.get().into())?),
        Address::Activation(name) => {
            crate::activated::take(name.as_str())?.ok_or_else(|| Error::Inherited {
                address: Box::new(address.clone()),
                problem: "the service manager has handed over no socket of this name",
            })
        }
        other => Err(Error::Unsuitable(Box::new(other.clone()))),
    }
}

fn entrance(fd: OwnedFd, plan: &Plan, custody: Custody) -> Result<Entrance, Error> {
    let address = &plan.listen.address;
    let unfit = |problem| Error::Inherited {
        address: Box::new(address.clone()),
        problem,
    };
    let nature = Nature::of(&fd)?.ok_or_else(|| unfit("it is not a socket"))?;
    let door = match (nature.family, nature.kind, nature.listening) {
        (Family::Unix | Family::Inet | Family::Inet6, Some(Kind::Datagram), _) => {
            let inbox = Inbox::adopt(fd, custody, address, inbox_terms(plan))?;
            return Ok(Entrance::Inbox(Box::new(inbox)));
        }
        (Family::Unix, _, true) => Door::Unix(Listener::adopt(fd, custody, &Life::default())?),
        (Family::Inet | Family::Inet6, Some(Kind::Stream), true) => Door::Tcp(fd.into()),
        (Family::Vsock, Some(Kind::Stream), true) => Door::Vsock(fd.into()),
        // A socket that is connected already is one client.
        (family, Some(kind), false) => {
            let speech = match family {
                Family::Unix => Speech::of(kind),
                _ => Speech::Bytes,
            };
            let client = Incoming::unknown(fd, speech, Client::Local);
            return Ok(Entrance::Once(Some(Box::new(client))));
        }
        _ => return Err(unfit("this kind of socket cannot be listened on")),
    };
    Entrance::at(door, address)
}

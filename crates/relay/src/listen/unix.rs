//! `unix:/run/app.sock`

use std::io;

use sockeye_address::UnixAddress;
use sockeye_socket::Listener;

use super::door::{Attempt, Door};
use super::{Error, Incoming, IncomingEnd};
use crate::access::{Needs, Peer};
use crate::end::socket::Speech;
use crate::event::Client;
use crate::plan::Listen;

pub(super) fn open(address: &UnixAddress, listen: &Listen) -> Result<Door, Error> {
    let listener = Listener::bind(&address.name, listen.kind, &listen.bind)?;
    Ok(Door::Unix(listener))
}

pub(super) fn accept(listener: &Listener, needs: &Needs) -> io::Result<Attempt> {
    let connection = match listener.try_accept() {
        Ok(Some(connection)) => connection,
        Ok(None) => return Ok(Attempt::Nobody),
        Err(error @ sockeye_socket::Error::Exhausted { .. }) => {
            return Ok(Attempt::Exhausted(error.into()));
        }
        Err(error) => return Err(error.into()),
    };
    let peer = Peer::of(&connection, needs);
    let credentials = peer.as_ref().ok().map(|peer| sockeye_socket::Credentials {
        pid: peer.pid,
        uid: peer.uid,
        gid: peer.gid,
    });
    let groups = match &peer {
        Ok(Peer {
            groups: Ok(groups), ..
        }) => groups.clone(),
        _ => Vec::new(),
    };
    let client = Client::Unix {
        name: connection.peer().clone(),
        credentials,
    };
    let speech = Speech::of(connection.kind());
    Ok(Attempt::Client(Incoming {
        end: IncomingEnd::Socket(connection.into_fd(), speech),
        client,
        peer: Some(peer),
        groups,
    }))
}

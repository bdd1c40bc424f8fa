//! The sockets of a network namespace.

use std::os::fd::OwnedFd;

use crate::Error;
use crate::model::{NetNamespace, Socket, Unseen};

pub(crate) mod diag;
mod net_unix;

/// The sockets of the own namespace, by the best source that answers.
pub(crate) fn own(
    namespace: NetNamespace,
    sockets: &mut Vec<Socket>,
    unseen: &mut Unseen,
) -> Result<(), Error> {
    let asked = diag::open().and_then(|socket| diag::dump(&socket, namespace, sockets, unseen));
    if asked.is_err() {
        unseen.diag_refused = true;
        sockets.clear();
        return net_unix::read(namespace, sockets);
    }
    Ok(())
}

/// The sockets of another namespace, asked through a netlink socket made there.
pub(crate) fn elsewhere(
    namespace: NetNamespace,
    socket: &OwnedFd,
    sockets: &mut Vec<Socket>,
    unseen: &mut Unseen,
) {
    let before = sockets.len();
    if diag::dump(socket, namespace, sockets, unseen).is_err() {
        sockets.truncate(before);
        unseen.namespaces += 1;
    }
}

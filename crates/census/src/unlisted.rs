//! Sockets that processes hold and no namespace lists.
//!
//! An accepted socket lives in its client's network namespace. When the client and every other process there are gone,
//! nobody can enter that namespace any more to ask for its sockets, and what is left of the connection is in no row.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;

use sockeye_wire::proc::fd_link;

use crate::model::{Holder, NetNamespace};
use crate::source::diag;

/// How many sockets are looked up one by one; one that is nowhere is enough to know.
const MOST: usize = 64;

/// Whether one of `unlisted` is in none of the namespaces that can be asked. Most of them were only made after the
/// namespaces were asked, or are closed by now.
pub(crate) fn any_lives_nowhere(unlisted: &[Holder], asked: &[(NetNamespace, OwnedFd)]) -> bool {
    if unlisted.is_empty() {
        return false;
    }
    let Ok(own) = diag::open() else { return false };
    let is_listed = |holder: &Holder| {
        let others = asked.iter().map(|(_, netlink)| netlink);
        std::iter::once(&own)
            .chain(others)
            .any(|netlink| diag::may_list(netlink, holder.inode))
    };
    unlisted
        .iter()
        .take(MOST)
        .any(|holder| !is_listed(holder) && is_still_held(holder))
}

fn is_still_held(holder: &Holder) -> bool {
    let link = fs::read_link(format!("/proc/{}/fd/{}", holder.pid, holder.fd));
    link.is_ok_and(|link| {
        fd_link::socket_inode(link.as_os_str().as_bytes()) == Some(holder.inode.0)
    })
}

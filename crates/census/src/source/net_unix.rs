//! `/proc/net/unix`, for where netlink is refused: no peers, no queues, ambiguous abstract names.

use std::fs;

use sockeye_address::Name;
use sockeye_wire::proc::net_unix;

use crate::Error;
use crate::model::{NetNamespace, Socket, SocketInode, SocketState};

const PATH: &str = "/proc/net/unix";

pub(super) fn read(namespace: NetNamespace, sockets: &mut Vec<Socket>) -> Result<(), Error> {
    let text = fs::read(PATH).map_err(|error| Error::io(format!("read {PATH}"), error))?;
    // A line that cannot be read is one socket missed, not all of them; `Unseen::diag_refused` says the source is poor.
    let entries = net_unix::sockets(&text)
        .flatten()
        .filter(|entry| entry.inode != 0);
    sockets.extend(entries.map(|entry| {
        Socket {
            inode: SocketInode(entry.inode),
            kind: entry.kind,
            state: match (entry.listening, entry.connected) {
                (true, _) => SocketState::Listening,
                (_, true) => SocketState::Connected,
                _ => SocketState::Unconnected,
            },
            name: entry
                .name
                .map_or(Name::Unnamed, |name| Name::from_kernel(&name)),
            file: None,
            peer: None,
            pending: Box::default(),
            receive_queue: 0,
            send_queue: 0,
            uid: None,
            namespace,
        }
    }));
    Ok(())
}

//! `unix_diag` over netlink: names, files, peers, queues and waiting clients, for everybody.

use std::os::fd::OwnedFd;

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};
use sockeye_address::Name;
use sockeye_wire::unix_diag::{self, Message, Show, State};

use crate::Error;
use crate::model::{FileId, NetNamespace, Socket, SocketInode, SocketState, Unseen};

/// What the kernel fills at most in one answer (`netlink_dump` in `net/netlink/af_netlink.c`).
const ANSWER_BYTES: usize = 32 * 1024;
/// How often a dump that the kernel calls inconsistent is asked for again.
const TRIES: u32 = 3;

/// A netlink socket in the namespace of this thread.
pub(crate) fn open() -> Result<OwnedFd, Error> {
    socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        Some(netlink::SOCK_DIAG),
    )
    .map_err(|errno| Error::io("open unix_diag socket", errno))
}

/// Adds every socket of the namespace to `sockets`.
pub(crate) fn dump(
    netlink: &OwnedFd,
    namespace: NetNamespace,
    sockets: &mut Vec<Socket>,
    unseen: &mut Unseen,
) -> Result<(), Error> {
    let before = sockets.len();
    for sequence in 1..=TRIES {
        sockets.truncate(before);
        if dump_once(netlink, sequence, namespace, sockets)? {
            return Ok(());
        }
    }
    unseen.changed_meanwhile = true;
    Ok(())
}

/// One dump; answers whether it is consistent.
fn dump_once(
    netlink: &OwnedFd,
    sequence: u32,
    namespace: NetNamespace,
    sockets: &mut Vec<Socket>,
) -> Result<bool, Error> {
    let mut buffer = vec![0; ANSWER_BYTES];
    ask_for_large_answers(netlink, &mut buffer)?;
    let request = unix_diag::dump_request(Show::ALL_BUT_MEMINFO, sequence);
    send(netlink, &request, SendFlags::empty())
        .map_err(|errno| Error::io("ask unix_diag", errno))?;
    let mut consistent = true;
    loop {
        let (length, _) = match recv(netlink, &mut buffer[..], RecvFlags::empty()) {
            Ok(received) => received,
            Err(rustix::io::Errno::INTR) => continue,
            Err(errno) => return Err(Error::io("read unix_diag answer", errno)),
        };
        if length == 0 {
            return Ok(consistent);
        }
        for message in unix_diag::messages(&buffer[..length]) {
            match message? {
                Message::Socket(socket) => sockets.push(convert(socket, namespace)),
                Message::Interrupted => consistent = false,
                Message::Done => return Ok(consistent),
                Message::Error(errno) => {
                    return Err(Error::io(
                        "ask unix_diag",
                        std::io::Error::from_raw_os_error(errno),
                    ));
                }
                Message::Other(_) => {}
            }
        }
    }
}

/// Reads one small answer into a large buffer. The kernel makes its answers as large as the largest buffer it has seen
/// (`netlink_recvmsg`), and a first socket that does not fit into one, such as a listener with 1,000 waiting clients,
/// would end the dump as if it were complete. A look-up of inode 0 is answered by an error and nothing else.
fn ask_for_large_answers(netlink: &OwnedFd, buffer: &mut [u8]) -> Result<(), Error> {
    let request = unix_diag::lookup_request(0, Show::default(), 0);
    send(netlink, &request, SendFlags::empty())
        .map_err(|errno| Error::io("ask unix_diag", errno))?;
    recv(netlink, buffer, RecvFlags::empty())
        .map_err(|errno| Error::io("read unix_diag answer", errno))?;
    Ok(())
}

/// Whether the namespace lists a socket, as far as can be told: only a clear no is one.
pub(crate) fn may_list(netlink: &OwnedFd, inode: SocketInode) -> bool {
    let Ok(number) = u32::try_from(inode.0) else {
        return true;
    };
    let request = unix_diag::lookup_request(number, Show::default(), 0);
    let mut buffer = [0; 1024];
    let answer = send(netlink, &request, SendFlags::empty())
        .and_then(|_| recv(netlink, &mut buffer[..], RecvFlags::empty()));
    let Ok((length, _)) = answer else { return true };
    let no = Message::Error(rustix::io::Errno::NOENT.raw_os_error());
    !unix_diag::messages(&buffer[..length.min(1024)]).any(|message| message.as_ref() == Ok(&no))
}

fn convert(socket: unix_diag::Socket<'_>, namespace: NetNamespace) -> Socket {
    let inode = |number: u32| Some(SocketInode(number.into())).filter(|inode| inode.0 != 0);
    Socket {
        inode: SocketInode(socket.inode.into()),
        kind: socket.kind,
        state: match socket.state {
            State::Listening => SocketState::Listening,
            // A bound datagram socket becomes "established" when somebody connects to it.
            State::Established
                if socket.peer.is_some()
                    || socket.kind != Some(sockeye_address::Kind::Datagram) =>
            {
                SocketState::Connected
            }
            _ => SocketState::Unconnected,
        },
        name: socket.name.map_or(Name::Unnamed, Name::from_kernel),
        file: socket.vfs.map(|vfs| FileId {
            device: vfs.device,
            inode: vfs.inode.into(),
        }),
        peer: socket.peer.and_then(inode),
        pending: socket
            .pending
            .map(|number| SocketInode(number.into()))
            .collect(),
        receive_queue: socket.queues.receive,
        send_queue: socket.queues.send,
        uid: socket.uid,
        namespace,
    }
}

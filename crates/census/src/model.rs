//! What a census holds.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use sockeye_address::{Kind, Name, well_known};
use sockeye_privilege::{Ability, effective};
pub use sockeye_wire::Device;

/// Number of a socket in sockfs: unique on the machine, whatever its namespaces (`socket:[N]` in `/proc/PID/fd`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketInode(pub u64);

impl fmt::Display for SocketInode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Number of a process, as seen from the pid namespace of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pid(pub u32);

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A file, whatever it is called: its filesystem's device and its inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId {
    /// Device of the filesystem.
    pub device: Device,
    /// Inode in it.
    pub inode: u64,
}

/// Number of a network namespace (`net:[N]` in `/proc/PID/ns/net`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NetNamespace(pub u64);

/// What a socket is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SocketState {
    /// Clients can connect to it.
    Listening,
    /// It has a peer, or had one.
    Connected,
    /// Neither.
    Unconnected,
}

/// One socket, as the kernel tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Socket {
    /// Its number.
    pub inode: SocketInode,
    /// Its kind; `None` for one this program does not know.
    pub kind: Option<Kind>,
    /// What it is doing.
    pub state: SocketState,
    /// What it is bound to. An accepted socket has the name of its listener. The name is what `bind` was given:
    /// it may be relative to a folder long left, and the file may have moved since.
    pub name: Name,
    /// The file it is bound to.
    pub file: Option<FileId>,
    /// The socket at the other end; `None` for an unaccepted client too.
    pub peer: Option<SocketInode>,
    /// Clients that wait to be accepted by this listener.
    pub pending: Box<[SocketInode]>,
    /// For a listener: waiting clients and how many may wait. For others: bytes unread and bytes sent that the peer
    /// has not read.
    pub receive_queue: u32,
    /// See `receive_queue`. The kernel counts whole buffers for bytes sent.
    pub send_queue: u32,
    /// User who made it.
    pub uid: Option<u32>,
    /// Where it lives. An accepted socket lives in its client's namespace (`net/unix/af_unix.c`,
    /// `unix_stream_connect` makes it there).
    pub namespace: NetNamespace,
}

/// A descriptor that holds a socket open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holder {
    /// The socket.
    pub inode: SocketInode,
    /// Who holds it.
    pub pid: Pid,
    /// Number of the descriptor there.
    pub fd: u32,
}

/// A process that holds sockets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: Pid,
    /// Its name: the `comm` of its first thread, at most 15 bytes, chosen by itself.
    pub name: Box<[u8]>,
    /// Its effective user.
    pub uid: u32,
}

/// What an endpoint is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EndpointState {
    /// Clients can connect.
    Listening,
    /// Bound and not listening: how datagram sockets receive; for the other kinds, before `listen`.
    Bound,
    /// Its listener is closed; connections accepted through it live on.
    Closed,
    /// A file that no socket is bound to.
    Stale,
    /// A file that no socket of the namespaces seen is bound to; others could not be seen.
    Unclaimed,
}

impl EndpointState {
    /// Every state, in the order tables use.
    pub const ALL: [EndpointState; 5] = [
        EndpointState::Listening,
        EndpointState::Bound,
        EndpointState::Closed,
        EndpointState::Stale,
        EndpointState::Unclaimed,
    ];

    /// The word used in tables, JSON and `--state`.
    pub const fn word(self) -> &'static str {
        match self {
            EndpointState::Listening => "listening",
            EndpointState::Bound => "bound",
            EndpointState::Closed => "closed",
            EndpointState::Stale => "stale",
            EndpointState::Unclaimed => "unclaimed",
        }
    }
}

/// What is wrong with an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// A file without a socket: whoever bound it is gone.
    Stale,
    /// A socket whose file is gone: nobody new can connect.
    Deleted,
    /// A socket whose path now belongs to another file: clients reach that one.
    Replaced,
    /// The accept queue is at its limit: further clients block or get `EAGAIN`.
    Full,
}

impl Fault {
    /// The word used in tables and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Fault::Stale => "stale",
            Fault::Deleted => "deleted",
            Fault::Replaced => "replaced",
            Fault::Full => "full",
        }
    }
}

/// What `statx` says of a socket file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    /// Where it was found. Differs from the endpoint's name when that is relative or in another mount namespace.
    pub path: PathBuf,
    /// Which file it is.
    pub id: FileId,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// The clients that wait to be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queue {
    /// How many wait.
    pub used: u32,
    /// The backlog given to `listen`. The kernel lets one more wait than this (`unix_recvq_full` asks for more).
    pub limit: u32,
}

impl Queue {
    /// Whether the next client would have to wait to even connect.
    pub const fn is_full(self) -> bool {
        self.used > self.limit
    }
}

/// Something with an address: a listener, a bound socket, or a file that none is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its address.
    pub name: Name,
    /// Its kind, unless it is only a file.
    pub kind: Option<Kind>,
    /// What it is doing.
    pub state: EndpointState,
    /// The socket, unless it is only a file. For [`EndpointState::Closed`], one of the accepted sockets.
    pub socket: Option<SocketInode>,
    /// The file, where the address is a path and the file was found.
    pub file: Option<FileFacts>,
    /// The file the socket is bound to, found or not.
    pub bound_file: Option<FileId>,
    /// What is wrong with it.
    pub fault: Option<Fault>,
    /// What is wrong with it unless a process that could not be asked sees the file where it was bound: it may be in
    /// another mount namespace.
    pub possible_fault: Option<Fault>,
    /// Connections to it, waiting ones among them.
    pub clients: u32,
    /// The accept queue of a listener.
    pub queue: Option<Queue>,
    /// Where it lives.
    pub namespace: Option<NetNamespace>,
    /// Whether its file is in a mount namespace other than ours and `file.path` is a path there.
    pub in_other_mount_namespace: bool,
}

impl Endpoint {
    /// The well-known service this is the socket of.
    pub fn service(&self) -> Option<&'static well_known::Service> {
        well_known::recognise(&self.name)
    }
}

/// Two sockets that talk, or a client that waits to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Connection {
    /// The end that connected; for a pair without names, the one with the lower inode. `None` when it is gone and
    /// the server has not closed its end.
    pub client: Option<SocketInode>,
    /// The other end; `None` while the client waits in the accept queue, or when it is gone.
    pub server: Option<SocketInode>,
    /// Whether the client is still in the accept queue.
    pub is_waiting: bool,
    /// Which of [`Census::endpoints`](crate::Census::endpoints) it goes to, if to any.
    pub endpoint: Option<usize>,
    /// Bytes the client sent that the server has not read. For datagrams, of the next message only. `None` where the
    /// kernel does not tell: the client waits to be accepted and has sent something.
    pub to_server_bytes: Option<u32>,
    /// Bytes the server sent that the client has not read. For datagrams, of the next message only.
    pub to_client_bytes: u32,
}

/// What could not be seen, so that nobody mistakes it for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unseen {
    /// Processes whose descriptors could not be read.
    pub processes: u32,
    /// Whether there may be processes that `/proc` does not list or tell apart: those outside of the pid namespace, and
    /// those of others where it is mounted with `hidepid`.
    pub processes_hidden: bool,
    /// Network namespaces that could not be entered.
    pub namespaces: u32,
    /// Why the BPF iterator was not used, where it would have been.
    pub bpf: Option<Arc<str>>,
    /// Whether `unix_diag` was refused and `/proc/net/unix` told what it can: no peers, no queues.
    pub diag_refused: bool,
    /// Folders that could not be searched for socket files.
    pub folders: u32,
    /// Sockets opened or closed while the census was taken, so that their rows may be incomplete.
    pub changed_meanwhile: bool,
}

impl Unseen {
    /// Whether everything was seen.
    pub fn is_nothing(&self) -> bool {
        self.no_process() && self.namespaces == 0 && !self.diag_refused && self.folders == 0
    }

    /// Whether every process was seen: a socket without a holder then has none.
    pub fn no_process(&self) -> bool {
        self.processes == 0 && !self.processes_hidden
    }

    /// Whether the sockets of every network namespace were seen: a file that none of them is bound to is stale. The
    /// namespaces are known by their processes, and root of a container may enter its own only.
    pub fn no_namespace(&self) -> bool {
        self.namespaces == 0
            && self.no_process()
            && !self.diag_refused
            && Ability::EnterNamespaces.missing(effective()).is_empty()
    }
}

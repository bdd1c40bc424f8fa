//! `ls --json` and `show --json`: docs/schema/ls.v1.json.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;

use serde::Serialize;
use sockeye_address::{Name, escape};
use sockeye_census::{Census, Connection, Endpoint, FileFacts, Pid, SocketInode};
use sockeye_privilege::Names;

/// The whole document.
#[derive(Debug, Serialize)]
pub(crate) struct Document {
    version: u32,
    kind: &'static str,
    endpoints: Vec<EndpointDocument>,
    connections: Vec<ConnectionDocument>,
    holder_source: Option<&'static str>,
    unseen: UnseenDocument,
}

#[derive(Debug, Serialize)]
struct EndpointDocument {
    address: String,
    name: NameDocument,
    socket_kind: Option<&'static str>,
    state: &'static str,
    fault: Option<&'static str>,
    possible_fault: Option<&'static str>,
    service: Option<&'static str>,
    socket: Option<u64>,
    net_namespace: Option<u64>,
    in_other_mount_namespace: bool,
    processes: Vec<ProcessDocument>,
    file: Option<FileDocument>,
    clients: u32,
    queue: Option<QueueDocument>,
}

#[derive(Debug, Serialize)]
struct NameDocument {
    r#type: &'static str,
    text: Option<String>,
    hex: String,
}

#[derive(Debug, Serialize)]
struct ProcessDocument {
    pid: u32,
    name: String,
    uid: Option<u32>,
    user: Option<String>,
    descriptors: Vec<u32>,
}

#[derive(Debug, Serialize)]
struct FileDocument {
    path: NameDocument,
    mode: String,
    uid: u32,
    user: Option<String>,
    gid: u32,
    group: Option<String>,
    device: String,
    inode: u64,
}

#[derive(Debug, Serialize)]
struct QueueDocument {
    used: u32,
    limit: u32,
}

#[derive(Debug, Serialize)]
struct ConnectionDocument {
    address: Option<String>,
    endpoint: Option<usize>,
    socket_kind: Option<&'static str>,
    client: Option<EndDocument>,
    server: Option<EndDocument>,
    waiting: bool,
    to_server_bytes: Option<u32>,
    to_client_bytes: u32,
}

#[derive(Debug, Serialize)]
struct EndDocument {
    socket: u64,
    processes: Vec<ProcessDocument>,
}

#[derive(Debug, Serialize)]
struct UnseenDocument {
    processes: u32,
    processes_hidden: bool,
    namespaces: u32,
    folders: u32,
    unix_diag_refused: bool,
    changed_meanwhile: bool,
    bpf_refused: Option<String>,
}

/// The document, of `ls` or `show`, of some endpoints and connections of a census.
pub(crate) fn document(
    kind: &'static str,
    census: &Census,
    endpoints: &[&Endpoint],
    connections: &[&Connection],
) -> Document {
    let mut writer = Writer {
        census,
        names: Names::default(),
    };
    // Connections name their endpoint by its place among those shown.
    let shown: HashMap<*const Endpoint, usize> = endpoints
        .iter()
        .enumerate()
        .map(|(at, endpoint)| (std::ptr::from_ref(*endpoint), at))
        .collect();
    let unseen = census.unseen();
    Document {
        version: super::VERSION,
        kind,
        endpoints: endpoints
            .iter()
            .map(|endpoint| writer.endpoint(endpoint))
            .collect(),
        connections: connections
            .iter()
            .map(|connection| {
                let endpoint = connection
                    .endpoint
                    .and_then(|at| census.endpoints().get(at));
                let place =
                    endpoint.and_then(|endpoint| shown.get(&std::ptr::from_ref(endpoint)).copied());
                writer.connection(connection, endpoint, place)
            })
            .collect(),
        holder_source: census
            .holder_source()
            .map(sockeye_census::HolderSource::word),
        unseen: UnseenDocument {
            processes: unseen.processes,
            processes_hidden: unseen.processes_hidden,
            namespaces: unseen.namespaces,
            folders: unseen.folders,
            unix_diag_refused: unseen.diag_refused,
            changed_meanwhile: unseen.changed_meanwhile,
            bpf_refused: unseen.bpf.as_deref().map(str::to_owned),
        },
    }
}

struct Writer<'a> {
    census: &'a Census,
    names: Names,
}

impl Writer<'_> {
    fn endpoint(&mut self, endpoint: &Endpoint) -> EndpointDocument {
        EndpointDocument {
            address: endpoint.name.to_string(),
            name: name(&endpoint.name),
            socket_kind: endpoint.kind.map(sockeye_address::Kind::word),
            state: endpoint.state.word(),
            fault: endpoint.fault.map(sockeye_census::Fault::word),
            possible_fault: endpoint.possible_fault.map(sockeye_census::Fault::word),
            service: endpoint.service().map(|service| service.word),
            socket: endpoint.socket.map(|inode| inode.0),
            net_namespace: endpoint.namespace.map(|namespace| namespace.0),
            in_other_mount_namespace: endpoint.in_other_mount_namespace,
            processes: endpoint
                .socket
                .map(|inode| self.processes(inode))
                .unwrap_or_default(),
            file: endpoint.file.as_ref().map(|file| self.file(file)),
            clients: endpoint.clients,
            queue: endpoint.queue.map(|queue| QueueDocument {
                used: queue.used,
                limit: queue.limit,
            }),
        }
    }

    fn connection(
        &mut self,
        connection: &Connection,
        endpoint: Option<&Endpoint>,
        place: Option<usize>,
    ) -> ConnectionDocument {
        let ends = [connection.server, connection.client];
        let kind = ends
            .into_iter()
            .flatten()
            .find_map(|inode| self.census.socket(inode)?.kind);
        ConnectionDocument {
            address: endpoint.map(|endpoint| endpoint.name.to_string()),
            endpoint: place,
            socket_kind: kind.map(sockeye_address::Kind::word),
            client: connection.client.map(|inode| self.end(inode)),
            server: connection.server.map(|inode| self.end(inode)),
            waiting: connection.is_waiting,
            to_server_bytes: connection.to_server_bytes,
            to_client_bytes: connection.to_client_bytes,
        }
    }

    fn end(&mut self, inode: SocketInode) -> EndDocument {
        EndDocument {
            socket: inode.0,
            processes: self.processes(inode),
        }
    }

    fn processes(&mut self, inode: SocketInode) -> Vec<ProcessDocument> {
        let mut processes: Vec<ProcessDocument> = Vec::new();
        for holder in self.census.holders(inode) {
            match processes.last_mut() {
                Some(process) if process.pid == holder.pid.0 => process.descriptors.push(holder.fd),
                _ => processes.push(self.process(holder.pid, holder.fd)),
            }
        }
        processes
    }

    fn process(&mut self, pid: Pid, fd: u32) -> ProcessDocument {
        let process = self.census.process(pid);
        // A process that ended while it was looked at has no user.
        let uid = process
            .map(|process| process.uid)
            .filter(|uid| *uid != u32::MAX);
        ProcessDocument {
            pid: pid.0,
            name: process
                .map(|process| escape::escape(&process.name, ""))
                .unwrap_or_default(),
            uid,
            user: uid.and_then(|uid| self.names.user(uid).map(str::to_owned)),
            descriptors: vec![fd],
        }
    }

    fn file(&mut self, file: &FileFacts) -> FileDocument {
        FileDocument {
            path: bytes("path", file.path.as_os_str().as_bytes()),
            mode: format!("{:04o}", file.mode),
            uid: file.uid,
            user: self.names.user(file.uid).map(str::to_owned),
            gid: file.gid,
            group: self.names.group(file.gid).map(str::to_owned),
            device: file.id.device.to_string(),
            inode: file.id.inode,
        }
    }
}

fn name(name: &Name) -> NameDocument {
    let kind = match name {
        Name::Unnamed => "unnamed",
        Name::Path(_) => "path",
        Name::Abstract(_) => "abstract",
    };
    bytes(kind, name.as_bytes())
}

/// Exact whatever the bytes are: as text where they are UTF-8, and always in hexadecimal.
fn bytes(kind: &'static str, bytes: &[u8]) -> NameDocument {
    let mut hex = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(hex, "{byte:02x}");
    }
    NameDocument {
        r#type: kind,
        text: std::str::from_utf8(bytes).ok().map(str::to_owned),
        hex,
    }
}

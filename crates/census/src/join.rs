//! Sockets, holders and files into endpoints and connections.

use std::collections::HashMap;

use sockeye_address::{Kind, Name};

use crate::index::Index;
use crate::model::{
    Connection, Endpoint, EndpointState, Fault, FileId, NetNamespace, Queue, Socket, SocketInode,
    SocketState,
};

/// What makes two sockets belong to one endpoint: a listener and the sockets accepted through it share it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Place<'a> {
    File(FileId),
    /// The kernel keeps abstract names apart for each kind.
    Abstract(NetNamespace, Option<Kind>, &'a [u8]),
    /// A path whose file the source did not tell.
    Path(NetNamespace, &'a Name),
}

fn place(socket: &Socket) -> Option<Place<'_>> {
    match (&socket.name, socket.file) {
        (Name::Unnamed, _) => None,
        (Name::Abstract(name), _) => Some(Place::Abstract(
            socket.namespace,
            socket.kind,
            name.as_bytes(),
        )),
        (Name::Path(_), Some(file)) => Some(Place::File(file)),
        (name @ Name::Path(_), None) => Some(Place::Path(socket.namespace, name)),
    }
}

/// Endpoints, and the connections to them and between unnamed pairs.
pub(crate) fn join(sockets: &[Socket], index: &Index) -> (Vec<Endpoint>, Vec<Connection>) {
    let mut joiner = Joiner {
        sockets,
        index,
        places: HashMap::new(),
        endpoints: Vec::new(),
        connections: Vec::new(),
    };
    joiner.add_endpoints();
    joiner.add_waiting();
    joiner.add_connected();
    (joiner.endpoints, joiner.connections)
}

struct Joiner<'a> {
    sockets: &'a [Socket],
    index: &'a Index,
    places: HashMap<Place<'a>, usize>,
    endpoints: Vec<Endpoint>,
    connections: Vec<Connection>,
}

impl<'a> Joiner<'a> {
    fn socket(&self, inode: SocketInode) -> Option<&'a Socket> {
        self.sockets.get(self.index.socket(inode)?)
    }

    fn endpoint_of(&self, socket: &'a Socket) -> Option<usize> {
        self.places.get(&place(socket)?).copied()
    }

    fn add_endpoints(&mut self) {
        for socket in self.sockets {
            let state = match socket.state {
                SocketState::Listening => EndpointState::Listening,
                SocketState::Unconnected => EndpointState::Bound,
                // A datagram socket receives from anybody, with a peer or without.
                SocketState::Connected if socket.kind == Some(Kind::Datagram) => {
                    EndpointState::Bound
                }
                SocketState::Connected => continue,
            };
            if let Some(place) = place(socket) {
                self.places.insert(place, self.endpoints.len());
                self.endpoints.push(endpoint(socket, state));
            }
        }
    }

    fn add_waiting(&mut self) {
        for listener in self
            .sockets
            .iter()
            .filter(|socket| !socket.pending.is_empty())
        {
            let endpoint = self.endpoint_of(listener);
            for client in &listener.pending {
                // A client that gave up waiting has no inode any more and no process to name.
                let client = Some(*client).filter(|inode| inode.0 != 0);
                // Until it is accepted, the kernel tells only whether there are buffers under way.
                let is_sending = client
                    .and_then(|inode| self.socket(inode))
                    .is_some_and(|client| client.send_queue > 0);
                self.push(Connection {
                    client,
                    endpoint,
                    is_waiting: true,
                    to_server_bytes: (!is_sending).then_some(0),
                    ..Connection::default()
                });
            }
        }
    }

    fn add_connected(&mut self) {
        let waiting: std::collections::HashSet<SocketInode> = self
            .sockets
            .iter()
            .flat_map(|socket| socket.pending.iter().copied())
            .collect();
        for socket in self.sockets {
            if socket.peer.is_none() && socket.state != SocketState::Connected
                || waiting.contains(&socket.inode)
            {
                continue;
            }
            match socket.peer.and_then(|peer| self.socket(peer)) {
                Some(peer) if peer.peer == Some(socket.inode) => {
                    if socket.inode < peer.inode {
                        self.add_pair(socket, peer);
                    }
                }
                // Datagram sockets send to one that need not know them.
                Some(peer) => self.add_one_way(socket, peer),
                None => self.add_half(socket),
            }
        }
    }

    fn add_pair(&mut self, lower: &'a Socket, higher: &'a Socket) {
        let (client, server) = match (self.endpoint_of(lower), self.endpoint_of(higher)) {
            (Some(_), None) => (higher, lower),
            (None, None) if !lower.name.is_unnamed() && higher.name.is_unnamed() => (higher, lower),
            _ => (lower, higher),
        };
        let endpoint = self
            .endpoint_of(server)
            .or_else(|| self.closed_endpoint(server));
        self.push(Connection {
            client: Some(client.inode),
            server: Some(server.inode),
            endpoint,
            is_waiting: false,
            to_server_bytes: Some(server.receive_queue),
            to_client_bytes: client.receive_queue,
        });
    }

    fn add_one_way(&mut self, client: &'a Socket, server: &'a Socket) {
        self.push(Connection {
            client: Some(client.inode),
            server: Some(server.inode),
            endpoint: self.endpoint_of(server),
            // The next message is perhaps not from this client, but certainly not if none of its own is under way.
            to_server_bytes: Some(if client.send_queue > 0 {
                server.receive_queue
            } else {
                0
            }),
            ..Connection::default()
        });
    }

    /// A socket whose peer is closed, or lives where this census could not look.
    fn add_half(&mut self, socket: &'a Socket) {
        if socket.kind == Some(Kind::Datagram) && socket.peer.is_none() {
            return;
        }
        let endpoint = self
            .endpoint_of(socket)
            .or_else(|| self.closed_endpoint(socket));
        let is_server = endpoint.is_some();
        let (client, server) = if is_server {
            (socket.peer, Some(socket.inode))
        } else {
            (Some(socket.inode), socket.peer)
        };
        let unread = socket.receive_queue;
        let (to_server, to_client_bytes) = if is_server { (unread, 0) } else { (0, unread) };
        self.push(Connection {
            client,
            server,
            endpoint,
            is_waiting: false,
            to_server_bytes: Some(to_server),
            to_client_bytes,
        });
    }

    /// An accepted socket outlives its listener: the address stays, though nobody can connect to it.
    fn closed_endpoint(&mut self, server: &'a Socket) -> Option<usize> {
        let place = place(server)?;
        let at = self.endpoints.len();
        self.endpoints.push(endpoint(server, EndpointState::Closed));
        self.places.insert(place, at);
        Some(at)
    }

    fn push(&mut self, connection: Connection) {
        if let Some(endpoint) = connection
            .endpoint
            .and_then(|at| self.endpoints.get_mut(at))
        {
            endpoint.clients += 1;
        }
        self.connections.push(connection);
    }
}

fn endpoint(socket: &Socket, state: EndpointState) -> Endpoint {
    let queue = (state == EndpointState::Listening).then_some(Queue {
        used: socket.receive_queue,
        limit: socket.send_queue,
    });
    Endpoint {
        name: socket.name.clone(),
        kind: socket.kind,
        state,
        socket: Some(socket.inode),
        file: None,
        bound_file: socket.file,
        fault: queue.filter(|queue| queue.is_full()).map(|_| Fault::Full),
        possible_fault: None,
        clients: 0,
        queue,
        namespace: Some(socket.namespace),
        in_other_mount_namespace: false,
    }
}

/// Puts the endpoints into the order of their names and the connections into the order of their endpoints.
pub(crate) fn order(endpoints: &mut Vec<Endpoint>, connections: &mut [Connection]) {
    let mut order: Vec<usize> = (0..endpoints.len()).collect();
    order.sort_by(|a, b| {
        let key = |at: usize| {
            endpoints
                .get(at)
                .map(|endpoint| (&endpoint.name, endpoint.state, endpoint.socket))
        };
        key(*a).cmp(&key(*b))
    });
    let mut places = vec![0; endpoints.len()];
    for (new, old) in order.iter().enumerate() {
        places[*old] = new;
    }
    for connection in connections.iter_mut() {
        connection.endpoint = connection.endpoint.and_then(|old| places.get(old).copied());
    }
    let mut taken: Vec<Option<Endpoint>> = endpoints.drain(..).map(Some).collect();
    endpoints.extend(
        order
            .into_iter()
            .filter_map(|old| taken.get_mut(old)?.take()),
    );
    connections.sort_unstable_by_key(|connection| {
        (
            connection.endpoint.is_none(),
            connection.endpoint,
            connection.is_waiting,
            connection.client,
        )
    });
}

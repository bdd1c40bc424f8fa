//! Sockets of the test's own process.

pub(crate) mod stale; // a socket file that nobody is bound to

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

pub(crate) fn socket(kind: SocketType) -> OwnedFd {
    net::socket_with(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None).unwrap()
}

pub(crate) fn bound(path: &Path, kind: SocketType) -> OwnedFd {
    let socket = socket(kind);
    net::bind(&socket, &SocketAddrUnix::new(path).unwrap()).unwrap();
    socket
}

pub(crate) fn listening(path: &Path, backlog: i32) -> OwnedFd {
    let socket = bound(path, SocketType::STREAM);
    net::listen(&socket, backlog).unwrap();
    socket
}

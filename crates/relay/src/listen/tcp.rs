//! `tcp:host:port`, `tls:host:port`

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs as _};

use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};
use sockeye_address::NetworkAddress;

use super::Incoming;
use super::door::{Attempt, Door};
use crate::end::socket::Speech;
use crate::event::Client;

/// How many clients may wait to be accepted, unless it is said.
pub(super) const BACKLOG_CLIENTS: u32 = 4096;

pub(super) fn open(network: &NetworkAddress) -> io::Result<Door> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for place in places(&network.place.host, network.place.port)? {
        match listen(place, network) {
            Ok(listener) => return Ok(Door::Tcp(listener)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The addresses of a host; every address of this machine if it is empty, with IPv4 alone where there is no IPv6.
pub(crate) fn places(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if host.is_empty() {
        return Ok(vec![
            SocketAddr::from(([0; 16], port)),
            SocketAddr::from(([0; 4], port)),
        ]);
    }
    Ok((host, port).to_socket_addrs()?.collect())
}

fn listen(place: SocketAddr, network: &NetworkAddress) -> io::Result<TcpListener> {
    let backlog = network.options.backlog.unwrap_or(BACKLOG_CLIENTS);
    let socket = Socket::new(
        Domain::for_address(place),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    if network.place.host.is_empty() && place.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.bind(&place.into())?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    Ok(socket.into())
}

pub(super) fn accept(listener: &TcpListener) -> io::Result<Attempt> {
    loop {
        return match listener.accept() {
            Ok((stream, address)) => Ok(Attempt::Client(Incoming::unknown(
                stream.into(),
                Speech::Bytes,
                Client::Network(address),
            ))),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Attempt::Nobody),
            Err(error) => match Errno::from_io_error(&error) {
                Some(number) if is_exhaustion(number) => Ok(Attempt::Exhausted(error)),
                Some(number) if is_of_the_client(number) => continue,
                _ => Err(error),
            },
        };
    }
}

/// No descriptor or memory is left, for now.
pub(super) const fn is_exhaustion(number: Errno) -> bool {
    matches!(
        number,
        Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM
    )
}

/// The client left while it waited, or the network under it did: no fault of the listener (`accept(2)`).
const fn is_of_the_client(number: Errno) -> bool {
    matches!(
        number,
        Errno::CONNABORTED
            | Errno::NETDOWN
            | Errno::PROTO
            | Errno::HOSTDOWN
            | Errno::NONET
            | Errno::HOSTUNREACH
            | Errno::OPNOTSUPP
            | Errno::NETUNREACH
            | Errno::PERM
            | Errno::NOPROTOOPT
            | Errno::INTR
    )
}

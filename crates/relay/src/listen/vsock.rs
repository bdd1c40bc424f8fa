//! `vsock:cid:port`

use std::io;

use rustix::io::Errno;
use socket2::{Domain, SockAddr, Socket, Type};
use sockeye_address::VsockAddress;

use super::Incoming;
use super::door::{Attempt, Door};
use super::tcp::{BACKLOG_CLIENTS, is_exhaustion};
use crate::end::socket::Speech;
use crate::event::Client;

pub(super) fn open(address: &VsockAddress) -> io::Result<Door> {
    let backlog = address.options.backlog.unwrap_or(BACKLOG_CLIENTS);
    let socket = Socket::new(Domain::VSOCK, Type::STREAM, None)?;
    socket.bind(&SockAddr::vsock(address.cid, address.port))?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    Ok(Door::Vsock(socket))
}

pub(super) fn accept(listener: &Socket) -> io::Result<Attempt> {
    loop {
        return match listener.accept() {
            Ok((socket, address)) => {
                let (context, port) = address.as_vsock_address().unwrap_or_default();
                let client = Client::Vsock(context, port);
                let incoming = Incoming::unknown(socket.into(), Speech::Bytes, client);
                Ok(Attempt::Client(incoming))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Attempt::Nobody),
            Err(error) => match Errno::from_io_error(&error) {
                Some(number) if is_exhaustion(number) => Ok(Attempt::Exhausted(error)),
                Some(Errno::CONNABORTED | Errno::CONNRESET | Errno::INTR) => continue,
                _ => Err(error),
            },
        };
    }
}

//! `vsock:cid:port`

use std::io;

use rustix::io::Errno;
use socket2::{Domain, SockAddr, Socket, Type};
use sockeye_address::VsockAddress;
use tokio::io::Interest;

use super::Reached;
use crate::end::socket::Speech;
use crate::end::watch::watch;

pub(super) async fn connect(address: &VsockAddress) -> io::Result<Reached> {
    let socket = Socket::new(Domain::VSOCK, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    match socket.connect(&SockAddr::vsock(address.cid, address.port)) {
        Ok(()) => {}
        Err(error) if Errno::from_io_error(&error) == Some(Errno::INPROGRESS) => {
            let watched = watch(
                rustix::io::fcntl_dupfd_cloexec(&socket, 3)?,
                Interest::WRITABLE,
            )?;
            watched.writable().await?.retain_ready();
            if let Some(error) = socket.take_error()? {
                return Err(error);
            }
        }
        Err(error) => return Err(error),
    }
    Ok(Reached::socket(socket, Speech::Bytes))
}

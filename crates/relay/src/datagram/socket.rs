//! What is different about Unix and UDP.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::io::{Errno, FdFlags};
use rustix::net::{Shutdown, sockopt};
use socket2::{Domain, Protocol, Type};
use sockeye_address::NetworkAddress;
use sockeye_socket::{BindOptions, Custody, Datagram, Life, Name};
use tokio::io::Interest;

use super::Message;
use super::sender::Place;
use crate::end::watch::watch;
use crate::event::Client;

/// More than fits into one UDP datagram.
const UDP_BUFFER_BYTES: usize = 64 * 1024;

/// As much may be under way to all who are answered, and, by UDP, wait to be received. The kernel gives less where less
/// is allowed (`net.core.wmem_max`, `net.core.rmem_max`).
const KERNEL_QUEUE_BYTES: usize = 4 * 1024 * 1024;

/// So often a receiver whose queue is full is tried again at once, when others of this thread have had their turn.
const SPINS: u32 = 16;
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(16);

/// A message and whom it is from.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) client: Client,
    pub(super) message: Message,
}

/// What was in the kernel's queue.
#[derive(Debug)]
pub(super) enum Found {
    Letter(Letter),
    /// Somebody else received what was looked at: it is lost.
    Cut,
    Nothing,
}

/// A socket that receives from anybody and does not wait.
#[derive(Debug)]
pub(super) enum Socket {
    Unix(Datagram),
    Udp {
        socket: UdpSocket,
        buffer: Box<[u8]>,
    },
}

impl Socket {
    pub(super) fn bind_unix(
        name: &Name,
        options: &BindOptions,
    ) -> Result<Self, sockeye_socket::Error> {
        Socket::unix(Datagram::bind(name, options)?)
    }

    pub(super) fn adopt_unix(fd: OwnedFd, custody: Custody) -> Result<Self, sockeye_socket::Error> {
        Socket::unix(Datagram::adopt(fd, custody, &Life::default())?)
    }

    fn unix(inbox: Datagram) -> Result<Self, sockeye_socket::Error> {
        inbox.ask_for_credentials()?;
        inbox.set_nonblocking(true)?;
        // What it is without is enough, only slower.
        let _ = sockopt::set_socket_send_buffer_size(&inbox, KERNEL_QUEUE_BYTES);
        Ok(Socket::Unix(inbox))
    }

    pub(super) fn bind_udp(network: &NetworkAddress) -> io::Result<Self> {
        let everywhere = network.place.host.is_empty();
        let host = if everywhere {
            "::"
        } else {
            &network.place.host
        };
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for place in (host, network.place.port).to_socket_addrs()? {
            let bound = bind_udp(place, everywhere);
            match bound {
                Ok(socket) => return Socket::udp(socket),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    pub(super) fn adopt_udp(fd: OwnedFd) -> io::Result<Self> {
        rustix::io::fcntl_setfd(&fd, FdFlags::CLOEXEC)?;
        Socket::udp(UdpSocket::from(fd))
    }

    fn udp(socket: UdpSocket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let _ = sockopt::set_socket_send_buffer_size(&socket, KERNEL_QUEUE_BYTES);
        let _ = sockopt::set_socket_recv_buffer_size(&socket, KERNEL_QUEUE_BYTES);
        let buffer = vec![0; UDP_BUFFER_BYTES].into_boxed_slice();
        Ok(Socket::Udp { socket, buffer })
    }

    /// The way back, which lasts as long as a session has it.
    pub(super) fn outlet(&self) -> io::Result<Outlet> {
        match self {
            Socket::Unix(inbox) => {
                let again = rustix::io::fcntl_dupfd_cloexec(inbox, 3)?;
                let outlet = Datagram::adopt(again, Custody::Theirs, &Life::default())?;
                Ok(Outlet::Unix(outlet))
            }
            Socket::Udp { socket, .. } => Ok(Outlet::Udp(socket.try_clone()?)),
        }
    }

    /// Takes the next message.
    pub(super) fn take(&mut self) -> io::Result<Found> {
        let answer = match self {
            Socket::Unix(inbox) => take_unix(inbox).map_err(io::Error::from),
            Socket::Udp { socket, buffer } => take_udp(socket, buffer),
        };
        match answer {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Found::Nothing),
            answer => answer,
        }
    }

    /// Gives the socket away; a file stays where it is.
    pub(super) fn hand_over(self) -> OwnedFd {
        match self {
            Socket::Unix(inbox) => inbox.hand_over(),
            Socket::Udp { socket, .. } => socket.into(),
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Socket::Unix(inbox) => inbox.as_fd(),
            Socket::Udp { socket, .. } => socket.as_fd(),
        }
    }
}

fn bind_udp(place: SocketAddr, everywhere: bool) -> io::Result<UdpSocket> {
    let socket =
        socket2::Socket::new(Domain::for_address(place), Type::DGRAM, Some(Protocol::UDP))?;
    if place.is_ipv6() && everywhere {
        socket.set_only_v6(false)?;
    }
    socket.bind(&place.into())?;
    Ok(socket.into())
}

/// A Unix datagram is as long as its sender's buffers allow, so its length is asked for before.
fn take_unix(inbox: &Datagram) -> Result<Found, sockeye_socket::Error> {
    let mut data = vec![0; inbox.next_length_bytes()?];
    let (message, credentials) = inbox.receive_told(&mut data)?;
    if message.is_cut() {
        return Ok(Found::Cut);
    }
    data.truncate(message.length_bytes);
    Ok(Found::Letter(Letter {
        client: Client::Unix {
            name: message.sender,
            credentials,
        },
        message: Message {
            data,
            descriptors: message.descriptors,
            descriptors_lost: message.descriptors_lost,
            lost_before: 0,
        },
    }))
}

fn take_udp(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<Found> {
    let (length_bytes, sender) = socket.recv_from(buffer)?;
    Ok(Found::Letter(Letter {
        client: Client::Network(sender),
        message: Message {
            data: buffer.get(..length_bytes).unwrap_or_default().to_vec(),
            descriptors: Vec::new(),
            descriptors_lost: false,
            lost_before: 0,
        },
    }))
}

/// Where answers go out: the socket that was asked.
#[derive(Debug)]
pub(super) enum Outlet {
    Unix(Datagram),
    Udp(UdpSocket),
}

impl Outlet {
    pub(super) async fn send(
        &self,
        data: &[u8],
        descriptors: &[OwnedFd],
        to: &Place,
    ) -> io::Result<()> {
        match (self, to) {
            (Outlet::Unix(outlet), Place::Unix(name)) => {
                answer_unix(outlet, data, descriptors, name).await
            }
            (Outlet::Udp(_), Place::Network(_)) if !descriptors.is_empty() => {
                Err(io::ErrorKind::Unsupported.into())
            }
            (Outlet::Udp(outlet), Place::Network(address)) => {
                answer_udp(outlet, data, *address).await
            }
            _ => Err(Errno::AFNOSUPPORT.into()),
        }
    }

    /// Whoever sends a Unix datagram to it from now on fails at once, and does not wait for nobody.
    pub(super) fn refuse_more(&self) {
        if let Outlet::Unix(outlet) = self {
            let _ = rustix::net::shutdown(outlet, Shutdown::Read);
        }
    }
}

/// When a receiver that this socket is not connected to takes something, the kernel tells nobody (`unix_dgram_poll`,
/// `net/unix/af_unix.c`, looks at the queue of a connected peer only). Nor can another socket be connected to a receiver
/// that is connected to this one (`unix_may_send`). So it is tried again, less and less often.
async fn answer_unix(
    outlet: &Datagram,
    data: &[u8],
    descriptors: &[OwnedFd],
    name: &Name,
) -> io::Result<()> {
    let mut attempts = 0;
    let mut pause = SHORTEST_PAUSE;
    loop {
        match outlet.send_message_to(data, descriptors, name) {
            Err(error) if error.would_block() => {}
            answer => return answer.map_err(io::Error::from),
        }
        attempts += 1;
        if attempts <= SPINS {
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

async fn answer_udp(outlet: &UdpSocket, data: &[u8], to: SocketAddr) -> io::Result<()> {
    match outlet.send_to(data, to) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
        answer => return answer.map(drop),
    }
    let watched = watch(outlet.try_clone()?.into(), Interest::WRITABLE)?;
    loop {
        let mut ready = watched.writable().await?;
        match outlet.send_to(data, to) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready.clear_ready(),
            answer => return answer.map(drop),
        }
    }
}

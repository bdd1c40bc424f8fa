//! `udp:host:port`

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use sockeye_address::NetworkAddress;
use tokio::net::UdpSocket;

use super::Reached;
use super::tcp::host;
use crate::end::socket::Speech;

/// The longest message: what IPv4 has room for, less the headers of IP and UDP.
pub(crate) const LONGEST_BYTES: usize = 65_535 - 20 - 8;

/// A buffer of so many bytes has room for any message.
pub(crate) const BUFFER_BYTES: usize = 64 * 1024;

/// Looks the host up and takes the first of its addresses to which there is a way. That somebody is there is not known.
pub(super) async fn connect(network: &NetworkAddress) -> io::Result<Reached> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for place in tokio::net::lookup_host((host(network), network.place.port)).await? {
        match connect_to(place).await {
            Ok(socket) => return Ok(Reached::socket(socket, Speech::Datagrams)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn connect_to(place: SocketAddr) -> io::Result<OwnedFd> {
    let anywhere: SocketAddr = match place {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(anywhere).await?;
    socket.connect(place).await?;
    Ok(socket.into_std()?.into())
}

/// Sends one message. What the network says about earlier ones (nobody receives there, there is no way) is given to
/// `tell` and does not keep this one from being sent.
///
/// # Errors
/// `EMSGSIZE` for a message over [`LONGEST_BYTES`], which is an error of this message only. `EAGAIN` when there is no
/// room.
pub(crate) fn put(
    socket: BorrowedFd<'_>,
    data: &[u8],
    tell: &mut dyn FnMut(Errno),
) -> Result<(), Errno> {
    if data.len() > LONGEST_BYTES {
        return Err(Errno::MSGSIZE);
    }
    // A send that fails by an earlier message has not sent its own. There is one such error at a time.
    match send_one(socket, data) {
        Err(number) if is_news(number) => tell(number),
        answer => return answer,
    }
    match send_one(socket, data) {
        Err(number) if is_news(number) => {
            tell(number);
            Ok(())
        }
        answer => answer,
    }
}

fn send_one(socket: BorrowedFd<'_>, data: &[u8]) -> Result<(), Errno> {
    send(socket, data, SendFlags::DONTWAIT | SendFlags::NOSIGNAL).map(drop)
}

/// Receives one message into a buffer of [`BUFFER_BYTES`] and answers how long it is. What the network says about those
/// that were sent is given to `tell`.
///
/// # Errors
/// `EAGAIN` when there is none.
pub(crate) fn take(
    socket: BorrowedFd<'_>,
    buffer: &mut [u8],
    tell: &mut dyn FnMut(Errno),
) -> Result<usize, Errno> {
    loop {
        match recv(socket, &mut *buffer, RecvFlags::DONTWAIT) {
            Ok((length_bytes, _)) => return Ok(length_bytes),
            Err(number) if is_news(number) => tell(number),
            Err(number) => return Err(number),
        }
    }
}

/// Whether an error is what the network says about an earlier message (ICMP, `udp(7)`).
fn is_news(number: Errno) -> bool {
    matches!(
        number,
        Errno::CONNREFUSED
            | Errno::HOSTUNREACH
            | Errno::NETUNREACH
            | Errno::HOSTDOWN
            | Errno::PROTO
            | Errno::NOPROTOOPT
            | Errno::ACCESS
    )
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::os::fd::AsFd as _;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::*;

    async fn connected(port: u16) -> OwnedFd {
        connect_to((Ipv4Addr::LOCALHOST, port).into())
            .await
            .unwrap()
    }

    fn wait_for(socket: &OwnedFd) {
        let mut watched = [PollFd::new(socket, PollFlags::IN)];
        let deadline = Timespec {
            tv_sec: 30,
            tv_nsec: 0,
        };
        assert_eq!(poll(&mut watched, Some(&deadline)), Ok(1));
    }

    #[tokio::test]
    async fn messages_of_all_sizes_go_and_come_whole() {
        let server = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
        let client = connected(server.local_addr().unwrap().port()).await;
        let mut buffer = vec![0; BUFFER_BYTES];
        let quiet = &mut |number| panic!("{number} was told");
        for length in [0, 1, 1500, 60_000, LONGEST_BYTES] {
            let data = vec![7; length];
            put(client.as_fd(), &data, quiet).unwrap();
            let (received, from) = server.recv_from(&mut buffer).unwrap();
            server.send_to(&buffer[..received], from).unwrap();
            wait_for(&client);
            assert_eq!(take(client.as_fd(), &mut buffer, quiet), Ok(length));
            assert_eq!(buffer[..length], data);
        }
        let too_long = vec![7; LONGEST_BYTES + 1];
        assert_eq!(put(client.as_fd(), &too_long, quiet), Err(Errno::MSGSIZE));
        let nothing = take(client.as_fd(), &mut buffer, quiet);
        assert_eq!(nothing, Err(Errno::AGAIN));
    }

    #[tokio::test]
    async fn that_nobody_receives_is_told_and_later_messages_arrive() {
        let server = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
        let place = server.local_addr().unwrap();
        let client = connected(place.port()).await;
        drop(server);
        let mut told = Vec::new();
        put(client.as_fd(), b"one", &mut |number| told.push(number)).unwrap();
        wait_for(&client);
        let mut buffer = vec![0; BUFFER_BYTES];
        let answer = take(client.as_fd(), &mut buffer, &mut |number| told.push(number));
        assert_eq!(answer, Err(Errno::AGAIN));
        assert_eq!(told, [Errno::CONNREFUSED]);
        put(client.as_fd(), b"two", &mut |number| told.push(number)).unwrap();
        wait_for(&client);
        // The refusal of the second waits when the third is sent, and does not keep it.
        let server = UdpSocket::bind(place).unwrap();
        put(client.as_fd(), b"three", &mut |number| told.push(number)).unwrap();
        assert_eq!(told, [Errno::CONNREFUSED, Errno::CONNREFUSED]);
        let (length, _) = server.recv_from(&mut buffer).unwrap();
        assert_eq!(buffer[..length], *b"three");
    }
}

//! What goes to an end.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::sockopt;
use tokio::io::{AsyncWriteExt as _, WriteHalf};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

use super::socket::{Room, Speech};
use crate::datagram::Session;
use crate::pump::{Broken, Flow, Identity, passed};
use crate::target::udp;
use crate::tls::PeerError;

/// What goes to an end.
pub(crate) enum Writer<'a> {
    Socket(Room<'a>),
    Tls(&'a mut WriteHalf<TlsStream<TcpStream>>),
    Session(&'a Session),
}

impl Writer<'_> {
    /// Sends all bytes, or one message, with descriptors passed with the first byte.
    pub(crate) async fn send(
        &mut self,
        bytes: &[u8],
        descriptors: Vec<OwnedFd>,
        flow: &Flow<'_>,
    ) -> Result<(), Broken> {
        match self {
            Writer::Socket(room) if room.socket().speech().has_messages() => {
                let sent = send_message(room, bytes, &descriptors, flow).await;
                room.rest();
                pass_over(sent, flow)
            }
            Writer::Socket(room) => send_bytes(room, bytes, descriptors, flow.identity()).await,
            Writer::Tls(stream) => {
                let send = async {
                    stream.write_all(bytes).await?;
                    stream.flush().await
                };
                send.await
                    .map_err(|error| Broken::SinkTls(PeerError::in_stream(error)))
            }
            Writer::Session(session) => pass_over(session.send(bytes, &descriptors).await, flow),
        }
    }

    /// Tells the peer that nothing more will come, where that can be told.
    pub(crate) async fn end(&mut self) {
        match self {
            Writer::Socket(room) => room.socket().end(),
            // Whoever cannot be told has gone.
            Writer::Tls(stream) => drop(stream.shutdown().await),
            Writer::Session(_) => {}
        }
    }
}

async fn send_bytes(
    room: &mut Room<'_>,
    mut bytes: &[u8],
    mut descriptors: Vec<OwnedFd>,
    identity: Option<Identity>,
) -> Result<(), Broken> {
    while !bytes.is_empty() {
        let sent = room
            .send(|socket| passed::put(socket, bytes, &descriptors, identity))
            .await
            .map_err(Broken::Sink)?;
        descriptors.clear();
        bytes = bytes.get(sent..).unwrap_or_default();
    }
    room.rest();
    Ok(())
}

async fn send_message(
    room: &mut Room<'_>,
    bytes: &[u8],
    descriptors: &[OwnedFd],
    flow: &Flow<'_>,
) -> io::Result<()> {
    if room.socket().speech() == Speech::Datagrams {
        let mut tell = |number: Errno| flow.lost(&number.into());
        return room.send(|socket| udp::put(socket, bytes, &mut tell)).await;
    }
    let identity = flow.identity();
    room.send(
        |socket| match passed::put(socket, bytes, descriptors, identity) {
            Err(Errno::MSGSIZE) if makes_room(socket, bytes.len()) => Err(Errno::INTR), // again
            sent => sent.map(drop),
        },
    )
    .await
}

/// Whoever has sent so long a message has a larger send buffer than sockets come with: the like is asked for. Answers
/// whether there is more room now; the kernel gives `net.core.wmem_max` at most.
fn makes_room(socket: BorrowedFd<'_>, bytes: usize) -> bool {
    let size = || sockopt::socket_send_buffer_size(socket).unwrap_or(0);
    let before = size();
    sockopt::set_socket_send_buffer_size(socket, bytes).is_ok() && size() > before
}

/// A message that is too long, or an answer that cannot be given, fails alone.
fn pass_over(sent: io::Result<()>, flow: &Flow<'_>) -> Result<(), Broken> {
    match sent {
        Err(error)
            if Errno::from_io_error(&error) == Some(Errno::MSGSIZE)
                || error.kind() == io::ErrorKind::AddrNotAvailable =>
        {
            flow.lost(&error);
            Ok(())
        }
        sent => sent.map_err(Broken::Sink),
    }
}

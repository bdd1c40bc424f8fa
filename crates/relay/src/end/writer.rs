//! What goes to an end.

use std::os::fd::OwnedFd;

use rustix::io::Errno;
use tokio::io::{AsyncWriteExt as _, WriteHalf};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

use super::socket::{Room, Speech};
use crate::datagram::Session;
use crate::pump::{Broken, Identity, passed};
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
        identity: Option<Identity>,
    ) -> Result<(), Broken> {
        match self {
            Writer::Socket(room) if room.socket().speech().has_messages() => {
                send_message(room, bytes, &descriptors, identity).await
            }
            Writer::Socket(room) => send_bytes(room, bytes, descriptors, identity).await,
            Writer::Tls(stream) => {
                let send = async {
                    stream.write_all(bytes).await?;
                    stream.flush().await
                };
                send.await
                    .map_err(|error| Broken::SinkTls(PeerError::in_stream(error)))
            }
            Writer::Session(session) => session
                .send(bytes, &descriptors)
                .await
                .map_err(Broken::Sink),
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
    identity: Option<Identity>,
) -> Result<(), Broken> {
    let speech = room.socket().speech();
    let sent = room
        .send(
            |socket| match passed::put(socket, bytes, descriptors, identity) {
                // An earlier message found nobody; this one was not sent for it (udp(7)).
                Err(Errno::CONNREFUSED) if speech == Speech::Datagrams => Ok(0),
                answer => answer,
            },
        )
        .await;
    room.rest();
    sent.map(drop).map_err(Broken::Sink)
}

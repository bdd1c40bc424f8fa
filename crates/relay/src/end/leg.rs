//! An end of a connection, whatever it is.

use std::future::pending;
use std::time::Duration;

use tokio::io::{ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

use super::socket::{Room, Socket, Speech};
use super::{Reader, Writer};
use crate::datagram::Session;
use crate::event::Client;

/// An end of a connection.
pub(crate) enum Leg {
    /// A connected socket.
    Socket(Socket),
    /// TLS over TCP.
    Tls(Box<TlsStream<TcpStream>>),
    /// Messages from and to one sender.
    Session(Session),
}

/// An end, taken apart into its directions.
pub(crate) enum Halves {
    Socket(Socket),
    Tls(
        ReadHalf<TlsStream<TcpStream>>,
        WriteHalf<TlsStream<TcpStream>>,
    ),
    Session(Session),
}

/// An end to be used from both its directions.
pub(crate) struct Parts<'a> {
    /// What comes from it.
    pub(crate) reader: Reader<'a>,
    /// What goes to it.
    pub(crate) writer: Writer<'a>,
    /// To wait for its hang-up, where that can be told.
    pub(crate) socket: Option<&'a Socket>,
    /// To ask whether it may end.
    pub(crate) session: Option<&'a Session>,
}

impl Leg {
    pub(crate) fn has_messages(&self) -> bool {
        match self {
            Leg::Socket(socket) => socket.speech().has_messages(),
            Leg::Tls(_) => false,
            Leg::Session(_) => true,
        }
    }

    pub(crate) fn passes_descriptors(&self) -> bool {
        match self {
            Leg::Socket(socket) => socket.speech().passes_descriptors(),
            Leg::Tls(_) => false,
            Leg::Session(session) => matches!(session.client(), Client::Unix { .. }),
        }
    }

    /// The socket, if bytes are all that it speaks.
    pub(crate) fn byte_socket(&self) -> Option<&Socket> {
        match self {
            Leg::Socket(socket) if !socket.speech().has_messages() => Some(socket),
            _ => None,
        }
    }

    /// Waits until the peer has closed altogether and nothing that it sent is left to be received.
    pub(crate) async fn has_left(&self) {
        match self {
            Leg::Socket(socket) if socket.speech().ends() => {
                socket.hung_up().await;
                if socket.has_queued() {
                    pending::<()>().await;
                }
            }
            _ => pending().await,
        }
    }

    pub(crate) fn halves(self) -> Halves {
        match self {
            Leg::Socket(socket) => Halves::Socket(socket),
            Leg::Tls(stream) => {
                let (reader, writer) = tokio::io::split(*stream);
                Halves::Tls(reader, writer)
            }
            Leg::Session(session) => Halves::Session(session),
        }
    }
}

impl Halves {
    pub(crate) fn borrow(&mut self) -> Parts<'_> {
        match self {
            Halves::Socket(socket) => {
                let socket = &*socket;
                Parts {
                    reader: Reader::Socket(socket),
                    writer: Writer::Socket(Room::of(socket)),
                    socket: socket.speech().ends().then_some(socket),
                    session: None,
                }
            }
            Halves::Tls(reader, writer) => Parts {
                reader: Reader::Tls(reader),
                writer: Writer::Tls(writer),
                socket: None,
                session: None,
            },
            Halves::Session(session) => {
                let session = &*session;
                Parts {
                    reader: Reader::Session(session),
                    writer: Writer::Session(session),
                    socket: None,
                    session: Some(session),
                }
            }
        }
    }

    /// Makes closing it a reset for its peer: see [`reset_at_close`].
    pub(crate) async fn reset_at_close(&self) {
        if let Halves::Socket(socket) = self {
            reset_at_close(socket).await;
        }
    }
}

/// So long is waited for something to leave unread.
const UNREAD: Duration = Duration::from_millis(100);

/// Makes closing it a reset for its peer, as far as its kind can. TCP sends RST; of a Unix socket it is one when
/// something that the peer sent is unread (`unix_release_sock`, `net/unix/af_unix.c`), so that is waited for, a
/// little. To be called when nobody receives from it any more.
pub(crate) async fn reset_at_close(socket: &Socket) {
    if socket.speech() == Speech::Bytes {
        socket.reset_at_close();
    } else if socket.speech().ends() {
        // A peer that sends nothing sees an end.
        let _ = tokio::time::timeout(UNREAD, socket.queued()).await;
    }
}

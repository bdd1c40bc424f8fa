//! What comes from an end.

use std::cell::RefCell;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::pin::Pin;
use std::task::{Poll, ready};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionread};
use rustix::net::{RecvFlags, recv};
use tokio::io::{AsyncRead as _, ReadBuf, ReadHalf};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

use super::Piece;
use super::socket::{Arrived, Socket, Speech};
use crate::datagram::Session;
use crate::plan::Descriptors;
use crate::pump::passed::{self, Taken};
use crate::pump::{Broken, Flow};
use crate::target::udp;
use crate::tls::PeerError;

/// More is received in several pieces, where there are no messages.
const BUFFER_BYTES: usize = udp::BUFFER_BYTES;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER_BYTES]);
}

/// What comes from an end.
pub(crate) enum Reader<'a> {
    Socket(&'a Socket),
    Tls(&'a mut ReadHalf<TlsStream<TcpStream>>),
    Session(&'a Session),
}

impl Reader<'_> {
    /// Waits for a piece of at most `most_bytes`, or for a message; `None` is the end.
    ///
    /// # Cancel safety
    /// Nothing is lost: what was received is given in the same poll.
    pub(crate) async fn receive(
        &mut self,
        most_bytes: usize,
        flow: &Flow<'_>,
    ) -> Result<Option<Piece>, Broken> {
        match self {
            Reader::Socket(socket) => from_socket(socket, most_bytes, flow).await,
            Reader::Tls(stream) => from_tls(stream, most_bytes).await,
            Reader::Session(session) => Ok(session.receive().await.map(|message| {
                flow.dropped(message.lost_before);
                Piece {
                    bytes: message.data,
                    descriptors: message.descriptors,
                    descriptors_lost: message.descriptors_lost,
                }
            })),
        }
    }
}

/// A piece, or the end.
struct Got {
    piece: Option<Piece>,
    all: bool,
}

impl Arrived for Got {
    fn was_all(&self) -> bool {
        self.all
    }
}

async fn from_socket(
    socket: &Socket,
    most_bytes: usize,
    flow: &Flow<'_>,
) -> Result<Option<Piece>, Broken> {
    let speech = socket.speech();
    let got = socket
        .receive(|fd| {
            BUFFER.with_borrow_mut(|buffer| {
                match speech {
                    Speech::Datagrams => return datagram(fd, buffer, flow),
                    Speech::UnixDatagrams | Speech::UnixSeqpacket => {
                        return message(socket, buffer);
                    }
                    Speech::UnixBytes | Speech::Bytes => {}
                }
                let most_bytes = most_bytes.clamp(1, buffer.len());
                let buffer = &mut buffer[..most_bytes];
                let taken = match (speech, flow.terms.descriptors) {
                    (Speech::Bytes, _) => passed::take_plain(fd, buffer)?,
                    (_, Descriptors::Pass { .. }) => passed::take(fd, buffer)?,
                    (_, Descriptors::Refuse) => passed::take_passed(fd, buffer)?,
                };
                let is_end = taken.length_bytes == 0 && taken.descriptors.is_empty();
                Ok(Got {
                    all: taken.all,
                    piece: (!is_end).then(|| piece(taken, buffer)),
                })
            })
        })
        .await;
    Ok(got.map_err(Broken::Source)?.piece)
}

fn piece(taken: Taken, buffer: &[u8]) -> Piece {
    Piece {
        bytes: buffer[..taken.length_bytes].to_vec(),
        descriptors: taken.descriptors,
        descriptors_lost: taken.descriptors_lost,
    }
}

fn datagram(socket: BorrowedFd<'_>, buffer: &mut [u8], flow: &Flow<'_>) -> Result<Got, Errno> {
    let mut tell = |number: Errno| flow.lost(&number.into());
    let length_bytes = udp::take(socket, buffer, &mut tell)?;
    Ok(Got {
        piece: Some(Piece {
            bytes: buffer[..length_bytes].to_vec(),
            ..Piece::default()
        }),
        all: false,
    })
}

/// Takes one message, or the end.
fn message(socket: &Socket, buffer: &mut Vec<u8>) -> Result<Got, Errno> {
    match next_message(socket, buffer) {
        // The kernel tells it once, before it gives what the peer sent (`__skb_try_recv_datagram`, `net/core/datagram.c`).
        Err(Errno::CONNRESET) if holds_more(socket.as_fd()) => {
            socket.note_reset();
            next_message(socket, buffer)
        }
        answer => answer,
    }
}

/// Takes one message, however long: its length is asked for first.
fn next_message(socket: &Socket, buffer: &mut Vec<u8>) -> Result<Got, Errno> {
    let fd = socket.as_fd();
    let peek = RecvFlags::PEEK | RecvFlags::TRUNC | RecvFlags::DONTWAIT;
    let (_, length_bytes) = recv(fd, &mut buffer[..0], peek)?;
    if length_bytes > buffer.len() {
        buffer.resize(length_bytes, 0);
    }
    let taken = passed::take_passed(fd, buffer)?;
    if buffer.len() > BUFFER_BYTES {
        let got = piece(taken, buffer);
        buffer.truncate(BUFFER_BYTES);
        buffer.shrink_to_fit();
        return Ok(Got {
            piece: Some(got),
            all: false,
        });
    }
    let is_end = taken.length_bytes == 0
        && taken.descriptors.is_empty()
        && socket.speech() == Speech::UnixSeqpacket
        && has_ended(fd);
    if is_end && socket.was_reset() {
        return Err(Errno::CONNRESET);
    }
    Ok(Got {
        piece: (!is_end).then(|| piece(taken, buffer)),
        all: false,
    })
}

/// Whether a seqpacket socket has anything but empty messages in its queue.
fn holds_more(socket: BorrowedFd<'_>) -> bool {
    ioctl_fionread(socket).is_ok_and(|bytes| bytes > 0)
}

/// Whether the peer of a seqpacket socket says no more: then nothing is the end, and no empty message. Empty messages
/// that are the last that a peer sends cannot be told from it.
fn has_ended(socket: BorrowedFd<'_>) -> bool {
    let mut watched = [PollFd::from_borrowed_fd(socket, PollFlags::RDHUP)];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    matches!(poll(&mut watched, Some(&now)), Ok(1)) && !holds_more(socket)
}

async fn from_tls(
    stream: &mut ReadHalf<TlsStream<TcpStream>>,
    most_bytes: usize,
) -> Result<Option<Piece>, Broken> {
    std::future::poll_fn(|context| {
        BUFFER.with_borrow_mut(|buffer| {
            let most_bytes = most_bytes.clamp(1, buffer.len());
            let mut space = ReadBuf::new(&mut buffer[..most_bytes]);
            let answer = ready!(Pin::new(&mut *stream).poll_read(context, &mut space));
            Poll::Ready(answer.map(|()| space.filled().to_vec()))
        })
    })
    .await
    .map(|bytes| {
        (!bytes.is_empty()).then(|| Piece {
            bytes,
            ..Piece::default()
        })
    })
    .map_err(|error| Broken::SourceTls(PeerError::in_stream(error)))
}

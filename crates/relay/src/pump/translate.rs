//! Messages in bytes, and back: what a source gives, made fit for a sink.

use std::collections::VecDeque;

use super::{Broken, Flow, Refused};
use crate::end::{Piece, Reader};
use crate::framing::{Decoder, Framing, encode};

/// How what is received becomes what is sent.
pub(crate) enum Translation {
    /// As it is.
    None,
    /// Messages become framed bytes.
    Frame(Framing),
    /// Framed bytes become messages.
    Unframe {
        decoder: Box<Decoder>,
        messages: VecDeque<Vec<u8>>,
    },
}

/// No message of a Unix socket is longer than what may be under way to it, which is less as a rule.
const MOST_MESSAGE_BYTES: usize = 1 << 20;

impl Translation {
    /// From a source to a sink, of which each has messages or not.
    pub(crate) fn between(source: bool, sink: bool, framing: Option<Framing>) -> Self {
        match (source, sink, framing) {
            (true, false, Some(framing)) => Translation::Frame(framing),
            (false, true, Some(framing)) => Translation::Unframe {
                decoder: Box::new(Decoder::new(framing, MOST_MESSAGE_BYTES)),
                messages: VecDeque::new(),
            },
            _ => Translation::None,
        }
    }

    /// Waits for the next piece that can be sent; `None` is the end.
    ///
    /// # Cancel safety
    /// Nothing is lost: what was received stays in here until it is whole.
    pub(crate) async fn next(
        &mut self,
        reader: &mut Reader<'_>,
        most_bytes: usize,
        flow: &Flow<'_>,
    ) -> Result<Option<Piece>, Broken> {
        loop {
            if let Translation::Unframe { messages, .. } = self
                && let Some(bytes) = messages.pop_front()
            {
                return Ok(Some(Piece {
                    bytes,
                    ..Piece::default()
                }));
            }
            if flow.has_ended() {
                return Ok(None);
            }
            let received = reader.receive(most_bytes, flow).await?;
            match &received {
                Some(piece) => {
                    flow.passes(piece.bytes.len());
                    flow.show(&piece.bytes, piece.descriptors.len());
                    flow.admit(&piece.descriptors, piece.descriptors_lost)?;
                }
                None => flow.end(),
            }
            match self {
                Translation::None => return Ok(received),
                Translation::Frame(framing) => return framed(*framing, received),
                Translation::Unframe { decoder, messages } => {
                    refuse_descriptors(received.as_ref())?;
                    unframe(decoder, messages, received).map_err(Broken::Framing)?;
                }
            }
        }
    }
}

fn framed(framing: Framing, received: Option<Piece>) -> Result<Option<Piece>, Broken> {
    let Some(piece) = received else {
        return Ok(None);
    };
    let mut bytes = Vec::with_capacity(piece.bytes.len() + 4);
    encode(framing, &piece.bytes, &mut bytes).map_err(Broken::Framing)?;
    Ok(Some(Piece { bytes, ..piece }))
}

/// Which of the messages in a piece they belong to, or in pieces to come, nobody has said.
fn refuse_descriptors(received: Option<&Piece>) -> Result<(), Broken> {
    match received.map_or(0, |piece| piece.descriptors.len()) {
        0 => Ok(()),
        count => Err(Broken::Descriptors(Refused::NotPassed { count })),
    }
}

fn unframe(
    decoder: &mut Decoder,
    messages: &mut VecDeque<Vec<u8>>,
    received: Option<Piece>,
) -> Result<(), crate::framing::FramingError> {
    match received {
        Some(piece) => {
            decoder.push(&piece.bytes);
            for message in decoder.by_ref() {
                messages.push_back(message?);
            }
        }
        None => {
            if let Some(message) = decoder.finish() {
                messages.push_back(message?);
            }
        }
    }
    Ok(())
}

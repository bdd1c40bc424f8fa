//! What is rare, in words.

use std::io;

use sockeye_address::escape::escape;
use sockeye_relay::event::ConnectionId;
use sockeye_relay::{Direction, Event, ssh};

use super::super::ending::chain;
use super::super::quantity::span;
use super::super::resolve::bare;
use super::What;

/// What is told as a notice, if it is told at all.
pub(super) fn notice(rare: &Event<'_>) -> Option<What> {
    let (event, text) = match rare {
        Event::Lost {
            connection,
            direction,
            count,
            error,
        } => ("lost", lost(*connection, *direction, *count, *error)),
        Event::Ssh { target, notice } => {
            ("ssh", format!("{}: {}", bare(target), ssh_words(notice)))
        }
        _ => return None,
    };
    Some(What::Notice { event, text })
}

fn lost(
    connection: ConnectionId,
    direction: Direction,
    count: u64,
    error: Option<&io::Error>,
) -> String {
    let why = match error {
        Some(error) => error.to_string(),
        None => "they came faster than they could be passed on".to_owned(),
    };
    let way = direction.word();
    format!("#{connection} messages lost {way}: {count}: {why}")
}

fn ssh_words(notice: &ssh::Notice<'_>) -> String {
    match notice {
        ssh::Notice::Up => "the session is up".to_owned(),
        ssh::Notice::Down(failure, next) => {
            format!("{}, next attempt in {}", chain(*failure), span(*next))
        }
        ssh::Notice::Refused(words) | ssh::Notice::Said(words) => escape(words.as_bytes(), ""),
        _ => "?".to_owned(),
    }
}

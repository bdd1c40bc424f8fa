//! How a connection ended, for the log.

use std::error::Error as StdError;

use sockeye_relay::event::End;
use sockeye_relay::{Direction, Refused};

/// How a connection ended.
#[derive(Debug, Clone)]
pub(super) struct Ending {
    /// For programs.
    pub word: &'static str,
    /// For people.
    pub text: String,
    /// Whether it ended for another reason than the wish of its ends, or of who runs the relay.
    pub failed: bool,
}

impl Ending {
    pub(super) fn of(end: &End) -> Self {
        let (word, text) = told(end);
        Ending {
            word,
            text,
            failed: end.is_failure(),
        }
    }
}

fn told(end: &End) -> (&'static str, String) {
    match end {
        End::Refused => ("refused", "refused".into()),
        End::Complete => ("complete", "complete".into()),
        End::Silent => ("complete", "nothing more came".into()),
        End::HungUp(who) => {
            // Most clients leave when they have their answer, and never half-close: no word of reproach.
            ("hung_up", format!("{} left", side(*who)))
        }
        End::Reset(who) => ("reset", format!("{} reset it", side(*who))),
        End::Idle => ("idle", "nothing moved for too long".into()),
        End::Descriptors(who, refused) => ("descriptors", descriptors(*who, *refused)),
        End::NoTarget => ("no_target", "no target could be connected to".into()),
        End::Unframed => (
            "unframed",
            "one end has messages, the other has not: --framing says how to tell them apart".into(),
        ),
        End::Fault => ("fault", "a fault that was asked for".into()),
        End::Stopped => ("stopped", "the relay stopped".into()),
        End::Cut => ("cut", "cut by whoever runs the relay".into()),
        End::Tls(who, error) => ("tls", format!("TLS with {}: {}", side(*who), chain(error))),
        End::Framing(who, error) => {
            let text = format!("framing of {}: {}", side(*who), chain(error.as_ref()));
            ("framing", text)
        }
        End::Failed(error) => ("failed", chain(error)),
        _ => ("other", "another reason".into()),
    }
}

fn descriptors(who: Direction, refused: Refused) -> String {
    let side = side(who);
    match refused {
        Refused::NotPassed { count } => {
            format!("{side} passed {count} descriptors, which cannot go on here")
        }
        Refused::TooMany { count, most } => {
            format!("{side} passed {count} descriptors with one message, {most} may be")
        }
        Refused::Lost => {
            format!("{side} passed descriptors, and this process could take no more")
        }
    }
}

/// Who speaks in a direction.
const fn side(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "the client",
        Direction::Down => "the target",
    }
}

/// An error with all its causes, in one line.
pub(super) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    // What came from outside is escaped by whoever put it in; a line stays a line all the same.
    text.replace(['\n', '\r'], " ")
}

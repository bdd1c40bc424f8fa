//! A line of the log for people.

use std::fmt::Write as _;

use sockeye_address::Name;
use sockeye_privilege::Names;
use sockeye_relay::event::Client;

use super::{Line, What, Who};
use crate::verbs::relay::quantity::{count, size, span, stamp};

/// Adds the line to `text`; some things are worth none.
pub(super) fn write(text: &mut String, line: &Line, several: bool, names: &mut Names) {
    // What is about the relay as a whole is a notice; what is about a client is dated.
    let relay = line.relay.as_deref().unwrap_or_default();
    let _ = match &line.what {
        What::Ready { listen, targets } => {
            writeln!(
                text,
                "sockeye: relay {listen} -> {}: ready",
                targets.join(" ")
            )
        }
        What::Summary(totals) => writeln!(text, "sockeye: relay {relay}: {totals}"),
        What::Notice { text: notice, .. } => writeln!(text, "sockeye: {notice}"),
        _ => {
            let Some(told) = told(&line.what, names) else {
                return;
            };
            let moment = stamp(line.moment);
            if several {
                writeln!(text, "{moment} {relay} {told}")
            } else {
                writeln!(text, "{moment} {told}")
            }
        }
    };
}

fn told(what: &What, names: &mut Names) -> Option<String> {
    Some(match what {
        What::Accepted { who } => {
            // No line, but the process may be gone when there is one.
            who.peer(names);
            return None;
        }
        What::Refused { who, reason } => format!("{} refused: {reason}", shown(who, names)),
        What::Connected { who, target, took } => {
            format!(
                "{} -> {target} connected in {}",
                shown(who, names),
                span(*took)
            )
        }
        What::TargetFailed { who, error, .. } => format!("{} {error}", shown(who, names)),
        What::Ended {
            who,
            target,
            bytes: (up, down),
            lasted,
            ending,
        } => {
            let target = target
                .as_deref()
                .map(|target| format!(" -> {target}"))
                .unwrap_or_default();
            format!(
                "{}{target} ended after {}, {} up, {} down: {}",
                shown(who, names),
                span(*lasted),
                size(*up),
                size(*down),
                ending.text
            )
        }
        What::Exhausted { error } => {
            format!("clients wait in the queue, none can be accepted: {error}")
        }
        What::Draining { connections } => format!(
            "no more clients are accepted, {} may finish",
            count(*connections, "connection")
        ),
        What::Ready { .. } | What::Summary(_) | What::Notice { .. } => return None,
    })
}

/// `#1 psql[4242] uid 1000 (ada)`
fn shown(who: &Who, names: &mut Names) -> String {
    let number = who.number;
    match &who.client {
        Client::Unix { name, .. } => {
            let peer = who.peer(names);
            match name {
                Name::Unnamed => peer.to_string(),
                name => format!("{peer} at {name}"),
            }
        }
        Client::Local => format!("#{number}"),
        other => format!("#{number} {other}"),
    }
}

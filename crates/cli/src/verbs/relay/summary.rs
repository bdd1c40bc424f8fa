//! All that a relay did, told at its end.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use sockeye_relay::event::End;
use sockeye_relay::{Event, Observer};

use super::ending::{Ending, chain};
use super::quantity::{count, size, span};

/// Counts what one relay does.
#[derive(Debug)]
pub(super) struct Tally {
    began: Instant,
    totals: Mutex<Totals>,
    /// Why the last connection that failed did.
    failure: Mutex<Option<String>>,
}

/// All that a relay did.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Totals {
    /// Clients that were let in.
    clients: u64,
    refused: u64,
    /// Connections that ended for another reason than the wish of their ends.
    failed: u64,
    up_bytes: u64,
    down_bytes: u64,
    /// From the start of the relay.
    seconds: f64,
    longest: Option<Longest>,
}

/// The connection that lasted longest.
#[derive(Debug, Clone, Copy, Serialize)]
struct Longest {
    connection: u64,
    seconds: f64,
}

impl Tally {
    pub(super) fn new() -> Self {
        Tally {
            began: Instant::now(),
            totals: Mutex::default(),
            failure: Mutex::default(),
        }
    }

    /// Why the last connection that failed did.
    pub(super) fn failure(&self) -> Option<String> {
        let failure = self.failure.lock();
        failure.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn failed(&self, why: String) {
        let failure = self.failure.lock();
        *failure.unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    /// What was counted so far.
    pub(super) fn totals(&self) -> Totals {
        let totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        Totals {
            seconds: self.began.elapsed().as_secs_f64(),
            ..totals.clone()
        }
    }
}

impl Observer for Tally {
    fn observe(&self, _: &str, event: &Event<'_>) {
        match event {
            Event::TargetFailed { error, .. } => self.failed(chain(*error)),
            // That there is no target says less than what the targets said.
            Event::Ended { report, .. }
                if report.end.is_failure() && !matches!(report.end, End::NoTarget) =>
            {
                self.failed(Ending::of(&report.end).text);
            }
            Event::Connected { .. } => {
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = None;
            }
            _ => {}
        }
        let mut totals = match event {
            Event::Accepted { .. } | Event::Refused { .. } | Event::Ended { .. } => {
                self.totals.lock().unwrap_or_else(PoisonError::into_inner)
            }
            _ => return,
        };
        match event {
            Event::Accepted { .. } => totals.clients += 1,
            Event::Refused { .. } => totals.refused += 1,
            Event::Ended { connection, report } => {
                totals.failed += u64::from(report.end.is_failure());
                totals.up_bytes += report.up_bytes;
                totals.down_bytes += report.down_bytes;
                let seconds = report.lasted.as_secs_f64();
                let refused = matches!(report.end, End::Refused);
                if !refused
                    && totals
                        .longest
                        .is_none_or(|longest| longest.seconds < seconds)
                {
                    totals.longest = Some(Longest {
                        connection: connection.0,
                        seconds,
                    });
                }
            }
            _ => {}
        }
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |seconds| span(Duration::try_from_secs_f64(seconds).unwrap_or_default());
        write!(
            f,
            "{}, {} refused, {} failed, {} up, {} down in {}",
            count(self.clients, "client"),
            self.refused,
            self.failed,
            size(self.up_bytes),
            size(self.down_bytes),
            time(self.seconds)
        )?;
        match self.longest {
            Some(longest) => write!(
                f,
                ", longest #{} with {}",
                longest.connection,
                time(longest.seconds)
            ),
            None => Ok(()),
        }
    }
}

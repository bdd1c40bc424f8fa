//! Figures for Prometheus: what relays have done and are doing.
//!
//! [`Metrics`] is an [`Observer`] for what is counted when it happens, and asks [`Handle`]s for what is true when somebody
//! looks: the bytes of open connections are in it. A [`Server`] answers `GET /metrics` on a thread of its own, so that
//! nobody who reads slowly keeps a client waiting.
//!
//! | metric | labels | what |
//! | --- | --- | --- |
//! | `sockeye_relay_connections_open` | `relay` | clients that are connected |
//! | `sockeye_relay_accepted_total` | `relay` | clients that have come, refused ones included |
//! | `sockeye_relay_refused_total` | `relay`, `reason` | those that were not let in: `rule`, `limit` or `fault` |
//! | `sockeye_relay_bytes_total` | `relay`, `direction` | what passed: `up` from clients, `down` to them |
//! | `sockeye_relay_errors_total` | `relay`, `kind` | what failed, see [`Metrics`] |
//! | `sockeye_relay_connect_seconds` | `relay`, `target` | how long connects to targets took that succeeded |

mod live; // what is true now
mod server; // GET /metrics

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::event::{End, Event, Observer};
use crate::handle::Handle;

use live::Live;
pub use server::{Error, Place, Server};

/// What relays have done and are doing.
///
/// The kinds of errors are `connect` (an attempt to connect to a target), `exhausted` (no client could be accepted for
/// now), and for connections that ended for another reason than the wish of their ends: `no_target`, `reset`, `idle`,
/// `descriptors`, `unframed`, `framing`, `tls`, `failed`.
///
/// # Examples
/// ```
/// use sockeye_relay::metrics::Metrics;
/// use sockeye_relay::{Event, Observer};
///
/// let metrics = Metrics::new();
/// metrics.observe("web", &Event::Exhausted { error: &std::fmt::Error });
/// let text = metrics.text()?;
/// assert!(text.contains(r#"sockeye_relay_errors_total{relay="web",kind="exhausted"} 1"#));
/// # Ok::<(), std::fmt::Error>(())
/// ```
pub struct Metrics {
    registry: Registry,
    handles: Arc<Mutex<Vec<Handle>>>,
    refused: Family<OfReason, Counter>,
    errors: Family<OfKind, Counter>,
    connects: Family<OfTarget, Histogram, fn() -> Histogram>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfReason {
    relay: String,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfKind {
    relay: String,
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfTarget {
    relay: String,
    target: String,
}

/// From what a Unix socket takes, a few tens of microseconds, to what nobody waits for: 31 s.
fn connect_seconds() -> Histogram {
    Histogram::new(exponential_buckets(30e-6, 4.0, 11))
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics::new()
    }
}

impl Metrics {
    /// Figures of no relay yet.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("sockeye_relay");
        let handles = Arc::default();
        registry.register_collector(Box::new(Live::new(Arc::clone(&handles))));
        let (refused, errors) = (Family::default(), Family::default());
        let connects = Family::new_with_constructor(connect_seconds as fn() -> Histogram);
        registry.register("refused", "Clients that were not let in", refused.clone());
        registry.register("errors", "What failed", errors.clone());
        registry.register(
            "connect_seconds",
            "How long connects to targets took that succeeded",
            connects.clone(),
        );
        Metrics {
            registry,
            handles,
            refused,
            errors,
            connects,
        }
    }

    /// Adds a relay to those that are looked at.
    pub fn watch(&self, handle: Handle) {
        let handles = self.handles.lock();
        handles.unwrap_or_else(PoisonError::into_inner).push(handle);
    }

    /// Everything, in the text format of `OpenMetrics` 1.0, which Prometheus reads.
    ///
    /// # Errors
    /// None that happens: text can be written.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }

    fn failed(&self, relay: &str, kind: &'static str) {
        let relay = relay.to_owned();
        self.errors.get_or_create(&OfKind { relay, kind }).inc();
    }
}

impl Observer for Metrics {
    fn observe(&self, relay: &str, event: &Event<'_>) {
        match event {
            Event::Refused { reason, .. } => {
                let labels = OfReason {
                    relay: relay.to_owned(),
                    reason: sort_of(reason),
                };
                self.refused.get_or_create(&labels).inc();
            }
            Event::Connected { target, took, .. } => {
                let labels = OfTarget {
                    relay: relay.to_owned(),
                    target: target.without_options().to_string(),
                };
                self.connects
                    .get_or_create(&labels)
                    .observe(took.as_secs_f64());
            }
            Event::TargetFailed { .. } => self.failed(relay, "connect"),
            Event::Exhausted { .. } => self.failed(relay, "exhausted"),
            Event::Ended { report, .. } => {
                if let Some(kind) = kind_of(&report.end) {
                    self.failed(relay, kind);
                }
            }
            _ => {}
        }
    }
}

/// A reason names rules, users and files; as a label it would have no end of values.
fn sort_of(reason: &str) -> &'static str {
    if reason.starts_with("fault") {
        "fault"
    } else if reason.starts_with("admit client") {
        "limit"
    } else {
        "rule"
    }
}

fn kind_of(end: &End) -> Option<&'static str> {
    if !end.is_failure() {
        return None;
    }
    Some(match end {
        End::NoTarget => "no_target",
        End::Reset(_) => "reset",
        End::Idle => "idle",
        End::Descriptors(..) => "descriptors",
        End::Unframed => "unframed",
        End::Framing(..) => "framing",
        End::Tls(..) => "tls",
        _ => "failed",
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::event::{Client, ConnectionId, Report};

    #[test]
    fn what_happens_is_counted_under_few_labels() {
        let metrics = Metrics::new();
        let connection = ConnectionId(1);
        let client = &Client::Local;
        for reason in ["denied by uid:7", "fault refuse", "denied by uid:8"] {
            let refused = Event::Refused {
                connection,
                client,
                reason,
            };
            metrics.observe("a", &refused);
        }
        let target = &"tcp:localhost:80,retry=3".parse().unwrap();
        let took = Duration::from_millis(1);
        metrics.observe(
            "a",
            &Event::Connected {
                connection,
                target,
                took,
            },
        );
        for end in [End::Idle, End::Complete, End::Cut] {
            let report = &Report {
                up_bytes: 1,
                down_bytes: 2,
                lasted: took,
                end,
            };
            metrics.observe("a", &Event::Ended { connection, report });
        }
        let text = metrics.text().unwrap();
        for line in [
            r#"sockeye_relay_refused_total{relay="a",reason="rule"} 2"#,
            r#"sockeye_relay_refused_total{relay="a",reason="fault"} 1"#,
            r#"sockeye_relay_connect_seconds_count{relay="a",target="tcp:localhost:80"} 1"#,
            r#"sockeye_relay_errors_total{relay="a",kind="idle"} 1"#,
        ] {
            assert!(text.contains(&format!("{line}\n")), "{line} in {text}");
        }
        assert_eq!(text.matches("errors_total{").count(), 1, "{text}");
        assert!(text.ends_with("# EOF\n"), "{text}");
    }

    #[test]
    fn the_reason_of_a_full_relay_is_the_limit() {
        use crate::access::Full;
        assert_eq!(sort_of(&Full::Clients { most: 1 }.to_string()), "limit");
        let full = Full::OfUid { uid: 0, most: 1 };
        assert_eq!(sort_of(&full.to_string()), "limit");
    }
}

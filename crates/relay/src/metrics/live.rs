//! What is true at the moment somebody looks.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::handle::Handle;

/// Asks relays when somebody looks.
pub(super) struct Live {
    handles: Arc<Mutex<Vec<Handle>>>,
    /// Up and down bytes that were shown last.
    shown: Mutex<HashMap<String, [u64; 2]>>,
}

struct Figures {
    relay: String,
    open: u64,
    accepted: u64,
    bytes: [u64; 2],
}

impl Live {
    pub(super) fn new(handles: Arc<Mutex<Vec<Handle>>>) -> Self {
        Live {
            handles,
            shown: Mutex::default(),
        }
    }

    fn figures(&self) -> Vec<Figures> {
        let handles = self.handles.lock();
        let handles = handles.unwrap_or_else(PoisonError::into_inner);
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        handles
            .iter()
            .map(|handle| {
                let status = handle.status();
                // A connection that is just ending may have been counted twice the last time. A counter that goes back
                // would read as one that began anew.
                let last = shown.entry(status.name.clone()).or_default();
                last[0] = last[0].max(status.up_bytes);
                last[1] = last[1].max(status.down_bytes);
                Figures {
                    relay: status.name,
                    open: u64::try_from(status.connections.len()).unwrap_or(u64::MAX),
                    accepted: status.accepted,
                    bytes: *last,
                }
            })
            .collect()
    }
}

impl Collector for Live {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let all = self.figures();
        let mut open = encoder.encode_descriptor(
            "connections_open",
            "Clients that are connected",
            None,
            MetricType::Gauge,
        )?;
        for figures in &all {
            let labels = [("relay", figures.relay.as_str())];
            ConstGauge::new(figures.open).encode(open.encode_family(&labels)?)?;
        }
        let mut accepted = encoder.encode_descriptor(
            "accepted",
            "Clients that have come, refused ones included",
            None,
            MetricType::Counter,
        )?;
        for figures in &all {
            let labels = [("relay", figures.relay.as_str())];
            ConstCounter::new(figures.accepted).encode(accepted.encode_family(&labels)?)?;
        }
        let mut bytes = encoder.encode_descriptor(
            "bytes",
            "What passed: up from clients, down to them",
            None,
            MetricType::Counter,
        )?;
        for figures in &all {
            for (direction, moved) in ["up", "down"].into_iter().zip(figures.bytes) {
                let labels = [("relay", figures.relay.as_str()), ("direction", direction)];
                ConstCounter::new(moved).encode(bytes.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}

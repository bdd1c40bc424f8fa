//! What is true at the moment somebody looks.

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
}

struct Figures {
    relay: String,
    open: u64,
    accepted: u64,
    bytes: [u64; 2],
}

impl Live {
    pub(super) fn new(handles: Arc<Mutex<Vec<Handle>>>) -> Self {
        Live { handles }
    }

    fn figures(&self) -> Vec<Figures> {
        let handles = self.handles.lock();
        let handles = handles.unwrap_or_else(PoisonError::into_inner);
        handles
            .iter()
            .map(|handle| {
                let totals = handle.totals();
                Figures {
                    relay: handle.name().to_owned(),
                    open: totals.open,
                    accepted: totals.accepted,
                    bytes: [totals.up_bytes, totals.down_bytes],
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

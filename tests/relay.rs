//! `sockeye relay`.

#[cfg(test)]
#[path = "talk/program.rs"]
#[expect(dead_code, reason = "each test file uses its part")]
mod program; // runs the real command

#[cfg(test)]
#[path = "relay/stage.rs"]
mod stage; // relays, targets and clients

#[cfg(test)]
#[path = "relay/bad_input.rs"]
mod bad_input; // one clear line, and the status
#[cfg(test)]
#[path = "relay/config.rs"]
mod config; // a file of relays
#[cfg(test)]
#[path = "relay/log.rs"]
mod log; // what happens, what passes, what there was
#[cfg(test)]
#[path = "relay/metrics.rs"]
mod metrics; // figures for Prometheus
#[cfg(test)]
#[path = "relay/service.rs"]
mod service; // signals, the service manager, the unit

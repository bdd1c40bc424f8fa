//! What goes wrong on purpose: latency, lack of bandwidth, resets, losses and the like, for testing how clients and
//! targets bear it.
//!
//! A [`Spec`] is one fault as typed, [`Settings`] all those of a relay with the seed that makes a run repeatable, and a
//! [`Chain`] what they do to one direction of one connection. Everything here is pure: the clock is handed in, random
//! numbers come from the seed.
//!
//! ```
//! use std::time::{Duration, Instant};
//! use sockeye_relay::fault::{Chain, Direction, Line, Passing, Settings, What};
//!
//! let settings = Settings { faults: vec!["up:latency,delay=100ms".parse()?], seed: 7 };
//! let line = Line { connection: 1, direction: Direction::Up };
//! let start = Instant::now();
//! let mut chain = Chain::new(&settings, line, Passing::Bytes, start);
//!
//! chain.pass(What::data("hello"), start);
//! assert!(chain.take(start).is_none());
//! assert_eq!(chain.wake_at(), Some(start + Duration::from_millis(100)));
//! assert!(chain.take(start + Duration::from_millis(100)).is_some());
//! # Ok::<(), sockeye_relay::fault::ParseError>(())
//! ```

mod kind; // what each fault declares of itself
mod kinds; // the faults, one file each, and the table of them
mod settings;
mod spec; // up:latency,delay=100ms // all faults of a relay

mod parameter; // delay=100ms
mod quantity; // 100ms, 1MB, 0.1, 3

mod chain; // what they do to one direction of a connection
mod error;
mod lot; // the random numbers of one fault on one connection
mod piece; // what passes

pub use chain::Chain;
pub use error::{ParseError, Problem, Unsuitable};
pub use kind::{Described, Kind, Scope};
pub use kinds::KINDS;
pub use lot::{Direction, Line};
pub use piece::{Passing, What};
pub use settings::Settings;
pub use spec::{On, Spec};

#[cfg(test)]
mod tests;

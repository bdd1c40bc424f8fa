//! The control socket: relays are seen, changed and replaced while they run.
//!
//! One Unix stream socket for each process, for its own user and root only. One JSON document on a line is a request,
//! one on a line its answer; docs/json.md describes them. A [`Server`] answers for the relays of a process, a [`Client`]
//! asks, and [`take_over`] brings a listening socket from one process to the next.
//!
//! ```
//! use sockeye_relay::control::{self, Request};
//!
//! let listen = "tcp:localhost:8080".parse()?;
//! let path = control::default_path(&listen);
//! assert_eq!(path.extension(), Some("ctl".as_ref()));
//!
//! let request = Request::read(br#"{"version":1,"request":"cut","connection":7}"#)?;
//! assert_eq!(request, Request::Cut { relay: None, connection: 7 });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod path; // where the socket is
mod request; // what is asked

mod answer; // what is answered
mod error; // why there is no answer

mod client; // who asks
mod line; // requests, line by line
mod server; // who answers
mod service; // what a request does

mod succession; // one process after another

pub use answer::{
    Answer, ClientDocument, ConnectionDocument, FileDocument, RelayDocument, RelayFaults,
};
pub use client::Client;
pub use error::Error;
pub use path::default_path;
pub use request::{BadRequest, Request};
pub use server::Server;
pub use succession::{Adopted, take_over};

/// The version of requests and answers.
pub const VERSION: u64 = 1;

/// A longer request is refused.
pub const MAX_REQUEST_BYTES: u64 = 1024 * 1024;

/// The name of a control socket ends in this, to tell it from the address that a relay listens on.
pub const EXTENSION: &str = "ctl";

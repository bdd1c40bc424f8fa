//! Join any two endpoints: every client of one address is connected to another.
//!
//! Nothing here prints: what happens is told to an [`Observer`]. A relay runs on the tokio runtime that opens it, its
//! connections on the threads of [`Workers`], each of which stays where it is.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use sockeye_address::{Address, Kind, Name};
//! use sockeye_relay::plan::{Listen, Plan, Target};
//! use sockeye_relay::{Event, Relay, Workers};
//! use sockeye_socket::{BindOptions, Connection, Life};
//!
//! let folder = tempfile::tempdir()?;
//! let name = Name::Path(folder.path().join("upper.sock"));
//! let listen = Listen {
//!     address: Address::from(name.clone()),
//!     kind: Kind::Stream,
//!     bind: BindOptions::new(),
//! };
//! let target = Target { address: "exec:tr a-z A-Z".parse()? };
//! let observer = |relay: &str, event: &Event<'_>| println!("{relay}: {event:?}");
//! let relay = Relay::open(
//!     Plan::new("upper", listen, vec![target]),
//!     Arc::new(Workers::start(1)?),
//!     Arc::new(observer),
//! )?;
//! let handle = relay.handle();
//! let client = tokio::task::spawn_blocking(move || {
//!     let client = Connection::connect(&name, None, &Life::default())?;
//!     client.send_all(b"hello")?;
//!     client.shutdown(sockeye_socket::Direction::Write)?;
//!     let mut answer = [0; 16];
//!     let length = client.receive(&mut answer)?;
//!     handle.drain();
//!     Ok::<_, sockeye_socket::Error>(answer[..length].to_vec())
//! });
//! relay.serve(std::future::pending(), Duration::from_secs(5)).await?;
//! assert_eq!(client.await??, b"HELLO");
//! # Ok(())
//! # }
//! ```

pub mod access; // who may connect
mod activated; // sockets from the service manager
mod connection; // the life of one client
pub mod control; // relays are seen, changed and replaced while they run
mod datagram; // messages without a connection
mod end; // both ends of a connection
pub mod event; // what happened
pub mod fault; // what may go wrong on purpose
pub mod framing; // messages in a stream
mod handle; // a running relay, seen and changed from outside
mod listen; // where clients come in
pub mod metrics; // figures for Prometheus
pub mod plan; // what a relay is to do
mod pump; // what moves between the ends
mod serve; // from clients to targets
mod shared; // what the tasks of a relay share
mod target; // where clients are taken
pub mod tls; // certificates, and what is wrong with them
mod worker; // threads, each with a runtime

pub use end::stdio;
pub use event::{Event, Observer};
pub use fault::Direction;
pub use handle::{Connection, HandedOver, Handle, Status};
pub use listen::Error as ListenError;
pub use plan::Plan;
pub use pump::Refused;
pub use serve::{Error, Relay};
pub use shared::Phase;
pub use target::{exec, ssh};
pub use worker::Workers;

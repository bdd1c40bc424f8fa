//! Join any two endpoints: every client of one address is connected to another.
//!
//! Nothing here prints: what happens is told to an [`Observer`].

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

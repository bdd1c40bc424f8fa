//! Clients and servers through a relay, with real sockets.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod descriptors; // what is passed with the bytes
mod ends; // half-close, hang-up, reset
mod faults; // what goes wrong on purpose
mod flow; // bytes, messages, back-pressure
mod framing; // messages at one end, bytes at the other
mod stage; // a relay between a server and clients of the test

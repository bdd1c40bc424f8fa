//! The control socket with relays that run.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on panics"
)]

mod lines; // what is sent to it
mod requests; // what each does
mod stage; // relays, targets and clients
mod strangers; // who may ask
mod succession; // one process after another

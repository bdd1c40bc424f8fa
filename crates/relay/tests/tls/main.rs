//! The ends of TLS over real sockets, with certificates made for each test.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on panics"
)]

mod files; // what may be wrong with them
mod handshake; // who is let in
mod lab; // authorities and connected ends
mod openssl; // the other implementation
mod reload; // while running
mod stream; // ends and half-close

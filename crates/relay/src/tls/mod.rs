//! TLS at an end: `tls:host:port,cert=app.pem,ca=ours.pem`.
//!
//! A [`Server`] takes clients, a [`Client`] goes to a target. Both are made of [`TlsOptions`], read their files once
//! ([`LoadError`]) and again on `reload`. What goes wrong with a peer is a [`PeerError`]: of the handshake, and of the
//! stream after it.
//!
//! The stream that comes out is tokio's. Three things about it that its types do not say:
//!
//! - What was written may still be kept here when a write is done. `poll_flush` before waiting for anything else.
//! - `poll_shutdown` ends our side only: it sends the end of TLS (`close_notify`) and that of TCP. Reading goes on.
//! - An end of the peer's side without `close_notify` is an error, [`PeerError::Truncated`] by
//!   [`PeerError::in_stream`]: anybody on the way could have made it.

mod client; // to a target
mod handshake; // within a time
mod identity; // who a certificate says its holder is
mod load_error; // what is wrong with the files
mod own; // the certificate to show
mod peer_error; // what is wrong with the peer
mod pem; // files
mod server; // from clients
mod trust; // the certificates to believe
mod unverified; // verify=0

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use sockeye_address::TlsOptions;

pub use client::Client;
pub use identity::peer_name;
pub use load_error::{LoadError, Part, Problem};
pub use peer_error::{Alert, PeerError};
pub use server::Server;

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn protocols(options: &TlsOptions) -> Vec<Vec<u8>> {
    options.alpn.iter().map(|id| id.clone().into()).collect()
}

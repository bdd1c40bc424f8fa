//! `cert=app.pem,ca=ours.pem,verify`: how an end of TLS shows itself and whom it trusts.

use std::path::PathBuf;

/// The options of a `tls:` address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct TlsOptions {
    /// File in PEM with the certificate to show, and its chain; its key too where `key` is not given.
    pub cert: Option<PathBuf>,
    /// File in PEM with the key of `cert`.
    pub key: Option<PathBuf>,
    /// File in PEM with the authorities that are trusted, instead of those of the machine.
    pub ca: Option<PathBuf>,
    /// The name that the other side's certificate must hold; a client asks for it too (SNI). Instead of the host.
    pub name: Option<String>,
    /// Whether the other side must show a certificate that is trusted.
    pub verify: Option<bool>,
    /// Protocols to offer or take, best first (ALPN), each of 1 to 255 bytes.
    pub alpn: Vec<String>,
}

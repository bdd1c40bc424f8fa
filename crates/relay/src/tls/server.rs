//! TLS towards clients.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::server::WantsServerCert;
use rustls::{ConfigBuilder, crypto::CryptoProvider};
use sockeye_address::TlsOptions;
use sockeye_address::escape::escape;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsAcceptor, TlsStream};

use super::load_error::LoadError;
use super::trust::{self, Trust};
use super::{PeerError, handshake, own, protocols, provider};

/// The end that clients speak TLS to. Shared by all threads.
#[derive(Debug)]
pub struct Server {
    options: TlsOptions,
    current: RwLock<Arc<ServerConfig>>,
}

impl Server {
    /// Loads the certificate that is shown (`cert`, `key`), and the authorities that sign those of clients (`ca`).
    ///
    /// Clients must show a certificate where `ca` is given, unless `verify` says no, or where `verify` says yes;
    /// without `ca` the machine's authorities are then trusted. With `name` as well, their certificates must hold it.
    ///
    /// # Errors
    /// There is no certificate; a file cannot be read or does not hold what it should; a key does not fit.
    ///
    /// # Examples
    /// ```
    /// use sockeye_address::TlsOptions;
    /// use sockeye_relay::tls::{LoadError, Part, Server};
    ///
    /// let options = TlsOptions { cert: Some("/no/such.pem".into()), ..TlsOptions::default() };
    /// let Err(error) = Server::load(&options) else { unreachable!() };
    /// assert!(matches!(error, LoadError::Unreadable { part: Part::Certificate, .. }));
    /// assert_eq!(error.to_string(), "load certificate /no/such.pem");
    /// ```
    pub fn load(options: &TlsOptions) -> Result<Self, LoadError> {
        Ok(Server {
            options: options.clone(),
            current: RwLock::new(configuration(options)?),
        })
    }

    /// Loads the files again. Handshakes from now on use them; connections and handshakes under way go on as they
    /// began. No client resumes a session of before, so who is trusted no longer must not be let in by an old one.
    ///
    /// # Errors
    /// Those of [`Server::load`]; everything then stays as it was.
    pub fn reload(&self) -> Result<(), LoadError> {
        let new = configuration(&self.options)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// What makes handshakes with the files as they were loaded last.
    pub fn acceptor(&self) -> TlsAcceptor {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&current))
    }

    /// Makes the handshake with a client that has connected.
    ///
    /// A client that is refused is told why, and given up to a second of `patience` to take it in.
    ///
    /// # Errors
    /// What is wrong with the client, or that it took too long.
    pub async fn accept<S>(&self, stream: S, patience: Duration) -> Result<TlsStream<S>, PeerError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        handshake::accept(&self.acceptor(), stream, patience).await
    }
}

fn configuration(options: &TlsOptions) -> Result<Arc<ServerConfig>, LoadError> {
    let provider = provider();
    let own = own::load(options, &provider)?.ok_or(LoadError::NothingToShow)?;
    let builder = clients(options, provider)?;
    let mut configuration = builder.with_cert_resolver(Arc::new(own));
    configuration.alpn_protocols = protocols(options);
    Ok(Arc::new(configuration))
}

/// Settles whether clients must show a certificate.
fn clients(
    options: &TlsOptions,
    provider: Arc<CryptoProvider>,
) -> Result<ConfigBuilder<ServerConfig, WantsServerCert>, LoadError> {
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder
        .with_safe_default_protocol_versions()
        .map_err(LoadError::refused)?;
    if !options.verify.unwrap_or(options.ca.is_some()) {
        return match &options.name {
            Some(name) => Err(LoadError::NameOfNobody {
                name: escape(name.as_bytes(), ""),
            }),
            None => Ok(builder.with_no_client_auth()),
        };
    }
    let name = options.name.as_deref().map(trust::name).transpose()?;
    let trust = Trust::load(options.ca.as_deref())?;
    Ok(builder.with_client_cert_verifier(trust.of_clients(name, provider)?))
}

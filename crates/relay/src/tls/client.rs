//! TLS towards a target.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use sockeye_address::TlsOptions;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsConnector, TlsStream};

use super::load_error::LoadError;
use super::trust::{self, Trust};
use super::unverified::Unverified;
use super::{PeerError, handshake, own, protocols, provider};

/// The end that speaks TLS to one target. Shared by all threads.
#[derive(Debug)]
pub struct Client {
    options: TlsOptions,
    name: ServerName<'static>,
    current: RwLock<Arc<ClientConfig>>,
}

impl Client {
    /// Loads the authorities that are trusted (`ca`, or those of the machine), and the certificate to show if the
    /// target asks for one (`cert`, `key`). The target's certificate must hold `name`, or `host` where there is none.
    /// Only `verify` that says no lets the target show any certificate.
    ///
    /// # Errors
    /// A file cannot be read or does not hold what it should; a key does not fit; the name is none.
    pub fn load(options: &TlsOptions, host: &str) -> Result<Self, LoadError> {
        Ok(Client {
            options: options.clone(),
            name: trust::name(options.name.as_deref().unwrap_or(host))?,
            current: RwLock::new(configuration(options)?),
        })
    }

    /// Loads the files again, for handshakes from now on.
    ///
    /// # Errors
    /// Those of [`Client::load`]; everything then stays as it was.
    pub fn reload(&self) -> Result<(), LoadError> {
        let new = configuration(&self.options)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// What makes handshakes with the files as they were loaded last.
    pub fn connector(&self) -> TlsConnector {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        TlsConnector::from(Arc::clone(&current))
    }

    /// The name that the target is asked for and its certificate must hold.
    pub fn name(&self) -> &ServerName<'static> {
        &self.name
    }

    /// Makes the handshake with the target that `stream` is connected to.
    ///
    /// With TLS 1.3 a target that wants a certificate says so after the handshake: the first read fails, and
    /// [`PeerError::in_stream`] gives the same cause as here.
    ///
    /// # Errors
    /// What is wrong with the target, or that it took too long.
    pub async fn connect<S>(&self, stream: S, patience: Duration) -> Result<TlsStream<S>, PeerError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        handshake::connect(&self.connector(), &self.name, stream, patience).await
    }
}

fn configuration(options: &TlsOptions) -> Result<Arc<ClientConfig>, LoadError> {
    let provider = provider();
    let own = own::load(options, &provider)?;
    let verifier = if options.verify == Some(false) {
        Arc::new(Unverified(Arc::clone(&provider)))
    } else {
        let trust = Trust::load(options.ca.as_deref())?;
        trust.of_servers(options.name.is_some(), Arc::clone(&provider))?
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(LoadError::refused)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut configuration = match own {
        Some(own) => builder.with_client_cert_resolver(Arc::new(own)),
        None => builder.with_no_client_auth(),
    };
    configuration.alpn_protocols = protocols(options);
    Ok(Arc::new(configuration))
}

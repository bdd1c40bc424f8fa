//! Whose certificates are believed.
//!
//! An authority of `ca`, as everywhere. And a certificate that stands in `ca` itself: `openssl req -x509` makes
//! certificates that are their own authority, often without a name, and socat's manual gives exactly those to
//! `cafile`. The library refuses an authority that shows itself (webpki's `CaUsedAsEndEntity`), although whoever holds
//! the key of a certificate that was named to the byte is the one who was meant. It has to be valid today, and what
//! names it has are verified.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{VerifierBuilderError, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error};
use rustls::{RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use sockeye_address::escape::escape;

use super::load_error::{LoadError, Part, Problem};
use super::pem::Pem;

/// What is believed.
#[derive(Debug)]
pub(super) struct Trust {
    authorities: Arc<RootCertStore>,
    listed: Vec<CertificateDer<'static>>,
}

impl Trust {
    /// Loads the certificates of a file, or those that the machine trusts.
    pub(super) fn load(ca: Option<&Path>) -> Result<Self, LoadError> {
        match ca {
            Some(file) => Self::of_file(file),
            None => Self::of_machine(),
        }
    }

    fn of_file(file: &Path) -> Result<Self, LoadError> {
        let pem = Pem::read(Part::Authorities, file)?;
        let listed = pem.certificates()?;
        let mut authorities = RootCertStore::empty();
        for certificate in &listed {
            let added = authorities.add(certificate.clone());
            added.map_err(|_unparsed| pem.unfit(Problem::BadCertificate))?;
        }
        let authorities = Arc::new(authorities);
        Ok(Trust {
            authorities,
            listed,
        })
    }

    fn of_machine() -> Result<Self, LoadError> {
        let mut found = rustls_native_certs::load_native_certs();
        let mut authorities = RootCertStore::empty();
        authorities.add_parsable_certificates(found.certs);
        if authorities.is_empty() {
            let source = found.errors.pop();
            return Err(LoadError::NoAuthorities { source });
        }
        Ok(Trust {
            authorities: Arc::new(authorities),
            listed: Vec::new(),
        })
    }

    /// Verifies the certificates of servers; `named`: the name was given, not taken from the host.
    pub(super) fn of_servers(
        self,
        named: bool,
        provider: Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ServerCertVerifier>, LoadError> {
        let inner = WebPkiServerVerifier::builder_with_provider(self.authorities, provider);
        let inner = inner.build().map_err(without_authorities)?;
        let listed = Listed {
            certificates: self.listed,
            named,
        };
        Ok(Arc::new(Servers { inner, listed }))
    }

    /// Verifies the certificates of clients, of which every one must hold `name` if there is one.
    pub(super) fn of_clients(
        self,
        name: Option<ServerName<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ClientCertVerifier>, LoadError> {
        let inner = WebPkiClientVerifier::builder_with_provider(self.authorities, provider);
        let inner = inner.build().map_err(without_authorities)?;
        let listed = Listed {
            certificates: self.listed,
            named: name.is_some(),
        };
        Ok(Arc::new(Clients {
            inner,
            listed,
            name,
        }))
    }
}

/// Reads the name that a certificate must hold.
pub(super) fn name(text: &str) -> Result<ServerName<'static>, LoadError> {
    // The zone says which of our networks an address is on; a certificate knows nothing of it.
    let (host, _zone) = text.split_once('%').unwrap_or((text, ""));
    let name = ServerName::try_from(host.to_owned());
    name.map_err(|_invalid| LoadError::BadName {
        name: escape(text.as_bytes(), ""),
    })
}

fn without_authorities(_error: VerifierBuilderError) -> LoadError {
    // No list of revoked certificates is given, so nothing else can be missing.
    LoadError::NoAuthorities { source: None }
}

/// The certificates that are believed because they were named themselves.
#[derive(Debug)]
struct Listed {
    certificates: Vec<CertificateDer<'static>>,
    named: bool,
}

impl Listed {
    /// Decides about a certificate that the library refused.
    fn excuse(
        &self,
        shown: &CertificateDer<'_>,
        name: Option<&ServerName<'_>>,
        error: Error,
    ) -> Result<(), Error> {
        let Error::InvalidCertificate(refusal) = &error else {
            return Err(error);
        };
        // The library looks at the dates first, so a certificate refused for one of these is valid today.
        let for_being_listed = matches!(
            refusal,
            CertificateError::UnknownIssuer | CertificateError::Other(_)
        );
        if !(for_being_listed || self.is_nameless(refusal)) || !self.certificates.contains(shown) {
            return Err(error);
        }
        let Some(name) = name else { return Ok(()) };
        match verify_server_name(&ParsedCertificate::try_from(shown)?, name) {
            Err(Error::InvalidCertificate(refusal)) if self.is_nameless(&refusal) => Ok(()),
            verified => verified,
        }
    }

    /// Whether a certificate was refused for its name, has none at all, and no name was insisted on.
    fn is_nameless(&self, refusal: &CertificateError) -> bool {
        matches!(refusal, CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty())
            && !self.named
    }
}

#[derive(Debug)]
struct Servers {
    inner: Arc<WebPkiServerVerifier>,
    listed: Listed,
}

impl ServerCertVerifier for Servers {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.inner.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        verified.or_else(|error| {
            self.listed.excuse(end_entity, Some(server_name), error)?;
            Ok(ServerCertVerified::assertion())
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

#[derive(Debug)]
struct Clients {
    inner: Arc<dyn ClientCertVerifier>,
    listed: Listed,
    name: Option<ServerName<'static>>,
}

impl ClientCertVerifier for Clients {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let name = self.name.as_ref();
        match self
            .inner
            .verify_client_cert(end_entity, intermediates, now)
        {
            Err(error) => self.listed.excuse(end_entity, name, error)?,
            Ok(_) => {
                if let Some(name) = name {
                    verify_server_name(&ParsedCertificate::try_from(end_entity)?, name)?;
                }
            }
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

//! The certificate that this end shows, and its key.

use rustls::crypto::CryptoProvider;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{Error, InconsistentKeys};
use sockeye_address::TlsOptions;

use super::load_error::{LoadError, Part, Problem, shown};
use super::pem::Pem;

/// Loads what the options name; `None` where they name nothing.
pub(super) fn load(
    options: &TlsOptions,
    provider: &CryptoProvider,
) -> Result<Option<SingleCertAndKey>, LoadError> {
    let Some(file) = &options.cert else {
        return match &options.key {
            Some(key) => Err(LoadError::unfit(Part::Key, key, Problem::KeyAlone)),
            None => Ok(None),
        };
    };
    let shows = Pem::read(Part::Certificate, file)?;
    let chain = shows.certificates()?;
    // One file may hold both, as socat has it.
    let holds_key = match &options.key {
        Some(key) => &Pem::read(Part::Key, key)?,
        None => &shows,
    };
    let key = provider.key_provider.load_private_key(holds_key.key()?);
    let key = key.map_err(|_unparsed| holds_key.unfit(Problem::UnsupportedKey))?;
    let own = CertifiedKey::new(chain, key);
    match own.keys_match() {
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(Some(own.into())),
        Err(Error::InconsistentKeys(_)) => {
            let certificate = shown(file);
            Err(holds_key.unfit(Problem::KeyOfAnother { certificate }))
        }
        Err(_) => Err(shows.unfit(Problem::BadCertificate)),
    }
}

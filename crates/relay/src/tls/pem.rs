//! Files in PEM: certificates, keys, or both.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::load_error::{LoadError, Part, Problem};

// The bundle of all public authorities has a quarter of a megabyte; this keeps a wrong path from filling the memory.
const LARGEST_BYTES: u64 = 16 << 20;

/// A file that was read, and what for.
pub(super) struct Pem<'a> {
    part: Part,
    file: &'a Path,
    bytes: Vec<u8>,
}

impl<'a> Pem<'a> {
    pub(super) fn read(part: Part, file: &'a Path) -> Result<Self, LoadError> {
        let bytes = read(file).map_err(|error| LoadError::unreadable(part, file, error))?;
        let pem = Pem { part, file, bytes };
        if pem.bytes.len() as u64 > LARGEST_BYTES {
            let bytes = LARGEST_BYTES;
            return Err(pem.unfit(Problem::TooLarge { bytes }));
        }
        if !pem.says(b"-----BEGIN ") {
            return Err(pem.unfit(Problem::NotPem));
        }
        Ok(pem)
    }

    /// All certificates, in the order of the file; at least one.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, LoadError> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.bytes).collect();
        match found {
            Ok(none) if none.is_empty() => Err(self.unfit(Problem::NoCertificate)),
            Ok(certificates) => Ok(certificates),
            Err(error) => Err(self.damaged(&error)),
        }
    }

    /// The first key.
    pub(super) fn key(&self) -> Result<PrivateKeyDer<'static>, LoadError> {
        match PrivateKeyDer::from_pem_slice(&self.bytes) {
            Ok(key) => Ok(key),
            Err(pem::Error::NoItemsFound) if self.has_locked_key() => {
                Err(self.unfit(Problem::EncryptedKey))
            }
            Err(pem::Error::NoItemsFound) => Err(self.unfit(Problem::NoKey)),
            Err(error) => Err(self.damaged(&error)),
        }
    }

    pub(super) fn unfit(&self, problem: Problem) -> LoadError {
        LoadError::unfit(self.part, self.file, problem)
    }

    fn damaged(&self, error: &pem::Error) -> LoadError {
        // The older form of a locked key has headers where others have nothing but base64.
        if self.has_locked_key() {
            return self.unfit(Problem::EncryptedKey);
        }
        let cause = match error {
            pem::Error::MissingSectionEnd { .. } => "a section does not end",
            pem::Error::IllegalSectionStart { .. } => "the first line of a section is cut off",
            pem::Error::Base64Decode(_) => "a section is not base64",
            _ => "it cannot be read",
        };
        self.unfit(Problem::Damaged(cause.to_owned()))
    }

    fn has_locked_key(&self) -> bool {
        self.says(b"-----BEGIN ENCRYPTED PRIVATE KEY-----") || self.says(b"Proc-Type: 4,ENCRYPTED")
    }

    fn says(&self, text: &[u8]) -> bool {
        let mut lines = self.bytes.split(|byte| *byte == b'\n');
        lines.any(|line| line.starts_with(text))
    }
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut limited = File::open(file)?.take(LARGEST_BYTES + 1);
    limited.read_to_end(&mut bytes)?;
    Ok(bytes)
}

//! What is wrong with the certificates and names that were given.

use std::fmt;
use std::io;
use std::path::Path;

use std::os::unix::ffi::OsStrExt;

use sockeye_address::escape::escape;

/// Why an end of TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// A file cannot be read.
    #[error("load {part} {file}")]
    Unreadable {
        /// What it should hold.
        part: Part,
        /// Its path, escaped.
        file: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("load {part} {file}: {problem}")]
    Unfit {
        /// What it should hold.
        part: Part,
        /// Its path, escaped.
        file: String,
        /// What is wrong with it.
        problem: Problem,
    },
    /// A listener was given no certificate.
    #[error("load certificate: a listener has to show one, and none is given")]
    NothingToShow,
    /// The machine has no store of trusted authorities.
    #[error("load authorities of this machine: there are none")]
    NoAuthorities {
        /// What stood in the way, if anything did.
        source: Option<rustls_native_certs::Error>,
    },
    /// A name that no certificate can hold.
    #[error("verify name {name}: it is neither the name nor the address of a host")]
    BadName {
        /// The name, escaped.
        name: String,
    },
    /// A name is to be verified of peers that are not asked for a certificate.
    #[error("verify name {name}: clients are not asked for certificates")]
    NameOfNobody {
        /// The name, escaped.
        name: String,
    },
    /// The library of TLS refused the settings.
    #[error("set up TLS")]
    Refused {
        /// Its answer.
        source: rustls::Error,
    },
}

impl LoadError {
    pub(super) fn unreadable(part: Part, file: &Path, source: io::Error) -> Self {
        let file = shown(file);
        LoadError::Unreadable { part, file, source }
    }

    pub(super) fn unfit(part: Part, file: &Path, problem: Problem) -> Self {
        LoadError::Unfit {
            part,
            file: shown(file),
            problem,
        }
    }

    pub(super) fn refused(source: rustls::Error) -> Self {
        LoadError::Refused { source }
    }
}

pub(super) fn shown(file: &Path) -> String {
    escape(file.as_os_str().as_bytes(), "")
}

/// What a file is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The certificate to show, perhaps with its key.
    Certificate,
    /// The key of that certificate.
    Key,
    /// The authorities to trust.
    Authorities,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Certificate => "certificate",
            Part::Key => "key",
            Part::Authorities => "authorities",
        })
    }
}

/// What is wrong with what a file holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// It is larger than any such file.
    #[error("it is larger than {} MiB", .bytes >> 20)]
    TooLarge {
        /// The largest that is read, in bytes.
        bytes: u64,
    },
    /// It has no section of PEM at all.
    #[error("it is not PEM")]
    NotPem,
    /// A section of PEM is cut off or damaged.
    #[error("its PEM is damaged: {0}")]
    Damaged(String),
    /// It has sections, and none is a certificate.
    #[error("there is no certificate in it")]
    NoCertificate,
    /// What calls itself a certificate is none that is understood.
    #[error("what it holds is no X.509 certificate of version 3")]
    BadCertificate,
    /// It has sections, and none is a key.
    #[error("there is no key in it")]
    NoKey,
    /// The key is locked with a passphrase.
    #[error("the key is encrypted")]
    EncryptedKey,
    /// The key is damaged or of a kind or length that is not supported.
    #[error("the key is none of RSA with 2048 bits or more, ECDSA P-256 or P-384, Ed25519")]
    UnsupportedKey,
    /// The key belongs to another certificate.
    #[error("the key is not that of the first certificate in {certificate}")]
    KeyOfAnother {
        /// Path of the certificate, escaped.
        certificate: String,
    },
    /// A key is given, and no certificate.
    #[error("there is no certificate to go with it")]
    KeyAlone,
}

//! What is wrong with a peer, in words for who runs the relay.

use std::fmt;
use std::io;
use std::time::Duration;

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

use super::identity::readable;

/// Why a handshake failed, or the stream after it broke: a cause, to be told with the operation and the address.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PeerError {
    /// What it sent is no TLS.
    #[error("the peer does not speak TLS")]
    NotTls,
    /// It closed the connection instead of answering.
    #[error("the peer closed the connection during the TLS handshake")]
    Closed,
    /// The handshake was not over in time.
    #[error("the TLS handshake was not over within {limit:?}")]
    TimedOut {
        /// How long was waited.
        limit: Duration,
    },
    /// Its certificate is signed by nobody who is trusted.
    #[error("the peer's certificate is signed by no authority that is trusted")]
    UnknownAuthority,
    /// Its certificate is somebody else's.
    #[error("the peer's certificate is {}, not for {wanted}", Holder(.holds))]
    OtherName {
        /// The name it must hold.
        wanted: String,
        /// The names it holds, escaped.
        holds: Vec<String>,
    },
    /// Its certificate is too old.
    #[error("the peer's certificate expired {} ago", Span(.ago))]
    Expired {
        /// Since when.
        ago: Duration,
    },
    /// Its certificate is for later, or a clock is wrong.
    #[error("the peer's certificate is not valid for another {}", Span(.wait))]
    NotYetValid {
        /// Until when.
        wait: Duration,
    },
    /// Its certificate is for the other role: a client's shown by a server, or the other way round.
    #[error("the peer's certificate is not for this use")]
    WrongUse,
    /// Something else is wrong with its certificate.
    #[error("the peer's certificate is not valid: {}", Flaw(.cause))]
    BadCertificate {
        /// What it is.
        cause: CertificateError,
    },
    /// It has to show a certificate, and has shown none.
    #[error("the peer showed no certificate")]
    NoCertificate,
    /// It refused us.
    #[error("the peer {0}")]
    Refused(Alert),
    /// There is no version or cipher that both ends have.
    #[error("the peer has no version of TLS or no cipher in common with this end")]
    NothingInCommon {
        /// The library's reason.
        source: Error,
    },
    /// There is no protocol over TLS that both ends have.
    #[error("the peer offers none of the protocols taken here (ALPN)")]
    OtherProtocols,
    /// Its stream ended without the end that TLS has, so part of it may be missing.
    #[error("the peer's stream was cut off without the end that TLS has (close_notify)")]
    Truncated,
    /// It broke the rules of TLS, or somebody on the way did.
    #[error("the peer broke the rules of TLS")]
    Broken {
        /// The library's reason.
        source: Error,
    },
    /// The connection below broke.
    #[error(transparent)]
    Connection(io::Error),
}

impl PeerError {
    /// Tells what went wrong before the handshake was over.
    pub fn in_handshake(error: io::Error) -> Self {
        match Self::of_tls(error) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => PeerError::Closed,
            Ok(PeerError::Broken { source }) if is_no_tls(&source) => PeerError::NotTls,
            Err(error) => PeerError::Connection(error),
            Ok(told) => told,
        }
    }

    /// Tells why a read or a write failed after the handshake.
    pub fn in_stream(error: io::Error) -> Self {
        match Self::of_tls(error) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => PeerError::Truncated,
            Err(error) => PeerError::Connection(error),
            Ok(told) => told,
        }
    }

    /// Tells what the library found, or gives back an error that is not its own.
    fn of_tls(error: io::Error) -> Result<Self, io::Error> {
        error.downcast::<Error>().map(|found| match found {
            Error::InvalidCertificate(source) => Self::of_certificate(source),
            Error::NoCertificatesPresented => PeerError::NoCertificate,
            Error::AlertReceived(alert) => PeerError::Refused(Alert(alert)),
            Error::NoApplicationProtocol => PeerError::OtherProtocols,
            source @ Error::PeerIncompatible(_) => PeerError::NothingInCommon { source },
            source => PeerError::Broken { source },
        })
    }

    fn of_certificate(source: CertificateError) -> Self {
        match source {
            CertificateError::UnknownIssuer => PeerError::UnknownAuthority,
            CertificateError::ExpiredContext { time, not_after } => PeerError::Expired {
                ago: Duration::from_secs(time.as_secs().saturating_sub(not_after.as_secs())),
            },
            CertificateError::NotValidYetContext { time, not_before } => PeerError::NotYetValid {
                wait: Duration::from_secs(not_before.as_secs().saturating_sub(time.as_secs())),
            },
            CertificateError::NotValidForNameContext {
                expected,
                presented,
            } => PeerError::OtherName {
                wanted: expected.to_str().into_owned(),
                holds: presented.iter().map(|name| readable(name)).collect(),
            },
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                PeerError::WrongUse
            }
            cause => PeerError::BadCertificate { cause },
        }
    }
}

/// Whether the first bytes were none of a TLS record.
fn is_no_tls(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType
                | InvalidMessage::UnknownProtocolVersion
                | InvalidMessage::MessageTooLarge
                | InvalidMessage::InvalidEmptyPayload
        )
    )
}

/// What a peer said when it ended the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alert(pub AlertDescription);

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            AlertDescription::CertificateRequired | AlertDescription::NoCertificate => {
                "requires a certificate, and was shown none"
            }
            AlertDescription::UnknownCA => "does not trust the authority of this end's certificate",
            AlertDescription::CertificateExpired => "finds this end's certificate expired",
            AlertDescription::CertificateRevoked => "finds this end's certificate revoked",
            AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::AccessDenied => "does not accept this end's certificate",
            AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
                "has no cipher in common with this end, or requires a certificate"
            }
            AlertDescription::ProtocolVersion => "has no version of TLS in common with this end",
            AlertDescription::NoApplicationProtocol => "takes none of the protocols offered (ALPN)",
            AlertDescription::UnrecognisedName => "does not know the name it was asked for",
            other => return write!(f, "ended the connection with the TLS alert {other:?}"),
        })
    }
}

/// What is wrong with a certificate, apart from what has a variant of its own.
struct Flaw<'a>(&'a CertificateError);

impl fmt::Display for Flaw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            CertificateError::BadEncoding => f.write_str("it is damaged"),
            CertificateError::BadSignature => f.write_str("its signature is wrong"),
            CertificateError::Revoked => f.write_str("it is revoked"),
            CertificateError::Other(other) => match other.to_string().as_str() {
                // Certificates that sign themselves mostly are of this kind.
                "CaUsedAsEndEntity" => {
                    f.write_str("it is that of an authority, and not itself one that is trusted")
                }
                cause => f.write_str(cause),
            },
            cause => write!(f, "{cause}"),
        }
    }
}

/// Whose a certificate is.
struct Holder<'a>(&'a [String]);

impl fmt::Display for Holder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Certificates of large sites have a hundred names; the first ones tell whose it is.
        const MOST: usize = 5;
        let (shown, rest) = self.0.split_at(self.0.len().min(MOST));
        match (shown, rest.len()) {
            ([], _) => f.write_str("for no name"),
            (names, 0) => write!(f, "for {}", names.join(", ")),
            (names, more) => write!(f, "for {} and {more} more", names.join(", ")),
        }
    }
}

/// A time in its largest unit.
struct Span<'a>(&'a Duration);

impl fmt::Display for Span<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match seconds {
            0..=119 => write!(f, "{seconds} s"),
            120..=7199 => write!(f, "{} min", seconds / 60),
            7200..=172_799 => write!(f, "{} h", seconds / 3600),
            _ => write!(f, "{} days", seconds / 86_400),
        }
    }
}

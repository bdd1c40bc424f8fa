//! Who a certificate says its holder is, for logs.
//!
//! To decide by it is the verifier's business; this only reads it out of a certificate that was verified.

use std::net::Ipv6Addr;

use rustls::client::verify_server_name;
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error};
use rustls_pki_types::{CertificateDer, ServerName};
use sockeye_address::escape::escape;
use tokio_rustls::TlsStream;

/// The name in the certificate that the peer has shown, escaped: its common name, or its first alternative name where
/// it has none. `None` where it has shown no certificate, or one without a name.
pub fn peer_name<S>(stream: &TlsStream<S>) -> Option<String> {
    let certificate = stream.get_ref().1.peer_certificates()?.first()?;
    match common_name(certificate) {
        Some(name) => Some(escape(name, "")),
        None => alternative_names(certificate).into_iter().next(),
    }
}

/// The names of hosts and resources in a certificate. The library tells them when none is the one that it looks for.
fn alternative_names(certificate: &CertificateDer<'_>) -> Vec<String> {
    let parsed = ParsedCertificate::try_from(certificate);
    let nobody = ServerName::try_from("nobody.invalid");
    let (Ok(parsed), Ok(nobody)) = (parsed, nobody) else {
        return Vec::new();
    };
    match verify_server_name(&parsed, &nobody) {
        Err(Error::InvalidCertificate(CertificateError::NotValidForNameContext {
            presented,
            ..
        })) => presented.iter().map(|name| readable(name)).collect(),
        _ => Vec::new(),
    }
}

/// An alternative name without what the library puts around it, `DnsName("host")`, escaped.
pub(super) fn readable(presented: &str) -> String {
    let inner = presented
        .split_once('(')
        .and_then(|(_kind, rest)| rest.strip_suffix(')'));
    let name = inner.unwrap_or(presented);
    // The library writes `0::1`.
    if let Ok(address) = name.parse::<Ipv6Addr>() {
        return address.to_string();
    }
    let quoted = name.strip_prefix('"').and_then(|n| n.strip_suffix('"'));
    escape(quoted.unwrap_or(name).as_bytes(), "")
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_IDENTIFIER: u8 = 0x06;
const VERSION: u8 = 0xa0;
const COMMON_NAME: &[u8] = &[0x55, 4, 3]; // 2.5.4.3

/// The last common name of the subject, as it stands: the most specific one (RFC 5280 § 4.1.2.4).
fn common_name(certificate: &[u8]) -> Option<&[u8]> {
    let signed = Elements(certificate).of_kind(SEQUENCE)?;
    let mut fields = Elements(Elements(signed).of_kind(SEQUENCE)?);
    let (first, _) = fields.next()?;
    // Serial number, algorithm, issuer, validity; version 1 has no version before them.
    let before_subject = if first == VERSION { 4 } else { 3 };
    let (_, subject) = fields.nth(before_subject)?;
    let sets = Elements(subject).filter(|(tag, _)| *tag == SET);
    let attributes = sets.flat_map(|(_, set)| Elements(set));
    attributes
        .filter_map(|(_, attribute)| {
            let mut attribute = Elements(attribute);
            let is_it = attribute.of_kind(OBJECT_IDENTIFIER)? == COMMON_NAME;
            attribute.next().filter(|_| is_it)
        })
        .last()
        .map(|(_, name)| name)
}

/// The elements of DER that stand one after another; ends at the first that is malformed.
struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    /// The next element, if it is of this kind.
    fn of_kind(&mut self, wanted: u8) -> Option<&'a [u8]> {
        let (tag, content) = self.next()?;
        (tag == wanted).then_some(content)
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let [tag, length, rest @ ..] = self.0 else {
            return None;
        };
        let (length, rest) = match *length {
            short @ 0..0x80 => (usize::from(short), rest),
            long => {
                let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
                let length = digits.iter().try_fold(0_usize, |length, digit| {
                    length.checked_mul(256)?.checked_add(usize::from(*digit))
                })?;
                (length, rest)
            }
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, content))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;

    fn certificate(common_name: Option<&str>, alternative: &[&str]) -> CertificateDer<'static> {
        let names: Vec<String> = alternative.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.remove(DnType::CommonName);
        params
            .distinguished_name
            .push(DnType::OrganizationName, "x".repeat(300));
        if let Some(name) = common_name {
            params.distinguished_name.push(DnType::CommonName, name);
        }
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().clone()
    }

    #[test]
    fn the_common_name_is_found_behind_other_attributes() {
        let shown = certificate(Some("ada"), &[]);
        assert_eq!(common_name(&shown), Some(&b"ada"[..]));
        assert_eq!(common_name(&certificate(None, &["host.test"])), None);
    }

    #[test]
    fn alternative_names_come_without_the_library_s_wrapping() {
        let shown = certificate(None, &["host.test", "*.app.test", "127.0.0.1", "::1"]);
        let names = alternative_names(&shown);
        assert_eq!(names, ["host.test", "*.app.test", "127.0.0.1", "::1"]);
        assert_eq!(readable("DnsName(\"a\u{1b}[2J\")"), r"a\x1b[2J");
    }

    proptest! {
        #[test]
        fn a_damaged_certificate_is_read_without_panic(at: prop::sample::Index, byte: u8, length: prop::sample::Index) {
            let mut shown = certificate(Some("ada"), &["host.test"]).to_vec();
            let at = at.index(shown.len());
            shown[at] = byte;
            let _ = common_name(&shown);
            let _ = common_name(&shown[..length.index(shown.len())]);
        }
    }
}

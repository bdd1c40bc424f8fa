//! How a stream ends.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::version::TLS12;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use sockeye_relay::tls::{Client, PeerError, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;

use crate::lab::{Lab, PATIENCE, Stream, connected, served};

const MEBIBYTE: u32 = 1 << 20;

fn pattern() -> Vec<u8> {
    let numbers = (0..MEBIBYTE).step_by(4);
    numbers.flat_map(u32::to_le_bytes).collect()
}

/// Asks, ends its side, and still gets all of the answer.
async fn asks(mut end: Stream) {
    end.write_all(b"request").await.unwrap();
    end.shutdown().await.unwrap();
    let mut answer = Vec::new();
    end.read_to_end(&mut answer).await.unwrap();
    assert!(answer == pattern(), "{} bytes", answer.len());
}

/// Reads to the end before it answers.
async fn answers(mut end: Stream) {
    let mut request = Vec::new();
    end.read_to_end(&mut request).await.unwrap();
    assert_eq!(request, b"request");
    end.write_all(&pattern()).await.unwrap();
    end.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_client_that_has_ended_its_side_gets_a_mebibyte() {
    let (near, far) = served().await;
    tokio::join!(asks(far), answers(near));
}

#[tokio::test]
async fn a_server_that_has_ended_its_side_gets_a_mebibyte() {
    let (near, far) = served().await;
    tokio::join!(asks(near), answers(far));
}

/// TLS 1.2 wants whoever hears the end to end too, and give up what it had to say (RFC 5246 § 7.2.1). Neither end here
/// does, so a client with nothing newer keeps its answer.
#[tokio::test]
async fn an_older_client_that_has_ended_its_side_gets_a_mebibyte() {
    let lab = Lab::new();
    let server = Server::load(&lab.issue("host.test")).unwrap();
    let client = Client::load(&lab.trusting(), "host.test").unwrap();
    let (near, far) = connected().await;
    let older = older(&lab.path("ca.pem"));
    let name = client.name().clone();
    let (near, far) = tokio::join!(server.accept(near, PATIENCE), older.connect(name, far));
    tokio::join!(asks(far.unwrap().into()), answers(near.unwrap()));
}

fn older(ca: &Path) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(ca).unwrap())
        .unwrap();
    let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS12])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(client).into()
}

#[tokio::test]
async fn a_stream_that_is_cut_off_does_not_end_cleanly() {
    let (near, mut far) = served().await;
    let (mut tcp, session) = match near {
        Stream::Server(end) => end.into_inner(),
        Stream::Client(_) => panic!("the near end is the server's"),
    };
    drop(session);
    tcp.shutdown().await.unwrap();
    let error = far.read_u8().await.expect_err("read");
    let cause = PeerError::in_stream(error);
    assert!(matches!(cause, PeerError::Truncated), "{cause:?}");
}

#[tokio::test]
async fn bytes_that_are_no_tls_break_the_stream() {
    let (near, mut far) = served().await;
    let (mut tcp, _session) = match near {
        Stream::Server(end) => end.into_inner(),
        Stream::Client(_) => panic!("the near end is the server's"),
    };
    tcp.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    let cause = PeerError::in_stream(far.read_u8().await.expect_err("read"));
    assert!(matches!(cause, PeerError::Broken { .. }), "{cause:?}");
}

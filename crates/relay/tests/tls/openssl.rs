//! With openssl at the other end.

use std::process::Stdio;

use rstest::rstest;
use sockeye_address::TlsOptions;
use sockeye_relay::tls::{Client, PeerError, Server, peer_name};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use crate::lab::{Lab, PATIENCE, Stream, told};

fn openssl(lab: &Lab, line: &str) -> Child {
    let mut command = Command::new("openssl");
    command.args(line.split(' ')).current_dir(lab.path(""));
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command.stderr(Stdio::null()).kill_on_drop(true);
    command.spawn().unwrap()
}

fn mutual(lab: &Lab, own: TlsOptions) -> TlsOptions {
    TlsOptions {
        ca: Some(lab.path("ca.pem")),
        ..own
    }
}

/// `openssl s_client` with and without a certificate, accepted by a server that requires one.
async fn accepted(lab: &Lab, more: &str) -> (Child, Result<Stream, PeerError>) {
    let server = Server::load(&mutual(lab, lab.issue("host.test"))).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = listener.local_addr().unwrap();
    let verified = "-CAfile ca.pem -verify_return_error -verify_hostname host.test -quiet";
    let client = openssl(lab, &format!("s_client -connect {place} {verified}{more}"));
    let (stream, _) = listener.accept().await.unwrap();
    (client, server.accept(stream, PATIENCE).await)
}

#[rstest]
#[case::tls_1_3(" -tls1_3")]
#[case::tls_1_2(" -tls1_2")]
#[tokio::test]
async fn s_client_is_let_in_by_its_certificate(#[case] version: &str) {
    let lab = Lab::new();
    lab.issue("ada");
    let (mut client, near) = accepted(&lab, &format!(" -cert ada.pem -key ada.key{version}")).await;
    let mut near = near.unwrap();
    assert_eq!(peer_name(&near).as_deref(), Some("ada"));

    let mut typed = client.stdin.take().unwrap();
    typed.write_all(b"ping\n").await.unwrap();
    let mut heard = [0; 5];
    near.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"ping\n");
    near.write_all(b"pong\n").await.unwrap();
    near.shutdown().await.unwrap();
    let mut shown = String::new();
    let mut output = client.stdout.take().unwrap();
    output.read_to_string(&mut shown).await.unwrap();
    assert_eq!(shown, "pong\n");
    assert!(client.wait().await.unwrap().success());
}

#[rstest]
#[case::tls_1_3(" -tls1_3")]
#[case::tls_1_2(" -tls1_2")]
#[tokio::test]
async fn s_client_without_certificate_is_refused(#[case] version: &str) {
    let (mut client, near) = accepted(&Lab::new(), version).await;
    assert_eq!(
        told(&near.expect_err("let in")),
        "the peer showed no certificate"
    );
    assert!(!client.wait().await.unwrap().success());
}

/// `openssl s_server` that turns around each line, and requires a certificate.
async fn turned_around(lab: &Lab, version: &str) -> (Child, TcpStream) {
    lab.issue("host.test");
    let shows = "-cert host.test.pem -key host.test.key -CAfile ca.pem";
    let demands = "-Verify 1 -verify_return_error -naccept 1 -rev";
    let line = format!("s_server -accept 127.0.0.1:0 {shows} {demands}{version}");
    let mut server = openssl(lab, &line);
    let mut lines = BufReader::new(server.stdout.as_mut().unwrap()).lines();
    let place = loop {
        let line = lines
            .next_line()
            .await
            .unwrap()
            .expect("an end of s_server");
        if let Some(place) = line.strip_prefix("ACCEPT ") {
            break place.to_owned();
        }
    };
    (server, TcpStream::connect(place).await.unwrap())
}

#[rstest]
#[case::tls_1_3(" -tls1_3")]
#[case::tls_1_2(" -tls1_2")]
#[tokio::test]
async fn s_server_takes_our_certificate(#[case] version: &str) {
    let lab = Lab::new();
    let (_server, stream) = turned_around(&lab, version).await;
    let client = Client::load(&mutual(&lab, lab.issue("ada")), "host.test").unwrap();
    let mut far = client.connect(stream, PATIENCE).await.unwrap();
    far.write_all(b"drawer\n").await.unwrap();
    far.flush().await.unwrap();
    let mut heard = [0; 7];
    far.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"reward\n");
}

#[rstest]
#[case::tls_1_3(" -tls1_3")]
#[case::tls_1_2(" -tls1_2")]
#[tokio::test]
async fn s_server_says_that_it_requires_a_certificate(#[case] version: &str) {
    let lab = Lab::new();
    let (_server, stream) = turned_around(&lab, version).await;
    let client = Client::load(&lab.trusting(), "host.test").unwrap();
    let refusal = match client.connect(stream, PATIENCE).await {
        Ok(mut far) => PeerError::in_stream(far.read_u8().await.expect_err("let in")),
        Err(refusal) => refusal,
    };
    let line = told(&refusal);
    assert!(line.contains("requires a certificate"), "{line}");
}

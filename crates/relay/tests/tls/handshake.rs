//! Who is let in, and what each end says otherwise.

use std::time::Duration;

use rcgen::{ExtendedKeyUsagePurpose, SanType, date_time_ymd};
use rustls::AlertDescription;
use sockeye_address::TlsOptions;
use sockeye_relay::tls::{Alert, Client, PeerError, Server, peer_name};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::lab::{Lab, PATIENCE, connected, meet, served, told};

fn mutual(lab: &Lab, own: TlsOptions) -> TlsOptions {
    TlsOptions {
        ca: Some(lab.path("ca.pem")),
        ..own
    }
}

fn ends(server: &TlsOptions, client: &TlsOptions) -> (Server, Client) {
    (
        Server::load(server).unwrap(),
        Client::load(client, "host.test").unwrap(),
    )
}

#[tokio::test]
async fn both_ends_know_each_other_by_their_certificates() {
    let lab = Lab::new();
    let (server, client) = ends(
        &mutual(&lab, lab.issue("host.test")),
        &mutual(&lab, lab.issue("ada")),
    );
    let (near, far) = meet(&server, &client).await;
    assert_eq!(peer_name(&near.unwrap()).as_deref(), Some("ada"));
    assert_eq!(peer_name(&far.unwrap()).as_deref(), Some("host.test"));
}

#[tokio::test]
async fn a_client_that_shows_nothing_has_no_name() {
    let (near, _far) = served().await;
    assert_eq!(peer_name(&near), None);
}

#[tokio::test]
async fn a_client_without_certificate_is_refused_and_learns_why() {
    let lab = Lab::new();
    let (server, client) = ends(&mutual(&lab, lab.issue("host.test")), &lab.trusting());
    let (near, far) = connected().await;
    let request = async {
        let mut far = client.connect(far, PATIENCE).await.unwrap();
        // Sent before the refusal is known, and after: neither must turn the refusal into a reset.
        far.write_all(&vec![b'x'; 20_000]).await.unwrap();
        far.flush().await.unwrap();
        far.get_ref().0.readable().await.unwrap();
        far.write_all(b"more").await.unwrap();
        far.flush().await.unwrap();
        PeerError::in_stream(far.read_u8().await.expect_err("let in"))
    };
    let (near, refusal) = tokio::join!(server.accept(near, PATIENCE), request);
    assert!(matches!(near, Err(PeerError::NoCertificate)), "{near:?}");
    let required = Alert(AlertDescription::CertificateRequired);
    assert!(
        matches!(&refusal, PeerError::Refused(alert) if *alert == required),
        "{refusal:?}"
    );
    let line = "the peer requires a certificate, and was shown none";
    assert_eq!(told(&refusal), line);
}

#[tokio::test]
async fn an_authority_that_is_not_trusted_is_told_on_both_ends() {
    let mut lab = Lab::new();
    let own = lab.issue("host.test");
    lab.renew("another authority");
    let (server, client) = ends(&own, &lab.trusting());
    let (near, far) = meet(&server, &client).await;
    let line = "the peer's certificate is signed by no authority that is trusted";
    assert_eq!(told(&far.expect_err("trusted")), line);
    let line = "the peer does not trust the authority of this end's certificate";
    assert_eq!(told(&near.expect_err("accepted")), line);
}

#[tokio::test]
async fn another_name_is_told_with_the_one_that_was_wanted() {
    let lab = Lab::new();
    let own = lab.issue_with("other.test", |params| {
        let address = SanType::IpAddress([127, 0, 0, 1].into());
        params.subject_alt_names.push(address);
    });
    let (server, client) = ends(&own, &lab.trusting());
    let (_, far) = meet(&server, &client).await;
    let line = "the peer's certificate is for other.test, 127.0.0.1, not for host.test";
    assert_eq!(told(&far.expect_err("verified")), line);

    for host in ["127.0.0.1", "other.test"] {
        let client = Client::load(&lab.trusting(), host).unwrap();
        meet(&server, &client).await.1.unwrap();
    }
    let named = TlsOptions {
        name: Some("other.test".to_owned()),
        ..lab.trusting()
    };
    let client = Client::load(&named, "host.test").unwrap();
    meet(&server, &client).await.1.unwrap();
}

#[tokio::test]
async fn an_expired_certificate_is_told_with_its_age() {
    let lab = Lab::new();
    let own = lab.issue_with("host.test", |params| {
        params.not_after = date_time_ymd(2020, 1, 1);
    });
    let (server, client) = ends(&own, &lab.trusting());
    let (near, far) = meet(&server, &client).await;
    let line = told(&far.expect_err("verified"));
    assert!(
        line.starts_with("the peer's certificate expired "),
        "{line}"
    );
    assert!(line.ends_with(" days ago"), "{line}");
    assert_eq!(
        told(&near.expect_err("accepted")),
        "the peer finds this end's certificate expired"
    );
}

#[tokio::test]
async fn a_certificate_for_later_is_told() {
    let lab = Lab::new();
    let own = lab.issue_with("host.test", |params| {
        params.not_before = date_time_ymd(3000, 1, 1);
    });
    let (server, client) = ends(&own, &lab.trusting());
    let (_, far) = meet(&server, &client).await;
    let refusal = far.expect_err("verified");
    assert!(
        matches!(refusal, PeerError::NotYetValid { .. }),
        "{refusal:?}"
    );
}

#[tokio::test]
async fn the_certificate_of_a_client_does_not_serve() {
    let lab = Lab::new();
    let own = lab.issue_with("host.test", |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let (server, client) = ends(&own, &lab.trusting());
    let (_, far) = meet(&server, &client).await;
    assert_eq!(
        told(&far.expect_err("verified")),
        "the peer's certificate is not for this use"
    );
}

#[tokio::test]
async fn only_clients_with_the_name_that_is_asked_for_are_let_in() {
    let lab = Lab::new();
    let for_ada = TlsOptions {
        name: Some("ada".to_owned()),
        ..mutual(&lab, lab.issue("host.test"))
    };
    let (server, ada) = ends(&for_ada, &mutual(&lab, lab.issue("ada")));
    meet(&server, &ada).await.0.unwrap();
    let eve = Client::load(&mutual(&lab, lab.issue("eve")), "host.test").unwrap();
    let (near, _) = meet(&server, &eve).await;
    let line = "the peer's certificate is for eve, not for ada";
    assert_eq!(told(&near.expect_err("let in")), line);
}

#[tokio::test]
async fn a_server_told_not_to_verify_asks_for_nothing() {
    let lab = Lab::new();
    let own = TlsOptions {
        verify: Some(false),
        ..mutual(&lab, lab.issue("host.test"))
    };
    let (server, client) = ends(&own, &lab.trusting());
    meet(&server, &client).await.0.unwrap();
}

#[tokio::test]
async fn only_a_client_told_not_to_verify_takes_any_certificate() {
    let mut lab = Lab::new();
    let own = lab.issue_with("other.test", |params| {
        params.not_after = date_time_ymd(2020, 1, 1);
    });
    lab.renew("another authority");
    for (verify, trusted) in [(None, false), (Some(true), false), (Some(false), true)] {
        let options = TlsOptions {
            verify,
            ..lab.trusting()
        };
        let (server, client) = ends(&own, &options);
        let (_, far) = meet(&server, &client).await;
        assert_eq!(far.is_ok(), trusted, "{verify:?}");
    }
}

#[tokio::test]
async fn an_authority_that_shows_itself_unlisted_is_refused_in_words() {
    let lab = Lab::new();
    lab.openssl("req -x509 -newkey rsa:2048 -nodes -keyout app.key -out app.pem -subj /CN=app");
    let own = TlsOptions {
        cert: Some(lab.path("app.pem")),
        key: Some(lab.path("app.key")),
        ..TlsOptions::default()
    };
    let (server, client) = ends(&own, &lab.trusting());
    let (_, far) = meet(&server, &client).await;
    let line = "the peer's certificate is not valid: it is that of an authority, and not itself one that is trusted";
    assert_eq!(told(&far.expect_err("trusted")), line);
}

#[tokio::test]
async fn both_ends_agree_on_a_protocol_or_do_not_meet() {
    let lab = Lab::new();
    let speaking = |own: TlsOptions, alpn: &[&str]| TlsOptions {
        alpn: alpn.iter().map(|&id| id.to_owned()).collect(),
        ..own
    };
    let own = speaking(lab.issue("host.test"), &["h2", "http/1.1"]);
    let (server, client) = ends(&own, &speaking(lab.trusting(), &["http/1.1"]));
    let (near, far) = meet(&server, &client).await;
    for end in [near.unwrap(), far.unwrap()] {
        assert_eq!(end.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    }
    let client = Client::load(&speaking(lab.trusting(), &["postgresql"]), "host.test").unwrap();
    let (near, far) = meet(&server, &client).await;
    let line = "the peer offers none of the protocols taken here (ALPN)";
    assert_eq!(told(&near.expect_err("agreed")), line);
    let line = "the peer takes none of the protocols offered (ALPN)";
    assert_eq!(told(&far.expect_err("agreed")), line);
}

#[tokio::test]
async fn a_client_that_does_not_speak_tls_is_told_so() {
    let lab = Lab::new();
    let server = Server::load(&lab.issue("host.test")).unwrap();
    let (near, mut far) = connected().await;
    far.write_all(b"GET / HTTP/1.1\r\nHost: host.test\r\n\r\n")
        .await
        .unwrap();
    let answer = async {
        let mut alert = Vec::new();
        far.read_to_end(&mut alert).await.unwrap();
        drop(far);
        alert
    };
    let (near, alert) = tokio::join!(server.accept(near, PATIENCE), answer);
    assert!(matches!(near, Err(PeerError::NotTls)), "{near:?}");
    assert_eq!(alert.first(), Some(&21), "no alert: {alert:?}");
}

#[tokio::test]
async fn a_target_that_does_not_speak_tls_is_told_so() {
    for banner in [
        "SSH-2.0-OpenSSH_9.9\r\n",
        "-ERR unknown command\r\n",
        "HTTP/1.1 400 Bad Request\r\n\r\n",
    ] {
        let client = Client::load(&Lab::new().trusting(), "host.test").unwrap();
        let (mut near, far) = connected().await;
        near.write_all(banner.as_bytes()).await.unwrap();
        let refusal = client.connect(far, PATIENCE).await.expect_err("spoke TLS");
        assert_eq!(told(&refusal), "the peer does not speak TLS", "{banner}");
    }
}

#[tokio::test]
async fn a_peer_that_says_nothing_is_given_up() {
    let lab = Lab::new();
    let limit = Duration::from_millis(20);
    let client = Client::load(&lab.trusting(), "host.test").unwrap();
    let (near, far) = connected().await;
    let refusal = client.connect(far, limit).await.expect_err("answered");
    assert_eq!(told(&refusal), "the TLS handshake was not over within 20ms");
    drop(near);

    let server = Server::load(&lab.issue("host.test")).unwrap();
    let (near, far) = connected().await;
    let refusal = server.accept(near, limit).await.expect_err("asked");
    assert_eq!(told(&refusal), "the TLS handshake was not over within 20ms");
    drop(far);
}

#[tokio::test]
async fn a_peer_that_hangs_up_is_told_so() {
    let server = Server::load(&Lab::new().issue("host.test")).unwrap();
    let (near, far) = connected().await;
    drop(far);
    let refusal = server.accept(near, PATIENCE).await.expect_err("asked");
    let line = "the peer closed the connection during the TLS handshake";
    assert_eq!(told(&refusal), line);
}

//! openssl at the other end of TLS, each side with a certificate.

use crate::nginx;
use crate::program::noise;
use crate::stage::{Stage, place};

const CONFIGURATION: &str = "
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:TRUE
[leaf]
basicConstraints = critical, CA:FALSE
subjectAltName = DNS:host.test
";

/// An authority in `ca.pem` and `ca.key`, and certificates of it for `server` and `client`.
fn certificates(stage: &Stage) {
    stage.write("req.conf", CONFIGURATION);
    let make = |name: &str, more: &[&str]| {
        let (key, file) = (format!("{name}.key"), format!("{name}.pem"));
        let subject = format!("/CN={name}");
        let kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
        let fixed = ["openssl", "req", "-x509", "-config", "req.conf", "-nodes"];
        let names = ["-subj", &subject, "-keyout", &key, "-out", &file];
        stage.run(&[&fixed[..], &kind, &names, &["-days", "2"], more].concat());
    };
    make("ca", &["-extensions", "ca"]);
    let by_ca = ["-CA", "ca.pem", "-CAkey", "ca.key", "-extensions", "leaf"];
    make("server", &by_ca);
    make("client", &by_ca);
}

#[test]
fn s_client_and_curl_reach_a_socket() {
    let stage = Stage::new();
    certificates(&stage);
    let _server = nginx::server(&stage);
    let place = place().to_string();
    let files = "cert=server.pem,key=server.key,ca=ca.pem";
    let relay = stage.relay(&[&format!("tls:{place},{files}"), "./http.sock"]);

    let request = b"GET /req.conf HTTP/1.1\r\nHost: host.test\r\nConnection: close\r\n\r\n";
    let verified = ["-CAfile", "ca.pem", "-verify_return_error", "-quiet"];
    let name = ["-verify_hostname", "host.test", "-connect", &place];
    let plain = [&["openssl", "s_client"], &verified[..], &name].concat();
    let shown = ["-cert", "client.pem", "-key", "client.key"];
    let answer = stage.run_with(&[&plain[..], &shown].concat(), request);
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with(CONFIGURATION), "{answer}");

    let content = noise(10_000_000);
    stage.write("file", &content);
    let to = format!("::{place}");
    let curl = ["curl", "-sSf", "--connect-to", &to, "--cacert", "ca.pem"];
    let own = ["--cert", "client.pem", "--key", "client.key"];
    let url = ["https://host.test/file"];
    assert!(stage.run_with(&[&curl[..], &own, &url].concat(), b"") == content);

    let ended = stage.fed(&plain, request);
    assert_eq!((ended.status, &*ended.text()), (Some(1), ""), "{ended:?}");
    relay.says("the peer showed no certificate");
    relay.stop();
}

#[test]
fn s_server_is_reached_from_a_socket() {
    let stage = Stage::new();
    certificates(&stage);
    let content = noise(10_000_000);
    stage.write("file", &content);
    let accept = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-WWW"];
    let own = ["-cert", "server.pem", "-key", "server.key"];
    let mutual = ["-CAfile", "ca.pem", "-Verify", "1", "-verify_return_error"];
    let server = stage.server(&[&accept[..], &own, &mutual].concat(), "ACCEPT 127.0.0.1:");
    let said = server.said();
    let (_, place) = said.rsplit_once("ACCEPT ").unwrap();
    let place = place.trim();

    let files = "cert=client.pem,key=client.key,ca=ca.pem,name=host.test";
    let relay = stage.relay(&["./in.sock", &format!("tls:{place},{files}")]);
    let curl = ["curl", "-sSf", "--http0.9", "--unix-socket", "in.sock"];
    let url = ["http://host.test/file"];
    assert!(stage.run_with(&[&curl[..], &url].concat(), b"") == content);
    relay.stop_without_failure();

    // The same without a certificate.
    let files = "ca=ca.pem,name=host.test";
    let relay = stage.relay(&["./in.sock", &format!("tls:{place},{files}")]);
    let ended = stage.start(&[&curl[..], &url].concat()).end();
    assert_ne!(ended.status, Some(0), "{ended:?}");
    assert_eq!(ended.stdout, b"");
    let log = relay.stop();
    assert!(log.contains("certificate"), "{log}");
}

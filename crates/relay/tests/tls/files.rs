//! Each file that is no good gives one line that names it and the cause.

use std::fmt::Write as _;
use std::fs;

use rstest::rstest;
use sockeye_address::TlsOptions;
use sockeye_relay::tls::{Client, Server};

use crate::lab::{Lab, meet, told};

fn refused(lab: &Lab, options: &TlsOptions) -> String {
    let error = Server::load(options).expect_err("loaded");
    let line = told(&error);
    assert!(!line.contains('\n'), "{line}");
    line.replace(&lab.path("").display().to_string(), "")
}

#[rstest]
#[case::missing(
    "app.pem",
    None,
    "load certificate app.pem: No such file or directory (os error 2)"
)]
#[case::empty("app.pem", Some(""), "load certificate app.pem: it is not PEM")]
#[case::binary(
    "app.pem",
    Some("0\u{82}\u{1}"),
    "load certificate app.pem: it is not PEM"
)]
#[case::only_a_key(
    "app.pem",
    Some("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
    "load certificate app.pem: there is no certificate in it"
)]
#[case::cut_off(
    "app.pem",
    Some("-----BEGIN CERTIFICATE-----\nAAAA\n"),
    "load certificate app.pem: its PEM is damaged: a section does not end"
)]
#[case::no_base64(
    "app.pem",
    Some("-----BEGIN CERTIFICATE-----\n(*)\n-----END CERTIFICATE-----\n"),
    "load certificate app.pem: its PEM is damaged: a section is not base64"
)]
#[case::no_certificate_inside(
    "app.pem",
    Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    "load certificate app.pem: what it holds is no X.509 certificate of version 3"
)]
#[case::missing_key(
    "app.key",
    None,
    "load key app.key: No such file or directory (os error 2)"
)]
#[case::no_key(
    "app.key",
    Some("-----BEGIN EC PARAMETERS-----\nAAAA\n-----END EC PARAMETERS-----\n"),
    "load key app.key: there is no key in it"
)]
#[case::no_key_inside(
    "app.key",
    Some("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
    "load key app.key: the key is none of RSA with 2048 bits or more, ECDSA P-256 or P-384, Ed25519"
)]
#[case::missing_authorities(
    "ca.pem",
    None,
    "load authorities ca.pem: No such file or directory (os error 2)"
)]
#[case::no_authority_inside(
    "ca.pem",
    Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    "load authorities ca.pem: what it holds is no X.509 certificate of version 3"
)]
fn a_file_that_is_no_good_is_named_with_the_cause(
    #[case] file: &str,
    #[case] text: Option<&str>,
    #[case] line: &str,
) {
    let lab = Lab::new();
    let options = TlsOptions {
        ca: Some(lab.path("ca.pem")),
        ..lab.issue("app")
    };
    match text {
        Some(text) => drop(lab.write(file, text)),
        None => fs::remove_file(lab.path(file)).unwrap(),
    }
    assert_eq!(refused(&lab, &options), line);
}

#[test]
fn a_folder_is_no_certificate() {
    let lab = Lab::new();
    let cert = lab.path("folder.pem");
    fs::create_dir(&cert).unwrap();
    let options = TlsOptions {
        cert: Some(cert),
        ..TlsOptions::default()
    };
    let line = refused(&lab, &options);
    assert_eq!(
        line,
        "load certificate folder.pem: Is a directory (os error 21)"
    );
}

#[test]
fn a_device_without_end_does_not_fill_the_memory() {
    let options = TlsOptions {
        cert: Some("/dev/zero".into()),
        ..TlsOptions::default()
    };
    let line = refused(&Lab::new(), &options);
    assert_eq!(line, "load certificate /dev/zero: it is larger than 16 MiB");
}

#[test]
fn the_key_of_another_certificate_is_refused() {
    let lab = Lab::new();
    let options = TlsOptions {
        key: lab.issue("other").key,
        ..lab.issue("app")
    };
    let line = "load key other.key: the key is not that of the first certificate in app.pem";
    assert_eq!(refused(&lab, &options), line);
}

#[test]
fn a_key_without_certificate_is_refused() {
    let lab = Lab::new();
    let options = TlsOptions {
        cert: None,
        ..lab.issue("app")
    };
    let line = "load key app.key: there is no certificate to go with it";
    assert_eq!(refused(&lab, &options), line);
}

#[test]
fn a_listener_needs_a_certificate() {
    let line = "load certificate: a listener has to show one, and none is given";
    assert_eq!(refused(&Lab::new(), &TlsOptions::default()), line);
}

#[rstest]
#[case::today("pkcs8 -topk8 -in app.key -out locked.key -passout pass:x")]
#[case::formerly("rsa -in app.key -out locked.key -aes128 -passout pass:x -traditional")]
fn an_encrypted_key_is_called_so(#[case] lock: &str) {
    let lab = Lab::new();
    lab.openssl("req -x509 -newkey rsa:2048 -nodes -keyout app.key -out app.pem -subj /CN=app");
    lab.openssl(lock);
    let apart = TlsOptions {
        cert: Some(lab.path("app.pem")),
        key: Some(lab.path("locked.key")),
        ..TlsOptions::default()
    };
    assert_eq!(
        refused(&lab, &apart),
        "load key locked.key: the key is encrypted"
    );

    let mut both = fs::read_to_string(lab.path("app.pem")).unwrap();
    both += &fs::read_to_string(lab.path("locked.key")).unwrap();
    let together = TlsOptions {
        cert: Some(lab.write("both.pem", both)),
        ..TlsOptions::default()
    };
    let line = "load certificate both.pem: the key is encrypted";
    assert_eq!(refused(&lab, &together), line);
}

#[test]
fn a_name_is_of_no_use_where_clients_show_nothing() {
    let lab = Lab::new();
    let options = TlsOptions {
        name: Some("app".to_owned()),
        ..lab.issue("host.test")
    };
    let line = "verify name app: clients are not asked for certificates";
    assert_eq!(refused(&lab, &options), line);
}

#[test]
fn a_name_that_no_certificate_can_hold_is_refused() {
    let error = Client::load(&Lab::new().trusting(), "a b\u{1b}").expect_err("loaded");
    let line = r"verify name a b\x1b: it is neither the name nor the address of a host";
    assert_eq!(told(&error), line);
}

/// Certificates as people make them for socat: their own authority, a common name only, key and certificate in a file.
#[rstest]
#[case::rsa_pkcs1("genrsa -traditional -out app.key 2048")]
#[case::rsa_pkcs8("genrsa -out app.key 2048")]
#[case::ec_sec1("ecparam -name prime256v1 -genkey -out app.key")]
#[case::ec_pkcs8("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out app.key")]
#[case::ed25519("genpkey -algorithm ED25519 -out app.key")]
#[tokio::test]
async fn a_file_that_openssl_made_holds_both_and_is_trusted_as_itself(#[case] make: &str) {
    let lab = Lab::new();
    lab.openssl(make);
    lab.openssl("req -x509 -key app.key -out app.crt -subj /CN=app");
    let certificate = fs::read_to_string(lab.path("app.crt")).unwrap();
    let mut both = fs::read_to_string(lab.path("app.key")).unwrap();
    write!(both, "\n{certificate}").unwrap();
    let shown = TlsOptions {
        cert: Some(lab.write("both.pem", both)),
        ca: Some(lab.path("app.crt")),
        ..TlsOptions::default()
    };
    let server = Server::load(&shown).unwrap();
    let client = Client::load(&shown, "host.test").unwrap();
    let (near, far) = meet(&server, &client).await;
    near.unwrap();
    far.unwrap();

    // A name that was asked for is not made up for by being listed.
    let strict = TlsOptions {
        name: Some("host.test".to_owned()),
        ..shown
    };
    let client = Client::load(&strict, "host.test").unwrap();
    let (_, far) = meet(&server, &client).await;
    let line = "the peer's certificate is for no name, not for host.test";
    assert_eq!(told(&far.expect_err("verified")), line);
}

//! Authorities, certificates in a folder of their own, and connected ends.

use std::error::Error;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use sockeye_address::TlsOptions;
use sockeye_relay::tls::{Client, PeerError, Server};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsStream;

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) type Stream = TlsStream<TcpStream>;

/// A folder with the certificates of one test, and their authority in `ca.pem`.
pub(crate) struct Lab {
    folder: TempDir,
    authority: CertifiedIssuer<'static, KeyPair>,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let lab = Lab {
            folder: TempDir::new().unwrap(),
            authority: authority("the authority"),
        };
        lab.write("ca.pem", lab.authority.pem());
        lab
    }

    /// Replaces the authority, in `ca.pem` too.
    pub(crate) fn renew(&mut self, name: &str) {
        self.authority = authority(name);
        self.write("ca.pem", self.authority.pem());
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Makes `NAME.pem` and `NAME.key`, as `change` wants them.
    pub(crate) fn issue_with(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> TlsOptions {
        let mut params = params(name);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.authority).unwrap();
        TlsOptions {
            cert: Some(self.write(&format!("{name}.pem"), certificate.pem())),
            key: Some(self.write(&format!("{name}.key"), key.serialize_pem())),
            ..TlsOptions::default()
        }
    }

    pub(crate) fn issue(&self, name: &str) -> TlsOptions {
        self.issue_with(name, |_| {})
    }

    /// Options that trust the authority and show nothing.
    pub(crate) fn trusting(&self) -> TlsOptions {
        TlsOptions {
            ca: Some(self.path("ca.pem")),
            ..TlsOptions::default()
        }
    }

    /// Runs openssl in the folder, with a command line that has no spaces but between its words.
    pub(crate) fn openssl(&self, line: &str) {
        let mut command = Command::new("openssl");
        command.args(line.split(' ')).current_dir(&self.folder);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {line}: {said}");
    }
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Both ends of a connection over the loopback.
pub(crate) async fn connected() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = TcpStream::connect(listener.local_addr().unwrap());
    let (accepted, connected) = tokio::join!(listener.accept(), target);
    (accepted.unwrap().0, connected.unwrap())
}

/// A handshake between two ends, and what each says of it.
pub(crate) async fn meet(
    server: &Server,
    client: &Client,
) -> (Result<Stream, PeerError>, Result<Stream, PeerError>) {
    let (near, far) = connected().await;
    tokio::join!(server.accept(near, PATIENCE), client.connect(far, PATIENCE))
}

/// Connected ends of a server `host.test` and a client, nobody asked for a certificate of the latter.
pub(crate) async fn served() -> (Stream, Stream) {
    let lab = Lab::new();
    let server = Server::load(&lab.issue("host.test")).unwrap();
    let client = Client::load(&lab.trusting(), "host.test").unwrap();
    let (near, far) = meet(&server, &client).await;
    (near.unwrap(), far.unwrap())
}

/// An error with its causes, on one line.
pub(crate) fn told(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    line
}

//! Files that change while connections are open.

use sockeye_address::TlsOptions;
use sockeye_relay::tls::{Client, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::lab::{Lab, Stream, meet, told};

async fn says_something(from: &mut Stream, to: &mut Stream) {
    from.write_all(b"still here").await.unwrap();
    from.flush().await.unwrap();
    let mut heard = [0; 10];
    to.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"still here");
}

#[tokio::test]
async fn new_files_are_for_new_connections() {
    let mut lab = Lab::new();
    let server = Server::load(&lab.issue("host.test")).unwrap();
    let client = Client::load(&lab.trusting(), "host.test").unwrap();
    let (near, far) = meet(&server, &client).await;
    let (mut near, mut far) = (near.unwrap(), far.unwrap());

    lab.renew("the next authority");
    lab.issue("host.test");
    server.reload().unwrap();
    let (_, refused) = meet(&server, &client).await;
    let line = "the peer's certificate is signed by no authority that is trusted";
    assert_eq!(told(&refused.expect_err("trusted")), line);

    client.reload().unwrap();
    let (_, again) = meet(&server, &client).await;
    again.unwrap();
    says_something(&mut near, &mut far).await;
    says_something(&mut far, &mut near).await;
}

#[tokio::test]
async fn bad_files_leave_everything_as_it_was() {
    let lab = Lab::new();
    let options = lab.issue("host.test");
    let server = Server::load(&options).unwrap();
    let client = Client::load(&lab.trusting(), "host.test").unwrap();

    // Half of a renewal: the certificate is new, and the key is not yet.
    let key = std::fs::read(lab.path("host.test.key")).unwrap();
    lab.issue("host.test");
    lab.write("host.test.key", key);
    let line = told(&server.reload().expect_err("reloaded"));
    assert!(
        line.contains("host.test.key: the key is not that of the first"),
        "{line}"
    );
    lab.write("ca.pem", "nothing");
    client.reload().expect_err("reloaded");

    let (near, far) = meet(&server, &client).await;
    near.unwrap();
    far.unwrap();
}

#[tokio::test]
async fn a_client_that_is_trusted_no_longer_cannot_resume() {
    let mut lab = Lab::new();
    let server = TlsOptions {
        ca: Some(lab.path("ca.pem")),
        ..lab.issue("host.test")
    };
    let ada = TlsOptions {
        ca: Some(lab.write("old-ca.pem", std::fs::read(lab.path("ca.pem")).unwrap())),
        ..lab.issue("ada")
    };
    let server = Server::load(&server).unwrap();
    let client = Client::load(&ada, "host.test").unwrap();
    let (near, far) = meet(&server, &client).await;
    let (mut near, mut far) = (near.unwrap(), far.unwrap());
    // With these bytes come the tickets to resume with.
    says_something(&mut near, &mut far).await;

    lab.renew("the next authority");
    server.reload().unwrap();
    let (near, _) = meet(&server, &client).await;
    let line = "the peer's certificate is signed by no authority that is trusted";
    assert_eq!(told(&near.expect_err("let in")), line);
}

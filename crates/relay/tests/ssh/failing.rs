use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use sockeye_address::SshPath;
use sockeye_relay::ssh::{Error, Failure, Master, Settings};

use super::server::Server;
use super::{PATIENCE, Record, ask, chain, echo_at, until};

async fn failure_of(address: &SshPath, settings: Settings) -> String {
    let began = Instant::now();
    let error = Master::new(address, settings)
        .connect(PATIENCE)
        .await
        .unwrap_err();
    assert!(began.elapsed() < PATIENCE, "{error}");
    chain(&error)
}

#[tokio::test]
async fn a_key_that_is_not_known_there_is_the_reason() {
    let server = Server::start();
    std::fs::write(server.path("user.pub"), "").unwrap();
    let address = server.address("/run/x.sock");
    let failure = failure_of(&address, server.settings()).await;
    let user = address.user.as_deref().unwrap();
    // Which other ways to log in it offers depends on how sshd was built.
    let expected = format!("connect {address}: {user}@127.0.0.1: Permission denied (publickey");
    assert!(failure.starts_with(&expected), "{failure}");
}

/// A port that is taken, and where nobody listens.
fn closed_port() -> (socket2::Socket, u16) {
    use socket2::{Domain, Socket, Type};
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(&any.into()).unwrap();
    let port = socket.local_addr().unwrap().as_socket().unwrap().port();
    (socket, port)
}

#[tokio::test]
async fn a_machine_that_is_not_who_it_was_is_the_reason() {
    let server = Server::start();
    let known = std::fs::read_to_string(server.path("known_hosts")).unwrap();
    let (host, _) = known.split_once(' ').unwrap();
    let other = std::fs::read_to_string(server.path("user.pub")).unwrap();
    std::fs::write(server.path("known_hosts"), format!("{host} {other}")).unwrap();
    let address = server.address("/run/x.sock");
    let failure = failure_of(&address, server.settings()).await;
    assert_eq!(
        failure,
        format!("connect {address}: Host key verification failed")
    );
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_the_reason() {
    let server = Server::start();
    let (settings, mut address) = (server.settings(), server.address("/run/x.sock"));
    let (_socket, port) = closed_port();
    address.port = Some(port);
    let failure = failure_of(&address, settings).await;
    assert_eq!(
        failure,
        format!(
            "connect {address}: ssh: connect to host 127.0.0.1 port {port}: Connection refused"
        )
    );
}

#[tokio::test]
async fn a_program_that_is_not_there_is_the_reason() {
    let server = Server::start();
    let settings = Settings {
        program: "/nonexistent/ssh".into(),
        ..server.settings()
    };
    let address = server.address("/run/x.sock");
    let failure = failure_of(&address, settings).await;
    let expected = "run /nonexistent/ssh: No such file or directory (os error 2)";
    assert_eq!(failure, format!("connect {address}: {expected}"));
}

#[tokio::test]
async fn an_option_that_ssh_does_not_know_is_the_reason() {
    let server = Server::start();
    let mut settings = server.settings();
    settings.options.push("NoSuchOption=1".into());
    let failure = failure_of(&server.address("/run/x.sock"), settings).await;
    assert!(
        failure.contains("Bad configuration option: nosuchoption"),
        "{failure}"
    );
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_the_reason() {
    let server = Server::start();
    let settings = Settings {
        folder: Some(server.path("none")),
        ..server.settings()
    };
    let failure = failure_of(&server.address("/run/x.sock"), settings).await;
    assert!(failure.contains(": make a private folder: "), "{failure}");
}

#[tokio::test]
async fn a_socket_that_is_not_there_ends_the_client_and_is_told() {
    let server = Server::start();
    let record = Record::default();
    let settings = Settings {
        listener: Some(record.listener()),
        ..server.settings()
    };
    let socket = server.path("later.sock");
    let master = Master::new(&server.address(&socket), settings);
    let began = Instant::now();
    let fd = master.connect(PATIENCE).await.unwrap();
    assert_eq!(ask(fd, b""), b"");
    until("the refusal", || record.count("Refused(") == 1).await;
    let words = master.refused_since(began).unwrap();
    assert!(words.contains("open failed: connect failed"), "{words}");
    assert_eq!(master.refused_since(Instant::now()), None);
    // It is no fault of the session.
    echo_at(&socket);
    let fd = master.connect(PATIENCE).await.unwrap();
    assert_eq!(ask(fd, b"now"), b"now");
    assert_eq!(server.sessions(), 1);
}

#[tokio::test]
async fn after_a_failure_nobody_waits_who_cannot_wait_long_enough() {
    let server = Server::start();
    let (settings, mut address) = (server.settings(), server.address("/run/x.sock"));
    let (_socket, port) = closed_port();
    address.port = Some(port);
    let record = Record::default();
    let master = Master::new(
        &address,
        Settings {
            listener: Some(record.listener()),
            ..settings
        },
    );
    let first = master.connect(PATIENCE).await.unwrap_err();
    let second = master.connect(Duration::from_millis(1)).await.unwrap_err();
    assert_eq!(chain(&first), chain(&second));
    assert_eq!(record.count("Down"), 1);
    // Who can wait makes it try again.
    let third = master.connect(PATIENCE).await.unwrap_err();
    assert_eq!(chain(&first), chain(&third));
    assert_eq!(record.count("Down"), 2);
}

#[tokio::test]
async fn a_silent_ssh_is_a_timeout_and_one_without_words_has_its_status() {
    let server = Server::start();
    let program = |script: &str| {
        let path = server.path(&format!("ssh{}", script.len()));
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        Settings {
            program: path.into(),
            ..server.settings()
        }
    };
    let address = server.address("/run/x.sock");
    let silent = Master::new(&address, program("exec tail -f /dev/null"));
    let error = silent.connect(Duration::from_millis(50)).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    let wordless = Master::new(&address, program("exit 7"));
    let error = wordless.connect(PATIENCE).await.unwrap_err();
    let Error::Down { source, .. } = error else {
        unreachable!("{error}")
    };
    let Failure::Ended(words) = &*source else {
        unreachable!("{source}")
    };
    assert_eq!(words, "ssh ended with exit status: 7");
}

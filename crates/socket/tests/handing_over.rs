//! Sockets that go from one owner to the next, and those of the service manager.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::fs;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rstest::rstest;
use sockeye_socket::{
    BindOptions, Connection, Custody, Datagram, Error, FileIdentity, Kind, Life, Listener, Name,
    TakeOver, activation,
};

fn bind(path: &Path, kind: Kind) -> Listener {
    Listener::bind(&Name::Path(path.to_owned()), kind, &BindOptions::new()).unwrap()
}

fn at(path: PathBuf, identity: Option<FileIdentity>) -> Custody {
    Custody::OursAt { path, identity }
}

#[rstest]
fn the_next_owner_serves_who_waited_and_removes_the_file(
    #[values(Kind::Stream, Kind::Seqpacket)] kind: Kind,
) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let old = bind(&path, kind);
    let client = Connection::connect(old.name(), Some(kind), &Life::default()).unwrap();
    let new = Listener::adopt(old.hand_over(), Custody::Ours, &Life::default()).unwrap();
    assert_eq!((new.kind(), new.name()), (kind, &Name::Path(path.clone())));
    client.send_all(b"waited").unwrap();
    assert_eq!(new.accept().unwrap().receive(&mut [0; 16]).unwrap(), 6);
    new.close().unwrap();
    assert!(!path.exists());
}

#[test]
fn the_service_manager_keeps_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let managers = bind(&path, Kind::Stream);
    let passed = managers.as_fd().try_clone_to_owned().unwrap();
    let ours = Listener::adopt(passed, Custody::Theirs, &Life::default()).unwrap();
    assert_eq!(ours.file_identity(), None);
    ours.close().unwrap();
    Connection::connect(managers.name(), None, &Life::default()).unwrap();
}

#[test]
fn the_file_of_a_socket_with_a_long_name_must_be_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("l".repeat(40)).join("l".repeat(60));
    fs::create_dir(path.parent().unwrap()).unwrap();
    let old = bind(&path, Kind::Stream);
    let copy = || old.as_fd().try_clone_to_owned().unwrap();
    assert!(matches!(
        Listener::adopt(copy(), Custody::Ours, &Life::default()),
        Err(Error::ForeignName { .. })
    ));
    let custody = at(path.clone(), old.file_identity());
    let new = Listener::adopt(old.hand_over(), custody, &Life::default()).unwrap();
    assert_eq!(new.name(), &Name::Path(path.clone()));
    drop(new);
    assert!(!path.exists());
}

#[test]
fn a_file_that_another_socket_has_put_there_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let old = bind(&path, Kind::Stream);
    let custody = at(path.clone(), old.file_identity());
    let options = BindOptions::new().take_over(TakeOver::Always);
    let other = Listener::bind(old.name(), Kind::Stream, &options).unwrap();
    let new = Listener::adopt(old.hand_over(), custody, &Life::default()).unwrap();
    assert_eq!(new.file_identity(), None);
    drop(new);
    Connection::connect(other.name(), None, &Life::default()).unwrap();
}

#[test]
fn a_file_that_is_gone_or_no_socket_is_nobodys() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let old = bind(&path, Kind::Stream);
    fs::remove_file(&path).unwrap();
    let new = Listener::adopt(old.hand_over(), Custody::Ours, &Life::default()).unwrap();
    assert_eq!(new.file_identity(), None);
    fs::write(&path, "precious").unwrap();
    let last = Listener::adopt(new.hand_over(), Custody::Ours, &Life::default()).unwrap();
    drop(last);
    assert!(path.exists());
}

#[test]
fn an_abstract_socket_has_no_file_wherever_it_is_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let other = bind(&folder.path().join("s"), Kind::Stream);
    let path = folder.path().join("s");
    let old = Listener::bind(&Name::Unnamed, Kind::Stream, &BindOptions::new()).unwrap();
    let name = old.name().clone();
    let new = Listener::adopt(old.hand_over(), at(path, None), &Life::default()).unwrap();
    assert_eq!((new.name(), new.file_identity()), (&name, None));
    drop(new);
    Connection::connect(other.name(), None, &Life::default()).unwrap();
}

#[test]
fn what_no_client_can_come_in_by_is_refused_and_its_file_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let adopt = |fd: OwnedFd| Listener::adopt(fd, Custody::Ours, &Life::default()).unwrap_err();
    let inbox = Datagram::bind(&Name::Path(path.clone()), &BindOptions::new()).unwrap();
    let refused = adopt(inbox.hand_over());
    assert!(matches!(
        refused,
        Error::Unsuitable {
            kind: Kind::Datagram,
            ..
        }
    ));
    assert!(path.exists());
    let (near, _far) = Connection::pair(Kind::Stream, &Life::default()).unwrap();
    assert!(matches!(adopt(near.into_fd()), Error::NotListening { .. }));
    let file = fs::File::open("/dev/null").unwrap();
    assert!(matches!(adopt(file.into()), Error::Unfit { .. }));
    let network = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    assert!(matches!(adopt(network.into()), Error::Unfit { .. }));
}

#[test]
fn an_inbox_takes_no_listener_and_leaves_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let fd = bind(&path, Kind::Stream).hand_over();
    let refused = Datagram::adopt(fd, Custody::Ours, &Life::default()).unwrap_err();
    assert!(matches!(
        refused,
        Error::Unsuitable {
            kind: Kind::Stream,
            ..
        }
    ));
    assert!(path.exists());
}

const CHILD: &str = "SOCKEYE_TEST_IS_ACTIVATED";

/// The test runs itself a second time as a service manager would: the shell puts the listener on 3, another file on 4,
/// says so, and becomes the test.
#[test]
fn the_sockets_of_the_service_manager_are_taken_once() {
    if std::env::var_os(CHILD).is_some() {
        return act_as_the_service();
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let listener = bind(&path, Kind::Stream);
    let client = Connection::connect(listener.name(), None, &Life::default()).unwrap();
    let script = "exec 3<&0 4</dev/null 0</dev/null; LISTEN_PID=$$ exec \"$@\"";
    let output = Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "the_sockets_of_the_service_manager_are_taken_once",
            "--nocapture",
        ])
        .env(CHILD, "yes")
        .env("LISTEN_FDS", "2")
        .env("LISTEN_FDNAMES", "web:nothing")
        .stdin(Stdio::from(listener.as_fd().try_clone_to_owned().unwrap()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let mut answer = [0; 16];
    let length = client.receive(&mut answer).unwrap();
    assert_eq!(&answer[..length], b"served");
    assert!(path.exists());
}

fn act_as_the_service() {
    let [web, nothing]: [activation::Inherited; 2] =
        activation::take().unwrap().try_into().unwrap();
    assert_eq!(
        (web.name.as_str(), nothing.name.as_str()),
        ("web", "nothing")
    );
    for inherited in [&web, &nothing] {
        let flags = rustix::io::fcntl_getfd(&inherited.fd).unwrap();
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
    }
    assert!(activation::take().unwrap().is_empty());
    assert!(matches!(
        activation::inherited_descriptor(3),
        Err(Error::Unfit { .. })
    ));
    let listener = Listener::adopt(web.fd, Custody::Theirs, &Life::default()).unwrap();
    listener.accept().unwrap().send_all(b"served").unwrap();
}

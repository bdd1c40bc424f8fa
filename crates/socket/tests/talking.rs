//! Connections, messages and the record of calls.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rstest::rstest;
use sockeye_socket::{
    BindOptions, Connection, Datagram, Direction, Error, Kind, Life, Listener, Name,
};

#[rstest]
fn the_kind_is_found_out(#[values(Kind::Stream, Kind::Seqpacket)] kind: Kind) {
    let listener = Listener::bind(&Name::Unnamed, kind, &BindOptions::new()).unwrap();
    assert_eq!(
        Connection::connect(listener.name(), None, &Life::default())
            .unwrap()
            .kind(),
        kind
    );
}

#[test]
fn the_kind_of_a_datagram_socket_is_found_out_at_a_path_and_at_an_abstract_name() {
    let folder = tempfile::tempdir().unwrap();
    for name in [Name::Path(folder.path().join("s")), Name::Unnamed] {
        let inbox = Datagram::bind(&name, &BindOptions::new()).unwrap();
        assert_eq!(
            Connection::connect(inbox.name(), None, &Life::default())
                .unwrap()
                .kind(),
            Kind::Datagram
        );
    }
}

#[test]
fn a_kind_that_was_said_and_is_wrong_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = Datagram::bind(&Name::Path(folder.path().join("s")), &BindOptions::new()).unwrap();
    let refused = Connection::connect(inbox.name(), Some(Kind::Stream), &Life::default());
    assert!(matches!(
        refused,
        Err(Error::WrongKind {
            kind: Kind::Stream,
            ..
        })
    ));
}

#[test]
fn the_answer_arrives_after_the_end_of_input() {
    let (near, far) = Connection::pair(Kind::Stream, &Life::default()).unwrap();
    near.shutdown(Direction::Write).unwrap();
    let mut buffer = [0; 8];
    assert_eq!(far.receive(&mut buffer).unwrap(), 0);
    far.send_all(b"answer").unwrap();
    assert_eq!(near.receive(&mut buffer).unwrap(), 6);
}

#[rstest]
fn a_message_that_was_cut_says_so(#[values(Kind::Datagram, Kind::Seqpacket)] kind: Kind) {
    let (near, far) = Connection::pair(kind, &Life::default()).unwrap();
    near.send_all(b"0123456789").unwrap();
    let mut buffer = [0; 4];
    let message = far.receive_message(&mut buffer).unwrap();
    assert_eq!(
        (
            message.length_bytes,
            message.full_length_bytes,
            message.is_cut()
        ),
        (4, 10, true)
    );
}

#[rstest]
fn an_empty_message_is_told_from_the_end() {
    let (near, far) = Connection::pair(Kind::Seqpacket, &Life::default()).unwrap();
    near.send_all(b"").unwrap();
    near.send_all(b"more").unwrap();
    drop(near);
    let mut buffer = [0; 8];
    assert!(far.receive_message(&mut buffer).unwrap().is_empty());
    assert!(!far.is_at_end().unwrap());
    assert_eq!(far.receive_message(&mut buffer).unwrap().length_bytes, 4);
    assert!(far.receive_message(&mut buffer).unwrap().is_empty());
    assert!(far.is_at_end().unwrap());
}

#[test]
fn descriptors_arrive_closed_on_exec() {
    let (near, far) = Connection::pair(Kind::Datagram, &Life::default()).unwrap();
    let passed = [OwnedFd::from(std::fs::File::open("/dev/null").unwrap())];
    near.send_message(b"", &passed).unwrap();
    let message = far.receive_message(&mut [0; 8]).unwrap();
    let flags = rustix::io::fcntl_getfd(&message.descriptors[0]).unwrap();
    assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
}

#[test]
fn a_stream_cannot_pass_descriptors_without_a_byte() {
    let (near, _far) = Connection::pair(Kind::Stream, &Life::default()).unwrap();
    let passed = [OwnedFd::from(std::fs::File::open("/dev/null").unwrap())];
    assert!(matches!(
        near.send_message(b"", &passed),
        Err(Error::Unsuitable { .. })
    ));
}

#[test]
fn a_client_whose_path_has_no_room_for_its_nul_is_served_like_any_other() {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, connect, socket};
    let folder = tempfile::tempdir().unwrap();
    let mut path = folder.path().join("p").into_os_string();
    path.push("p".repeat(108 - path.len()));
    let client = socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    bind(&client, &SocketAddrUnix::new(&path).unwrap()).unwrap();
    let name = Name::Path(folder.path().join("s"));
    let listener = Listener::bind(&name, Kind::Stream, &BindOptions::new()).unwrap();
    connect(
        &client,
        &SocketAddrUnix::new(folder.path().join("s")).unwrap(),
    )
    .unwrap();
    assert_eq!(listener.accept().unwrap().peer(), &Name::Path(path.into()));
}

#[test]
fn a_client_without_a_name_is_unnamed() {
    let listener = Listener::bind(&Name::Unnamed, Kind::Stream, &BindOptions::new()).unwrap();
    let _client = Connection::connect(listener.name(), None, &Life::default()).unwrap();
    assert_eq!(listener.accept().unwrap().peer(), &Name::Unnamed);
}

#[test]
fn the_peer_is_known_by_process_user_groups_and_handle() {
    let listener = Listener::bind(&Name::Unnamed, Kind::Stream, &BindOptions::new()).unwrap();
    let _client = Connection::connect(listener.name(), None, &Life::default()).unwrap();
    let client = listener.accept().unwrap();
    let credentials = client.credentials().unwrap();
    assert_eq!(credentials.pid, Some(std::process::id()));
    assert_eq!(credentials.uid, rustix::process::geteuid().as_raw());
    assert_eq!(credentials.gid, rustix::process::getegid().as_raw());
    let groups: Vec<u32> = rustix::process::getgroups()
        .unwrap()
        .into_iter()
        .map(rustix::process::Gid::as_raw)
        .collect();
    assert_eq!(client.peer_groups().unwrap(), groups);
    client.peer_pidfd().unwrap();
    client.peer_security_label().unwrap();
}

#[test]
fn every_call_is_told_as_c_writes_it() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let life = Life::watched({
        let told = Arc::clone(&told);
        move |event| {
            // Numbers of descriptors depend on what else runs in this process.
            let text = event.to_string();
            let text: String = text
                .split(|c: char| c.is_ascii_digit())
                .collect::<Vec<_>>()
                .join("N");
            told.lock()
                .unwrap()
                .push(text.replace("NN", "N").replace("NN", "N"));
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let name = Name::Path(folder.path().join("absent"));
    Connection::connect(&name, Some(Kind::Seqpacket), &life).unwrap_err();
    let (near, far) = Connection::pair(Kind::Stream, &life).unwrap();
    near.send_all(&b"a\"line\n".repeat(9)).unwrap();
    far.receive(&mut [0; 64]).unwrap();
    far.shutdown(Direction::Write).unwrap();
    drop(near);
    let told = told.lock().unwrap();
    assert_eq!(
        told[0],
        "socket(AF_UNIX, SOCK_SEQPACKET|SOCK_CLOEXEC, N) = N"
    );
    assert!(
        told[1].ends_with("absent\"}) = -N ENOENT (No such file or directory)"),
        "{}",
        told[1]
    );
    assert_eq!(told[2], "close(N) = N");
    assert!(told[4].starts_with(r#"sendto(N, "a\x"#), "{}", told[4]);
    assert!(told[4].contains(r"\n"), "{}", told[4]);
    assert!(
        told[4].ends_with("\"..., N, MSG_NOSIGNAL) = N"),
        "{}",
        told[4]
    );
    assert_eq!(told[6], "shutdown(N, SHUT_WR) = N");
    assert_eq!(told[7], "close(N) = N");
}

#[test]
fn a_message_sent_ahead_of_a_reset_is_not_lost() {
    let (near, far) = Connection::pair(Kind::Seqpacket, &Life::default()).unwrap();
    near.send(b"never read").unwrap();
    far.send(b"one").unwrap();
    far.send(b"two").unwrap();
    drop(far); // with something unread: the connection is reset
    let mut buffer = [0; 16];
    let length = near.receive_message(&mut buffer).unwrap().length_bytes;
    assert_eq!(&buffer[..length], b"one");
    assert!(!near.is_at_end().unwrap());
    let length = near.receive(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"two");
    assert!(near.is_at_end().unwrap());
}

#[test]
fn a_reset_with_nothing_ahead_of_it_is_told() {
    let (near, far) = Connection::pair(Kind::Seqpacket, &Life::default()).unwrap();
    near.send(b"never read").unwrap();
    drop(far);
    let told = near.receive_message(&mut [0; 16]).unwrap_err();
    assert_eq!(told.io_kind(), Some(std::io::ErrorKind::ConnectionReset));
    assert_eq!(near.receive(&mut [0; 16]).unwrap(), 0);
}

#[rstest]
fn a_full_queue_is_waited_for_no_longer_than_was_said(
    #[values(Kind::Stream, Kind::Seqpacket)] kind: Kind,
) {
    let limit = Duration::from_millis(50);
    let listener = Listener::bind(&Name::Unnamed, kind, &BindOptions::new().backlog(0)).unwrap();
    let connect =
        |limit| Connection::connect_within(listener.name(), Some(kind), limit, &Life::default());
    let _first = connect(Duration::ZERO).unwrap();
    let start = Instant::now();
    let error = connect(limit).unwrap_err();
    assert!(start.elapsed() >= limit);
    assert_eq!(error.io_kind(), Some(std::io::ErrorKind::TimedOut));
    assert!(error.to_string().ends_with(": its queue was full for 50ms"));
    assert!(matches!(
        connect(Duration::ZERO),
        Err(Error::TimedOut { .. })
    ));
}

#[test]
fn room_in_the_queue_comes_in_time_and_the_limit_goes_with_it() {
    let options = BindOptions::new().backlog(0);
    let listener = Listener::bind(&Name::Unnamed, Kind::Stream, &options).unwrap();
    let _first = Connection::connect(listener.name(), None, &Life::default()).unwrap();
    std::thread::scope(|scope| {
        let second = scope.spawn(|| {
            Connection::connect_within(listener.name(), None, Duration::MAX, &Life::default())
        });
        listener.accept().unwrap();
        let second = second.join().unwrap().unwrap();
        let timeout = rustix::net::sockopt::Timeout::Send;
        let left = rustix::net::sockopt::socket_timeout(&second, timeout).unwrap();
        assert_eq!(left, None);
    });
}

#[test]
fn a_limit_changes_nothing_about_what_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let name = Name::Path(folder.path().join("s"));
    let connect =
        || Connection::connect_within(&name, None, Duration::from_secs(5), &Life::default());
    let missing = connect().unwrap_err();
    assert_eq!(missing.io_kind(), Some(std::io::ErrorKind::NotFound));
    let inbox = Datagram::bind(&name, &BindOptions::new()).unwrap();
    assert_eq!(connect().unwrap().kind(), Kind::Datagram);
    drop(inbox);
}

//! What happens to the file of a socket.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rstest::rstest;
use sockeye_socket::{
    BindOptions, Connection, Datagram, Error, Kind, Life, Listener, Mode, Name, TakeOver,
};

fn name(path: impl Into<PathBuf>) -> Name {
    Name::Path(path.into())
}

/// A socket of any kind that holds its file.
#[expect(dead_code, reason = "held for what dropping does")]
enum Held {
    Listener(Listener),
    Datagram(Datagram),
}

fn bind(path: &Path, kind: Kind, options: &BindOptions) -> Result<Held, Error> {
    match kind {
        Kind::Datagram => Datagram::bind(&name(path), options).map(Held::Datagram),
        _ => Listener::bind(&name(path), kind, options).map(Held::Listener),
    }
}

/// A socket file that nobody is bound to.
fn leave_stale(path: &Path) {
    let held = bind(path, Kind::Stream, &BindOptions::new()).unwrap();
    let kept = path.with_extension("kept");
    fs::rename(path, &kept).unwrap();
    drop(held);
    fs::rename(&kept, path).unwrap();
}

#[rstest]
fn a_live_socket_is_never_taken_over(
    #[values(Kind::Stream, Kind::Datagram, Kind::Seqpacket)] old: Kind,
    #[values(Kind::Stream, Kind::Datagram, Kind::Seqpacket)] new: Kind,
) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let _held = bind(&path, old, &BindOptions::new()).unwrap();
    let inode = fs::metadata(&path).unwrap().ino();
    assert!(matches!(
        bind(&path, new, &BindOptions::new()),
        Err(Error::InUse { .. })
    ));
    assert_eq!(fs::metadata(&path).unwrap().ino(), inode);
}

#[test]
fn a_listener_with_a_full_queue_is_live_and_asking_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let listener =
        Listener::bind(&name(&path), Kind::Stream, &BindOptions::new().backlog(0)).unwrap();
    let _waiting = Connection::connect(&name(&path), None, &Life::default()).unwrap();
    assert!(matches!(
        bind(&path, Kind::Stream, &BindOptions::new()),
        Err(Error::InUse { .. })
    ));
    listener.set_nonblocking(true).unwrap();
    assert!(listener.try_accept().unwrap().is_some());
    assert!(
        listener.try_accept().unwrap().is_none(),
        "the question stood in the queue"
    );
}

#[test]
fn a_socket_that_is_bound_but_does_not_listen_yet_is_live() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let other = rustix::net::socket(
        rustix::net::AddressFamily::UNIX,
        rustix::net::SocketType::STREAM,
        None,
    )
    .unwrap();
    rustix::net::bind(&other, &rustix::net::SocketAddrUnix::new(&path).unwrap()).unwrap();
    assert!(matches!(
        bind(&path, Kind::Stream, &BindOptions::new()),
        Err(Error::InUse { .. })
    ));
}

#[rstest]
fn a_stale_file_is_taken_over(#[values(Kind::Stream, Kind::Datagram, Kind::Seqpacket)] kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    leave_stale(&path);
    let _held = bind(&path, kind, &BindOptions::new()).unwrap();
    assert!(Connection::connect(&name(&path), Some(kind), &Life::default()).is_ok());
}

#[test]
fn a_stale_file_stays_when_take_over_is_not_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    leave_stale(&path);
    let options = BindOptions::new().take_over(TakeOver::Never);
    assert!(matches!(
        bind(&path, Kind::Stream, &options),
        Err(Error::InUse { .. })
    ));
    assert!(path.exists());
}

#[test]
fn of_many_that_want_one_stale_file_exactly_one_gets_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    for _ in 0..20 {
        leave_stale(&path);
        let results = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| bind(&path, Kind::Stream, &BindOptions::new())))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect::<Vec<_>>()
        });
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
        assert!(Connection::connect(&name(&path), None, &Life::default()).is_ok());
    }
}

#[test]
fn a_file_that_is_no_socket_is_never_removed_not_even_by_force() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    fs::write(&path, "precious").unwrap();
    for take_over in [TakeOver::Stale, TakeOver::Always] {
        let refused = bind(
            &path,
            Kind::Stream,
            &BindOptions::new().take_over(take_over),
        );
        assert!(matches!(refused, Err(Error::NotASocket { .. })));
    }
    assert_eq!(fs::read(&path).unwrap(), b"precious");
}

#[test]
fn a_symbolic_link_is_never_removed() {
    let folder = tempfile::tempdir().unwrap();
    let (path, target) = (folder.path().join("link"), folder.path().join("s"));
    leave_stale(&target);
    std::os::unix::fs::symlink(&target, &path).unwrap();
    assert!(matches!(
        bind(&path, Kind::Stream, &BindOptions::new()),
        Err(Error::NotASocket { .. })
    ));
    assert!(path.is_symlink() && target.exists());
}

#[test]
#[ignore = "needs root"]
fn a_stale_file_of_another_user_is_not_removed_not_even_by_root() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    leave_stale(&path);
    std::os::unix::fs::chown(&path, Some(12345), None).unwrap();
    let refused = bind(&path, Kind::Stream, &BindOptions::new());
    assert!(matches!(
        refused,
        Err(Error::OfOtherUser { owner: 12345, .. })
    ));
    assert!(path.exists());
}

#[test]
fn force_replaces_a_live_listener_without_a_moment_of_absence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let old = bind(&path, Kind::Stream, &BindOptions::new()).unwrap();
    let options = BindOptions::new()
        .take_over(TakeOver::Always)
        .mode(Mode::new(0o640));
    let new = Listener::bind(&name(&path), Kind::Stream, &options).unwrap();
    // The old one leaves last and must not take the new one's file with it.
    drop(old);
    let _client = Connection::connect(&name(&path), None, &Life::default()).unwrap();
    new.accept().unwrap();
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o7777,
        0o640
    );
    new.close().unwrap();
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        0,
        "nothing is left behind"
    );
}

#[test]
fn only_the_file_that_was_made_is_removed_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let first = bind(&path, Kind::Stream, &BindOptions::new()).unwrap();
    fs::remove_file(&path).unwrap();
    let _second = bind(&path, Kind::Stream, &BindOptions::new()).unwrap();
    drop(first);
    assert!(path.exists());
}

#[rstest]
fn the_mode_is_exactly_what_was_asked_for(
    #[values(Kind::Stream, Kind::Datagram, Kind::Seqpacket)] kind: Kind,
    #[values(0o600, 0o666, 0o777, 0o000)] bits: u32,
) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let _held = bind(&path, kind, &BindOptions::new().mode(Mode::new(bits))).unwrap();
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o7777,
        bits
    );
}

#[test]
fn the_file_is_private_until_its_owner_is_set() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let seen = std::sync::Arc::new(std::sync::Mutex::new(None));
    let life = Life::watched({
        let (seen, path) = (std::sync::Arc::clone(&seen), path.clone());
        move |event| {
            if event.call.name() == "bind" {
                *seen.lock().unwrap() =
                    Some(fs::metadata(&path).unwrap().permissions().mode() & 0o777);
            }
        }
    });
    let _held = bind(
        &path,
        Kind::Datagram,
        &BindOptions::new().mode(Mode::new(0o666)).life(life),
    )
    .unwrap();
    assert_eq!(*seen.lock().unwrap(), Some(0o600));
}

/// A folder whose path alone is longer than `sun_path`.
fn deep(folder: &Path) -> PathBuf {
    let deep = folder.join("d".repeat(120)).join("e".repeat(120));
    fs::create_dir_all(&deep).unwrap();
    deep
}

#[rstest]
fn a_name_of_any_length_works(
    #[values(Kind::Stream, Kind::Datagram, Kind::Seqpacket)] kind: Kind,
    #[values(1, 80, 107, 200, 255)] leaf_bytes: usize,
) {
    let folder = tempfile::tempdir().unwrap();
    let path = deep(folder.path()).join("s".repeat(leaf_bytes));
    let held = bind(&path, kind, &BindOptions::new().mode(Mode::new(0o600))).unwrap();
    assert!(fs::symlink_metadata(&path).unwrap().file_type().is_socket());
    let client = Connection::connect(&name(&path), None, &Life::default()).unwrap();
    assert_eq!(client.kind(), kind);
    assert!(matches!(
        bind(&path, kind, &BindOptions::new()),
        Err(Error::InUse { .. })
    ));
    drop(held);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 0);
}

#[test]
fn a_stale_file_with_a_long_name_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = deep(folder.path()).join("s");
    leave_stale(&path);
    let _held = bind(&path, Kind::Stream, &BindOptions::new()).unwrap();
    assert!(Connection::connect(&name(&path), None, &Life::default()).is_ok());
}

#[test]
fn what_the_file_system_cannot_hold_is_an_error_and_is_never_cut() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s".repeat(256));
    assert!(bind(&path, Kind::Stream, &BindOptions::new()).is_err());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_failed_bind_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    // Group 4294967294 is nobody's and only root may give files to it; a folder that went away fails for everybody.
    fs::create_dir(folder.path().join("gone")).unwrap();
    let options = BindOptions::new()
        .mode(Mode::new(0o600))
        .life(Life::watched({
            let path = path.clone();
            move |event| {
                if event.call.name() == "bind" {
                    fs::rename(&path, path.with_extension("moved")).unwrap();
                }
            }
        }));
    assert!(bind(&path, Kind::Stream, &options).is_err());
    assert!(!path.exists());
}

//! What the peer of a socket sees of a thread that acts as another.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::path::Path;

use sockeye_privilege::{Capability, as_peer, as_user, caller, effective, find_user};
use sockeye_socket::{BindOptions, Connection, Kind, Life, Listener, Mode, Name};

const UID: u32 = 12_345;
const GID: u32 = 23_456;
const GROUPS: [u32; 2] = [23_456, 34_567];

fn private_listener(path: &Path) -> Listener {
    let options = BindOptions::new().mode(Mode::new(0o600));
    Listener::bind(&Name::Path(path.to_owned()), Kind::Stream, &options).unwrap()
}

#[test]
#[ignore = "needs root"]
fn the_server_sees_the_client_and_the_file_sees_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let listener = private_listener(&folder.path().join("s"));
    let before = caller().unwrap();
    let connect = || Connection::connect(listener.name(), None, &Life::default());
    let _client = as_peer(UID, GID, &GROUPS, connect).unwrap().unwrap();
    let peer = listener.accept().unwrap();
    let credentials = peer.credentials().unwrap();
    assert_eq!((credentials.uid, credentials.gid), (UID, GID));
    assert_eq!(credentials.pid, Some(std::process::id()));
    assert_eq!(peer.peer_groups().unwrap(), GROUPS);
    assert_eq!(caller().unwrap(), before);
}

#[test]
#[ignore = "needs root"]
fn the_client_itself_would_not_reach_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let listener = private_listener(&folder.path().join("s"));
    let user = find_user(&UID.to_string()).unwrap().unwrap();
    let connect = || Connection::connect(listener.name(), None, &Life::default());
    let refused = as_user(&user, connect).unwrap().unwrap_err();
    assert_eq!(
        refused.io_kind(),
        Some(std::io::ErrorKind::PermissionDenied)
    );
}

#[test]
#[ignore = "needs root"]
fn only_the_capabilities_for_files_are_left() {
    let left = as_peer(UID, GID, &GROUPS, effective).unwrap();
    for kept in [
        Capability::DacOverride,
        Capability::DacReadSearch,
        Capability::Chown,
        Capability::Fowner,
    ] {
        assert!(left.has(kept), "{kept}");
    }
    for lost in [
        Capability::Setuid,
        Capability::Setgid,
        Capability::SysAdmin,
        Capability::SysPtrace,
    ] {
        assert!(!left.has(lost), "{lost}");
    }
}

#[test]
#[ignore = "needs root"]
fn root_may_be_the_peer_and_nobodys_number_may_not() {
    let listener = Listener::bind(&Name::Unnamed, Kind::Stream, &BindOptions::new()).unwrap();
    let connect = || Connection::connect(listener.name(), None, &Life::default());
    let _client = as_peer(0, GID, &[], connect).unwrap().unwrap();
    let credentials = listener.accept().unwrap().credentials().unwrap();
    assert_eq!((credentials.uid, credentials.gid), (0, GID));
    assert!(as_peer(u32::MAX, GID, &[], || ()).is_err());
    assert!(as_peer(UID, u32::MAX, &[], || ()).is_err());
}

#[test]
#[ignore = "needs root"]
fn without_privilege_nobody_else_can_be_shown() {
    let user = find_user(&UID.to_string()).unwrap().unwrap();
    let refused = as_user(&user, || as_peer(54_321, GID, &[], || ()).unwrap_err()).unwrap();
    assert!(refused.is_permission_denied());
    assert_eq!(refused.to_string(), "act as user 54321");
}

//! Who may ask.

use std::os::unix::fs::PermissionsExt as _;

use rustix::thread::set_thread_res_uid;
use sockeye_address::{Kind, Name};
use sockeye_relay::control::{Client, Error, Request, Server, take_over};
use sockeye_socket::{BindOptions, Life, Listener};

use crate::stage::{Stage, connect};

const NOBODY: u32 = 65534;

/// Does something as another user. Only the thread becomes that user.
fn as_nobody<T: Send + 'static>(task: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::spawn(move || {
        let nobody = rustix::process::Uid::from_raw(NOBODY);
        set_thread_res_uid(nobody, nobody, nobody).unwrap();
        task()
    });
    thread.join().unwrap()
}

#[test]
fn the_socket_is_its_users_own() {
    let stage = Stage::new();
    let server = Server::open(&stage.control()).unwrap();
    let mode = stage.control().metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    drop(server);
    let refused = Server::open(&stage.path("control.sock")).unwrap_err();
    let said = refused.to_string();
    assert!(said.ends_with("its name does not end in .ctl"), "{said}");
}

#[test]
#[ignore = "needs root"]
fn a_stranger_is_turned_away_whatever_the_mode_of_the_file() {
    let stage = Stage::new();
    let running = stage.run(vec![(stage.plan("in"), None)]);
    let open_to_all = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    open_to_all(stage.control().parent().unwrap(), 0o755);
    let path = stage.control();
    let error = as_nobody(move || Client::connect(&path).unwrap_err());
    assert!(matches!(error, Error::Socket(_)), "{error:?}");

    open_to_all(&stage.control(), 0o666);
    let path = stage.control();
    let error = as_nobody(move || {
        let mut client = Client::connect(&path).unwrap();
        client.ask(&Request::Status { relay: None }).unwrap_err()
    });
    assert_eq!(error.to_string(), "only user 0 and root may ask");
    running.stop();
}

#[test]
#[ignore = "needs root"]
fn a_socket_that_a_stranger_serves_is_not_believed() {
    let stage = Stage::new();
    let folder = stage.control().parent().unwrap().to_owned();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).unwrap();
    let name = Name::Path(stage.control());
    let foreign =
        as_nobody(move || Listener::bind(&name, Kind::Stream, &BindOptions::new()).unwrap());
    // Root asks everybody, but takes no socket from them.
    Client::connect(&stage.control()).unwrap();
    let error = take_over(&stage.control(), &stage.address("in")).unwrap_err();
    assert!(
        matches!(error, Error::Stranger { uid: NOBODY, .. }),
        "{error:?}"
    );
    drop(foreign);
    let life = Life::default();
    assert!(sockeye_socket::Connection::connect(&stage.name("relay.ctl"), None, &life).is_err());
}

#[test]
fn a_relay_that_hangs_up_is_told_from_one_that_is_not_there() {
    let stage = Stage::new();
    let nobody = Client::connect(&stage.control()).unwrap_err();
    assert!(nobody.is_nobody(), "{nobody:?}");
    let options = BindOptions::new();
    let listener = Listener::bind(&stage.name("relay.ctl"), Kind::Stream, &options).unwrap();
    let mut client = Client::connect(&stage.control()).unwrap();
    drop(listener.accept().unwrap());
    let hung_up = client.ask(&Request::Release {}).unwrap_err();
    assert!(!hung_up.is_nobody(), "{hung_up:?}");

    let mut client = Client::connect(&stage.control()).unwrap();
    let odd = listener.accept().unwrap();
    odd.send_all(b"220 ready\n{\"version\":9,\"ok\":1}\n")
        .unwrap();
    let garbled = client.ask(&Request::Release {}).unwrap_err();
    assert!(matches!(garbled, Error::Garbled { .. }), "{garbled:?}");
    let newer = client.ask(&Request::Release {}).unwrap_err();
    assert!(
        matches!(newer, Error::Version { theirs: 9, .. }),
        "{newer:?}"
    );
    drop(connect(&stage.name("relay.ctl")));
}

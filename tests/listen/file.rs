use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use rstest::rstest;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, socket};

use crate::program::{Place, Program, run};
use crate::stale::leave_stale;
use crate::stranger::connect;

#[rstest]
fn a_stale_file_is_taken_over(#[values("--stream", "--dgram", "--seqpacket")] kind: &str) {
    let place = Place::new();
    leave_stale(&place.path());
    Program::serve(["listen", kind, &place.address(false)])
        .stop()
        .succeeded();
    assert!(place.is_empty());
}

#[rstest]
fn a_live_socket_is_not_taken_over(
    #[values("--stream", "--dgram", "--seqpacket")] old: &str,
    #[values("--stream", "--dgram", "--seqpacket")] new: &str,
) {
    let place = Place::new();
    let server = Program::serve(["listen", old, &place.address(false)]);
    let inode = fs::metadata(place.path()).unwrap().ino();
    let refused = run(["listen", new, &place.address(false)]);
    assert_eq!(refused.status, Some(3), "{refused:?}");
    assert!(
        refused.stderr.contains("somebody is bound to this address"),
        "{refused:?}"
    );
    assert_eq!(fs::metadata(place.path()).unwrap().ino(), inode);
    server.stop().succeeded();
}

#[test]
fn a_live_abstract_name_is_not_taken_over() {
    let place = Place::new();
    let _server = Program::serve(["listen", &place.address(true)]);
    assert_eq!(run(["listen", &place.address(true)]).status, Some(3));
}

#[test]
fn force_takes_a_live_address_over_and_the_old_server_leaves_the_new_file_alone() {
    let place = Place::new();
    let old = Program::serve(["listen", &place.address(false)]);
    let new = Program::serve(["listen", "--force", "--raw", &place.address(false)]);
    old.stop().succeeded();
    run(["send", &place.address(false), "to the new one"]).succeeded();
    new.says("left");
    assert_eq!(new.stop().succeeded().text(), "to the new one");
    assert!(place.is_empty());
}

#[test]
fn a_file_that_is_no_socket_is_never_removed() {
    let place = Place::new();
    fs::write(place.path(), "precious").unwrap();
    for arguments in [vec!["listen"], vec!["listen", "--force"]] {
        let refused = run(arguments.into_iter().chain([place.address(false).as_str()]));
        assert_eq!(refused.status, Some(3), "{refused:?}");
        assert!(refused.stderr.contains("no socket"), "{refused:?}");
    }
    assert_eq!(fs::read(place.path()).unwrap(), b"precious");
}

#[test]
#[ignore = "needs root"]
fn a_stale_file_of_another_user_is_never_removed() {
    let place = Place::new();
    leave_stale(&place.path());
    std::os::unix::fs::chown(place.path(), Some(12345), None).unwrap();
    let refused = run(["listen", &place.address(false)]);
    assert_eq!(refused.status, Some(3), "{refused:?}");
    assert!(
        refused.stderr.contains("socket file of user 12345"),
        "{refused:?}"
    );
    assert!(place.path().exists());
}

#[test]
#[ignore = "needs root"]
fn owner_and_group_are_set_and_the_group_may_connect() {
    let place = Place::new();
    let server = Program::serve([
        "listen",
        "--user",
        "12345",
        "--group",
        "54321",
        &place.address(false),
    ]);
    let file = fs::metadata(place.path()).unwrap();
    assert_eq!(
        (file.uid(), file.gid(), file.permissions().mode() & 0o7777),
        (12345, 54321, 0o660)
    );
    server.stop().succeeded();
    assert!(place.is_empty());
}

#[rstest]
#[case(&["--mode", "600"], "", 0o600)]
#[case(&["--mode", "666"], "", 0o666)]
#[case(&[], ",mode=620", 0o620)]
#[case(&["--mode", "640"], ",mode=620", 0o640)]
fn the_mode_is_the_one_asked_for(#[case] flags: &[&str], #[case] options: &str, #[case] mode: u32) {
    let place = Place::new();
    let address = format!("unix:{}{options}", place.address(false));
    let server = Program::serve(["listen", &address].iter().chain(flags));
    assert_eq!(
        fs::metadata(place.path()).unwrap().permissions().mode() & 0o7777,
        mode
    );
    server.stop().succeeded();
}

#[test]
fn a_mode_for_an_abstract_name_is_refused() {
    let place = Place::new();
    let refused = run(["listen", "--mode", "600", &place.address(true)]);
    assert_eq!(refused.status, Some(2), "{refused:?}");
}

#[test]
fn unknown_users_and_bad_modes_are_wrong_command_lines() {
    let place = Place::new();
    for flags in [
        ["--user", "no such user"],
        ["--group", "no such group"],
        ["--mode", "999"],
    ] {
        let refused = run(["listen", &place.address(false)].into_iter().chain(flags));
        assert_eq!(refused.status, Some(2), "{refused:?}");
    }
    assert!(place.is_empty());
}

#[test]
fn the_backlog_is_how_many_clients_may_wait() {
    let place = Place::new();
    let server = Program::serve([
        "listen",
        "--backlog",
        "1",
        "--max-clients",
        "1",
        &place.address(false),
    ]);
    let _served = connect(&place.path());
    server.says("connected");
    let _waiting = [connect(&place.path()), connect(&place.path())];
    let late = socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    rustix::io::ioctl_fionbio(&late, true).unwrap();
    let full = rustix::net::connect(&late, &SocketAddrUnix::new(place.path()).unwrap());
    assert_eq!(full, Err(rustix::io::Errno::AGAIN));
}

#[test]
fn a_name_of_more_than_108_bytes_is_served_and_cleared_away() {
    let place = Place::new();
    let folder = place.folder().join("d".repeat(150));
    fs::create_dir(&folder).unwrap();
    let address = folder.join("s".repeat(150)).to_str().unwrap().to_owned();
    let server = Program::serve(["listen", "--raw", "--mode", "600", &address]);
    run(["send", &address, "hello"]).succeeded();
    server.says("left");
    assert_eq!(server.stop().succeeded().text(), "hello");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

#[test]
fn a_program_started_again_at_once_finds_its_address_free() {
    let place = Place::new();
    for _ in 0..5 {
        let server = Program::serve(["listen", &place.address(false)]);
        // Killed, it cannot clear up; the next one finds a stale file.
        server.signal(rustix::process::Signal::KILL);
        assert_eq!(server.end().status, None);
        assert!(place.path().exists());
    }
    Program::serve(["listen", &place.address(false)])
        .stop()
        .succeeded();
}

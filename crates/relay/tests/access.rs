//! What the kernel tells of those who connect, and what rules make of it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use sockeye_privilege::{User, as_user, caller};
use sockeye_relay::access::{Needs, Peer, Rule, Rules, Unknown};
use sockeye_socket::{BindOptions, Connection, Kind, Life, Listener, Name};

const WHERE: &str = "SOCKEYE_TEST_CONNECT_TO";

/// The program of the clients: it connects, and ends when it is told something or the connection ends.
#[test]
#[ignore = "it is a part of other tests, which run it in a process of its own"]
fn a_client_of_the_other_tests() {
    let Some(path) = std::env::var_os(WHERE) else {
        return;
    };
    let name = Name::Path(path.into());
    let connection = Connection::connect(&name, Some(Kind::Stream), &Life::default()).unwrap();
    connection.receive(&mut [0]).unwrap();
}

fn as_client(command: &mut Command) -> &mut Command {
    command.args(["--exact", "a_client_of_the_other_tests", "--ignored"])
}

/// A process that has connected.
struct Client {
    process: Child,
    connection: Connection,
}

impl Client {
    fn start(listener: &Listener, command: &mut Command) -> Self {
        let path = listener.name().as_path().unwrap();
        let command = command.env(WHERE, path).stdout(Stdio::null());
        let process = command.spawn().unwrap();
        wait_for(listener);
        Client {
            process,
            connection: listener.accept().unwrap(),
        }
    }

    fn peer(&self, program: &Path) -> Peer {
        Peer::of(&self.connection, &about(program)).unwrap()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn wait_for(descriptor: &impl AsFd) {
    let patience = Timespec {
        tv_sec: 60,
        tv_nsec: 0,
    };
    let mut polled = [PollFd::new(descriptor, PollFlags::IN)];
    assert_eq!(
        poll(&mut polled, Some(&patience)),
        Ok(1),
        "nothing happened"
    );
}

/// Beside the program of the tests, so that it can have a second name there: to write a copy would make it unrunnable
/// for as long as a child of another test has inherited the descriptor.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(tests().parent().unwrap()).unwrap()
}

fn tests() -> PathBuf {
    std::env::current_exe().unwrap().canonicalize().unwrap()
}

fn listener(folder: &tempfile::TempDir) -> Listener {
    let name = Name::Path(folder.path().join("a.sock"));
    Listener::bind(&name, Kind::Stream, &BindOptions::new()).unwrap()
}

fn about(program: &Path) -> Needs {
    Needs {
        executables: vec![program.into()],
        ..Needs::default()
    }
}

fn rules(allow: &[Rule]) -> Rules {
    Rules::resolve(allow.iter().cloned(), []).unwrap()
}

#[test]
fn only_what_is_needed_is_asked() {
    let (near, _far) = Connection::pair(Kind::Seqpacket, &Life::default()).unwrap();
    let me = caller().unwrap();
    let peer = Peer::of(&near, &Needs::default()).unwrap();
    let expected = Peer {
        pid: Some(std::process::id()),
        uid: me.uid,
        gid: me.gid,
        groups: Err(Unknown::NotAsked),
        executable: Err(Unknown::NotAsked),
    };
    assert_eq!(peer, expected);
}

#[test]
fn a_process_is_known_by_its_user_its_groups_and_its_program() {
    let folder = folder();
    let listener = listener(&folder);
    let client = Client::start(&listener, as_client(&mut Command::new(tests())));
    let me = caller().unwrap();
    let rules = rules(&[Rule::Executable(tests()), Rule::Gid(0..=0)]);
    let peer = Peer::of(&client.connection, &rules.needs()).unwrap();
    assert_eq!(peer.pid, Some(client.process.id()));
    assert_eq!((peer.uid, peer.gid), (me.uid, me.gid));
    let groups = peer.groups.clone().unwrap();
    assert!(groups.iter().all(|gid| me.is_in(*gid)), "{groups:?}");
    assert_eq!(peer.executable, Ok(tests()));
    assert!(rules.judge(&peer).is_admitted());
}

#[test]
fn another_program_is_not_let_in() {
    let folder = folder();
    let (listener, other) = (listener(&folder), folder.path().join("other"));
    fs::hard_link(tests(), &other).unwrap();
    let client = Client::start(&listener, as_client(&mut Command::new(&other)));
    let rules = rules(&[Rule::Executable(tests())]);
    let peer = Peer::of(&client.connection, &rules.needs()).unwrap();
    assert_eq!(peer.executable, Ok(other));
    assert_eq!(rules.judge(&peer).to_string(), "no allow rule is about it");
}

#[test]
fn a_process_that_has_ended_runs_nothing_that_can_be_told() {
    let folder = folder();
    let listener = listener(&folder);
    let mut client = Client::start(&listener, as_client(&mut Command::new(tests())));
    let pidfd = client.connection.peer_pidfd().unwrap().unwrap();
    client.connection.send_all(b"x").unwrap();
    wait_for(&pidfd);
    assert_eq!(client.peer(&tests()).executable, Err(Unknown::Ended));
    client.process.wait().unwrap();
    // Since Linux 6.16 there is a pidfd of a process that was reaped, too.
    let executable = client.peer(&tests()).executable;
    assert!(
        matches!(executable, Err(Unknown::Ended | Unknown::NoHandle)),
        "{executable:?}"
    );
}

#[test]
fn a_program_that_was_replaced_since_is_not_taken_for_the_new_one() {
    let folder = folder();
    let (listener, program) = (listener(&folder), folder.path().join("program"));
    fs::hard_link(tests(), &program).unwrap();
    let client = Client::start(&listener, as_client(&mut Command::new(&program)));
    assert_eq!(client.peer(&program).executable, Ok(program.clone()));
    let new = folder.path().join("new");
    fs::write(&new, "another").unwrap();
    fs::rename(&new, &program).unwrap();
    let removed = Unknown::Removed(program.as_os_str().as_bytes().to_vec());
    assert_eq!(client.peer(&program).executable, Err(removed));
}

fn somebody() -> User {
    User {
        uid: 12_345,
        gid: 23_456,
        name: None,
        groups: vec![23_456, 34_567, 45_678],
    }
}

#[test]
#[ignore = "needs root"]
fn another_user_is_known_with_its_supplementary_groups() {
    let folder = tempfile::tempdir().unwrap();
    let anybody = fs::Permissions::from_mode(0o755);
    fs::set_permissions(folder.path(), anybody).unwrap();
    let name = Name::Path(folder.path().join("a.sock"));
    let mode = BindOptions::new().mode(sockeye_socket::Mode::new(0o666));
    let listener = Listener::bind(&name, Kind::Stream, &mode).unwrap();
    let connect = || Connection::connect(&name, Some(Kind::Stream), &Life::default()).unwrap();
    let _client = as_user(&somebody(), connect).unwrap();
    let connection = listener.accept().unwrap();
    let admits = |text: &str| {
        let rules = rules(&[text.parse().unwrap()]);
        let peer = Peer::of(&connection, &rules.needs()).unwrap();
        rules.judge(&peer).is_admitted()
    };
    let rules = [
        "uid:12345",
        "user:12345",
        "gid:23456",
        "gid:34567",
        "group:45678",
    ];
    assert_eq!(rules.map(admits), [true; 5]);
    assert_eq!(
        ["uid:0", "gid:0", "user:root", "gid:12345"].map(admits),
        [false; 4]
    );
}

#[test]
#[ignore = "needs root"]
fn a_relay_without_privilege_cannot_tell_what_others_run() {
    let folder = folder();
    let listener = listener(&folder);
    let client = Client::start(&listener, as_client(&mut Command::new(tests())));
    let executable = as_user(&somebody(), || client.peer(&tests()).executable).unwrap();
    let refused = Unknown::Unreadable(io::ErrorKind::PermissionDenied);
    assert_eq!(executable, Err(refused));
}

#[test]
#[ignore = "needs root"]
fn a_program_mounted_over_the_allowed_one_is_not_taken_for_it() {
    let folder = folder();
    let (listener, allowed) = (listener(&folder), folder.path().join("allowed"));
    fs::write(&allowed, "trusted").unwrap();
    let mut command = Command::new("unshare");
    let script = r#"mount --bind "$1" "$2" && shift && exec "$@""#;
    command.args(["--mount", "sh", "-c", script, "sh"]);
    command.arg(tests()).arg(&allowed);
    let client = Client::start(&listener, as_client(&mut command));
    let rules = rules(&[Rule::Executable(allowed.clone())]);
    let peer = Peer::of(&client.connection, &rules.needs()).unwrap();
    let other = Unknown::OtherFile(allowed.as_os_str().as_bytes().to_vec());
    assert_eq!(peer.executable, Err(other));
    assert!(!rules.judge(&peer).is_admitted());
}

//! What a user without privilege sees, and is told.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::net::{SendFlags, SocketType, accept, send};
use tempfile::TempDir;

use crate::command::{all_in, answer, endpoint, folder, list, parsed, pids, text};
use crate::scene::{
    CONNECT, Program, SERVE, below_a_mount_of_its_own, bound, connected, listening,
    listening_abstract,
};

/// A command run by the user nobody.
pub(crate) fn as_nobody(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args([
        "--reuid",
        "65534",
        "--regid",
        "65534",
        "--clear-groups",
        program,
    ]);
    command
}

/// Python run by the user nobody, who may not reach the one that root has installed for itself.
pub(crate) fn python_as_nobody() -> Command {
    let system = "/usr/bin/python3";
    as_nobody(if Path::new(system).exists() {
        system
    } else {
        "python3"
    })
}

/// Lets everybody pass and bind in a folder.
pub(crate) fn open(folder: &Path) {
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).unwrap();
}

/// The command where everybody may run it.
pub(crate) fn binary_for_all() -> (TempDir, PathBuf) {
    let folder = folder();
    open(folder.path());
    let binary = folder.path().join("sockeye");
    std::fs::copy(env!("CARGO_BIN_EXE_sockeye"), &binary).unwrap();
    (folder, binary)
}

#[test]
#[ignore = "needs root"]
fn every_name_queue_and_peer_is_seen_without_privilege() {
    let (_home, binary) = binary_for_all();
    let folder = folder();
    open(folder.path());
    let at = |name: &str| folder.path().join(name);
    let listener = listening(&at("app.sock"), 5);
    let client = connected(&at("app.sock"));
    let _served = accept(&listener).unwrap();
    let _waiting = connected(&at("app.sock"));
    send(&client, b"hello", SendFlags::empty()).unwrap();
    let _datagram = bound(&at("log"), SocketType::DGRAM);
    let abstract_name = format!("sockeye-ls-nobody-{}", std::process::id());
    let _abstract = listening_abstract(abstract_name.as_bytes());

    let mut command = as_nobody(text(&binary));
    command.args([
        "ls",
        "--json",
        "-c",
        &all_in(folder.path()),
        &format!("@{abstract_name}"),
    ]);
    let document = parsed(&answer(&mut command));
    assert_eq!(list(&document, "endpoints").len(), 3, "{document:#}");
    let app = endpoint(&document, text(&at("app.sock")));
    assert_eq!(
        app["queue"],
        serde_json::json!({"used": 1, "limit": 5}),
        "{document:#}"
    );
    assert_eq!(
        (&app["clients"], pids(app)),
        (&2.into(), vec![]),
        "{document:#}"
    );
    let connections = list(&document, "connections");
    assert_eq!(connections.len(), 2, "{document:#}");
    let accepted = connections
        .iter()
        .find(|connection| connection["waiting"] == false)
        .unwrap();
    assert_eq!(accepted["to_server_bytes"], 5, "{document:#}");
    assert!(
        accepted["client"]["socket"].is_u64() && accepted["server"]["socket"].is_u64(),
        "{document:#}"
    );
    assert_eq!(document["holder_source"], "proc");
    assert!(
        document["unseen"]["bpf_refused"].is_string(),
        "{document:#}"
    );
}

#[test]
#[ignore = "needs root"]
fn own_processes_are_named_and_those_of_others_said_to_be_out_of_sight() {
    let (_home, binary) = binary_for_all();
    let folder = folder();
    open(folder.path());
    let [ours, theirs] = ["ours", "theirs"].map(|name| folder.path().join(name));
    let server = Program::python_under(python_as_nobody(), SERVE, &[text(&ours)]);
    let _listener = listening(&theirs, 5);
    let _client = Program::python_under(python_as_nobody(), CONNECT, &[text(&ours)]);
    let answer = answer(as_nobody(text(&binary)).args(["ls", &all_in(folder.path())]));
    assert!(
        answer
            .cells(text(&ours))
            .contains(&&*format!("python3[{}] nobody", server.pid())),
        "{answer:#?}"
    );
    assert!(
        answer.cells(text(&theirs)).contains(&"(not visible)"),
        "{answer:#?}"
    );
}

#[test]
#[ignore = "needs root"]
fn the_processes_out_of_sight_are_counted_and_what_would_show_them_is_said() {
    let (_home, binary) = binary_for_all();
    let unseen = || {
        let document = parsed(&answer(as_nobody(text(&binary)).args(["ls", "--json"])));
        document["unseen"]["processes"].as_u64().unwrap()
    };
    // Others come and go meanwhile: a process more is a process more when it was counted between two equal counts.
    let mut tries = 0;
    loop {
        let before = unseen();
        let program = Program::python("wait()", &[]);
        let with = unseen();
        program.end();
        let after = unseen();
        if before == after && with == before + 1 {
            break;
        }
        tries += 1;
        assert!(tries < 50, "{before}, {with} with one more, {after}");
    }
    let answer = answer(as_nobody(text(&binary)).arg("ls"));
    assert!(
        answer
            .complaint
            .contains("processes of other users are not visible: run as root, or with cap_"),
        "{answer:#?}"
    );
}

#[test]
#[ignore = "needs root"]
fn a_process_with_a_long_command_line_out_of_sight_hides_no_other() {
    let (_home, binary) = binary_for_all();
    let folder = folder();
    open(folder.path());
    let long = "x".repeat(9000);
    let _others: Vec<Program> = (0..3)
        .map(|_| Program::python("wait()", &[&long]))
        .collect();
    let path = folder.path().join("ours");
    let servers: Vec<Program> = (0..4)
        .map(|number| {
            let path = format!("{}{number}", text(&path));
            Program::python_under(python_as_nobody(), SERVE, &[&path])
        })
        .collect();
    let mut command = as_nobody(text(&binary));
    let document = parsed(&answer(command.args([
        "ls",
        "--json",
        &all_in(folder.path()),
    ])));
    for (number, server) in servers.iter().enumerate() {
        let endpoint = endpoint(&document, &format!("{}{number}", text(&path)));
        assert_eq!(pids(endpoint), [server.pid()], "{document:#}");
    }
}

#[test]
#[ignore = "needs root"]
fn a_file_without_a_socket_is_unclaimed_while_other_namespaces_are_out_of_sight() {
    let (_home, binary) = binary_for_all();
    let folder = folder();
    open(folder.path());
    crate::sockets::stale::leave_stale(&folder.path().join("app.sock"));
    let answer = answer(as_nobody(text(&binary)).args(["ls", "--stale", &all_in(folder.path())]));
    answer.says(&["unclaimed"]);
    assert!(answer.complaint.contains("may be stale"), "{answer:#?}");
}

#[test]
#[ignore = "needs root"]
fn asking_for_the_iterator_without_privilege_is_refused_and_the_way_out_said() {
    let (_home, binary) = binary_for_all();
    let answer = answer(as_nobody(text(&binary)).args(["ls", "--holders", "bpf"]));
    assert_eq!((answer.status, &*answer.text), (Some(3), ""), "{answer:#?}");
    assert!(
        answer.complaint.contains("needs cap_") && answer.complaint.contains("--holders proc"),
        "{answer:#?}"
    );
}

#[rstest::rstest]
#[case::of_others_not_listed("invisible")]
#[case::of_others_not_told_apart("noaccess")]
#[ignore = "needs root"]
fn processes_that_proc_hides_are_not_taken_for_none(#[case] hidden: &str) {
    let (_home, binary) = binary_for_all();
    let folder = folder();
    open(folder.path());
    let path = folder.path().join("app.sock");
    let _listener = listening(&path, 5);
    let mut command = Command::new("unshare");
    let mount = "mount -t proc -o \"hidepid=$0\" proc /proc && \
                 exec setpriv --reuid 65534 --regid 65534 --clear-groups \"$@\"";
    command.args(["--mount", "sh", "-c", mount, hidden]);
    command.args([text(&binary), "ls", text(&path)]);
    let answer = answer(&mut command);
    answer.says(&["(not visible)"]);
    assert!(
        answer
            .complaint
            .contains("processes that /proc does not show"),
        "{answer:#?}"
    );
}

/// Who has every capability in a user namespace of their own has none outside.
#[test]
#[ignore = "needs root"]
fn root_of_a_user_namespace_does_not_call_stale_what_it_cannot_know() {
    let (_home, binary) = binary_for_all();
    let folder = folder();
    open(folder.path());
    let path = folder.path().join("app.sock");
    crate::sockets::stale::leave_stale(&path);
    let mut command = as_nobody("unshare");
    command.args([
        "--user",
        "--map-root-user",
        text(&binary),
        "ls",
        text(&path),
    ]);
    let answer = answer(&mut command);
    answer.says(&["unclaimed"]);
    assert!(
        answer
            .complaint
            .contains("not even with the capabilities of this process"),
        "{answer:#?}"
    );
}

/// Nobody can tell it from one that was removed, as long as its process is out of sight.
#[test]
#[ignore = "needs root"]
fn a_file_in_another_mount_namespace_is_not_called_deleted() {
    let (_home, binary) = binary_for_all();
    let folder = folder();
    open(folder.path());
    let inner = folder.path().join("inner");
    let path = inner.join("app.sock");
    let _server = below_a_mount_of_its_own(&inner, "true", &path);
    let document = parsed(&answer(as_nobody(text(&binary)).args([
        "ls",
        "--json",
        text(&path),
    ])));
    let endpoint = endpoint(&document, text(&path));
    assert_eq!(
        (&endpoint["fault"], &endpoint["possible_fault"]),
        (&serde_json::json!(null), &"deleted".into()),
        "{document:#}"
    );
    answer(as_nobody(text(&binary)).args(["ls", text(&path)]))
        .says(&["deleted, or in another mount namespace"]);
    answer(as_nobody(text(&binary)).args(["show", text(&path)]))
        .says(&["perhaps", "has it in another mount namespace"]);
}

#[test]
#[ignore = "needs root"]
fn sockets_of_a_user_whose_processes_are_out_of_sight_are_found_by_who_made_them() {
    let (_home, binary) = binary_for_all();
    let folder = folder();
    open(folder.path());
    let path = folder.path().join("app.sock");
    let _listener = listening(&path, 5);
    let shown = |user: &str| {
        let arguments = ["ls", "--user", user, &all_in(folder.path())];
        answer(as_nobody(text(&binary)).args(arguments))
    };
    shown("root").says(&[text(&path), "(not visible)"]);
    assert_eq!(shown("nobody").status, Some(1));
}

/// Runs its arguments where no netlink socket can be made.
const WITHOUT_NETLINK: &str = "\
import ctypes, os, platform, struct, sys
number = {'x86_64': 41, 'aarch64': 198}[platform.machine()]
load, equal, answer = 0x20, 0x15, 0x06
steps = [(load, 0, 0, 0), (equal, 0, 3, number), (load, 0, 0, 16), (equal, 0, 1, 16),
         (answer, 0, 0, 0x50001), (answer, 0, 0, 0x7fff0000)]
code = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *step) for step in steps))
class Program(ctypes.Structure):
    _fields_ = [('length', ctypes.c_ushort), ('code', ctypes.c_void_p)]
program = Program(len(steps), ctypes.addressof(code))
prctl = ctypes.CDLL(None).prctl
assert prctl(38, 1, 0, 0, 0) == 0 and prctl(22, 2, ctypes.byref(program), 0, 0) == 0
os.execvp(sys.argv[1], sys.argv[1:])
";

#[test]
fn where_unix_diag_is_refused_nothing_is_made_up() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let listener = listening(&path, 5);
    let _client = connected(&path);
    let _served = accept(&listener).unwrap();
    let refused = |arguments: &[&str]| {
        let mut command = Command::new("python3");
        command.args(["-c", WITHOUT_NETLINK, env!("CARGO_BIN_EXE_sockeye")]);
        answer(command.args(arguments))
    };
    let document = parsed(&refused(&["ls", "--json", text(&path)]));
    assert_eq!(document["unseen"]["unix_diag_refused"], true);
    let listener = endpoint(&document, text(&path));
    assert_eq!(listener["queue"], serde_json::json!(null), "{document:#}");
    assert_eq!(pids(listener), [std::process::id()], "{document:#}");
    let answer = refused(&["ls", text(&path)]);
    answer.says(&["(not known)"]);
    assert!(!answer.text.contains("(closed)"), "{answer:#?}");
    assert!(
        answer.complaint.contains("refused unix_diag"),
        "{answer:#?}"
    );
}

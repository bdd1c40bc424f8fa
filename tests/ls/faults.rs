//! The word where something is wrong, each situation made for real.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::io::Errno;
use rustix::net::{SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use serde_json::{Value, json};

use crate::command::{all_in, endpoint, folder, is_root, json, list, ls, text};
use crate::scene::{Program, connected, listening};

fn fault_of(path: &Path) -> Value {
    let document = json([path]);
    endpoint(&document, text(path))["fault"].clone()
}

/// Without privilege another namespace might hold it, so that nobody can be sure.
fn stale() -> &'static str {
    if is_root() { "stale" } else { "unclaimed" }
}

#[test]
fn a_file_without_a_socket_is_stale() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    crate::sockets::stale::leave_stale(&path);
    let document = json([&path]);
    let endpoint = endpoint(&document, text(&path));
    assert_eq!(endpoint["state"], stale(), "{document:#}");
    for nothing in ["socket_kind", "socket", "queue", "net_namespace"] {
        assert_eq!(endpoint[nothing], json!(null), "{nothing} in {document:#}");
    }
    assert_eq!(list(endpoint, "processes"), &[] as &[Value]);
    ls([&path]).says(&[text(&path), stale()]);
    // The filter that is made for it, too.
    let answer = ls(["--stale", &all_in(folder.path())]);
    assert_eq!(answer.text.lines().count(), 2, "{answer:#?}");
}

#[test]
fn a_stale_file_that_was_named_is_found_wherever_it_is() {
    let folder = folder();
    let deep = folder.path().join("a/b/c/d/e");
    fs::create_dir_all(&deep).unwrap();
    let path = deep.join("app.sock");
    crate::sockets::stale::leave_stale(&path);
    ls([&path]).says(&[text(&path), stale()]);
}

#[test]
fn a_relative_name_is_not_called_deleted_because_its_process_went_elsewhere() {
    let program = "os.chdir(sys.argv[1])\nserver = socket(AF_UNIX)\nserver.bind('app.sock')\nserver.listen()\nos.chdir('/')\nwait()";
    let folder = folder();
    let deep = folder.path().join("a/b/c/d");
    fs::create_dir_all(&deep).unwrap();
    let server = Program::python(program, &[text(&deep)]);
    let path = deep.join("app.sock");
    // Nobody can tell where it is; but when its folder is looked at, it is found.
    let document = json(["--pid", &server.pid().to_string()]);
    let [unknown] = list(&document, "endpoints") else {
        panic!("{document:#}")
    };
    assert_eq!(
        (&unknown["address"], &unknown["fault"]),
        (&"unix:app.sock".into(), &json!(null))
    );
    let shown = json(["unix:app.sock"]);
    assert!(
        list(&shown, "endpoints").contains(unknown),
        "what is shown can be pasted: {shown:#}"
    );
    let document = json([&path]);
    let found = endpoint(&document, text(&path));
    assert_eq!(
        (&found["state"], &found["fault"]),
        (&"listening".into(), &json!(null)),
        "{document:#}"
    );
}

#[test]
fn a_listener_whose_file_was_removed_is_deleted() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let _listener = listening(&path, 5);
    fs::remove_file(&path).unwrap();
    let document = json([&path]);
    let endpoint = endpoint(&document, text(&path));
    assert_eq!(
        (&endpoint["fault"], &endpoint["state"]),
        (&"deleted".into(), &"listening".into())
    );
    assert_eq!(endpoint["file"], json!(null));
    ls([&path]).says(&["deleted"]);
}

#[test]
fn a_listener_whose_path_has_another_socket_is_replaced() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let _old = listening(&path, 5);
    fs::remove_file(&path).unwrap();
    let _new = listening(&path, 6);
    let document = json([&path]);
    let mut faults: Vec<(&Value, &Value)> = list(&document, "endpoints")
        .iter()
        .map(|endpoint| (&endpoint["queue"]["limit"], &endpoint["fault"]))
        .collect();
    faults.sort_by_key(|(limit, _)| limit.as_u64());
    assert_eq!(
        faults,
        [(&5.into(), &"replaced".into()), (&6.into(), &json!(null))]
    );
}

#[test]
fn a_listener_whose_path_has_another_file_is_replaced() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let _listener = listening(&path, 5);
    fs::remove_file(&path).unwrap();
    fs::write(&path, "text").unwrap();
    assert_eq!(fault_of(&path), "replaced");
    ls([&path]).says(&["replaced"]);
}

#[test]
fn a_listener_whose_path_has_a_stale_file_is_replaced() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let _listener = listening(&path, 5);
    fs::remove_file(&path).unwrap();
    crate::sockets::stale::leave_stale(&path);
    let document = json([&path]);
    let mut states: Vec<&str> = list(&document, "endpoints")
        .iter()
        .map(|endpoint| endpoint["state"].as_str().unwrap())
        .collect();
    states.sort_unstable();
    assert_eq!(states, ["listening", stale()], "{document:#}");
    ls([&path]).says(&["replaced"]);
}

#[test]
fn a_listener_whose_file_was_renamed_tells_where_it_is_now() {
    let folder = folder();
    let [old, new] = ["old.sock", "new.sock"].map(|name| folder.path().join(name));
    let _listener = listening(&old, 5);
    fs::rename(&old, &new).unwrap();
    ls([&old]).says(&[&format!("moved now at {}", text(&new))]);
    let document = json([&old]);
    let endpoint = endpoint(&document, text(&old));
    assert_eq!(
        (&endpoint["fault"], &endpoint["file"]["path"]["text"]),
        (&"deleted".into(), &text(&new).into())
    );
    // It is found by where it is, too, and it is one endpoint.
    let found = json([&new]);
    assert_eq!(list(&found, "endpoints"), list(&document, "endpoints"));
}

#[test]
fn a_renamed_file_is_found_deep_in_a_folder_that_nothing_else_points_to() {
    let folder = folder();
    let deep = folder.path().join("a/b/c");
    fs::create_dir_all(&deep).unwrap();
    let [old, new] = ["old.sock", "new.sock"].map(|name| deep.join(name));
    let _listener = listening(&old, 5);
    fs::rename(&old, &new).unwrap();
    ls([&old]).says(&[&format!("moved now at {}", text(&new))]);
}

#[test]
fn a_listener_whose_file_was_renamed_and_path_taken_tells_both() {
    let folder = folder();
    let [old, new] = ["old.sock", "new.sock"].map(|name| folder.path().join(name));
    let _listener = listening(&old, 5);
    fs::rename(&old, &new).unwrap();
    let _other = listening(&old, 6);
    ls([&old]).says(&[&format!("replaced now at {}", text(&new))]);
}

#[test]
fn a_listener_that_takes_no_more_clients_is_full() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let _listener = listening(&path, 1);
    let _first = connected(&path);
    assert_eq!(
        fault_of(&path),
        json!(null),
        "the kernel lets one more wait than the backlog"
    );
    let _clients = connect_until_full(&path);
    let document = json([&path]);
    let endpoint = endpoint(&document, text(&path));
    assert_eq!(endpoint["fault"], "full", "{document:#}");
    assert_eq!(
        endpoint["queue"],
        json!({"used": 2, "limit": 1}),
        "{document:#}"
    );
    ls([&path]).says(&["2/1", "full"]);
    ls(["--state", "full", text(&path)]).says(&["full"]);
}

fn connect_until_full(path: &Path) -> Vec<OwnedFd> {
    let mut clients = Vec::new();
    loop {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let client = socket_with(
            rustix::net::AddressFamily::UNIX,
            SocketType::STREAM,
            flags,
            None,
        )
        .unwrap();
        match connect(&client, &SocketAddrUnix::new(path).unwrap()) {
            Ok(()) => clients.push(client),
            Err(error) => {
                assert_eq!(error, Errno::AGAIN);
                return clients;
            }
        }
    }
}

#[test]
fn a_listener_that_closed_leaves_its_connections_at_a_closed_endpoint() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let listener = listening(&path, 5);
    let _client = connected(&path);
    let _served = rustix::net::accept(&listener).unwrap();
    drop(listener);
    let document = json([&path]);
    let endpoint = endpoint(&document, text(&path));
    assert_eq!(
        (&endpoint["state"], &endpoint["clients"]),
        (&"closed".into(), &1.into()),
        "{document:#}"
    );
    assert_eq!(list(&document, "connections").len(), 1, "{document:#}");
}

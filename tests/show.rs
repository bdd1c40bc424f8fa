//! `sockeye show`: all that is known of one endpoint.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Output};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, connect, socket};

fn show(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sockeye"))
        .arg("show")
        .args(words)
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a test's peer is any program")]
fn listener(path: &Path) -> UnixListener {
    UnixListener::bind(path).unwrap()
}

fn client(path: &Path) -> rustix::fd::OwnedFd {
    let client = socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    connect(&client, &SocketAddrUnix::new(path).unwrap()).unwrap();
    client
}

#[test]
fn state_queue_file_socket_holder_and_clients_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let server = listener(&path);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let first = client(&path);
    let accepted = server.accept().unwrap();
    rustix::io::write(&first, b"hello").unwrap();
    let _waiting = client(&path);

    let output = show(&[path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = text(&output);
    let me = format!("[{}]", std::process::id());
    for fact in [
        path.to_str().unwrap(),
        "stream, listening",
        "1 wait to be accepted",
        "640 ",
        "network namespace",
        "descriptor ",
        "program ",
        "unread: 5 by server",
        "waits to be accepted",
        me.as_str(),
    ] {
        assert!(text.contains(fact), "{fact:?} is not in:\n{text}");
    }
    drop(accepted);
}

#[test]
fn a_relative_path_is_meant_from_the_current_folder() {
    let folder = tempfile::tempdir().unwrap();
    let _server = listener(&folder.path().join("app.sock"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_sockeye"));
    let output = command
        .args(["show", "./app.sock"])
        .current_dir(&folder)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn what_is_nowhere_is_told_with_the_way_to_find_out_why() {
    let output = show(&["/nowhere/at/all.sock"]);
    assert_eq!(output.status.code(), Some(1));
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(
        complaint.contains("sockeye doctor /nowhere/at/all.sock"),
        "{complaint}"
    );
}

#[test]
fn an_address_that_is_no_unix_socket_is_a_wrong_command_line() {
    assert_eq!(show(&["tcp:localhost:80"]).status.code(), Some(2));
    assert_eq!(show(&["nonsense"]).status.code(), Some(2));
}

#[test]
fn json_has_the_endpoint_and_its_connections_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let _server = listener(&path);
    let _other = listener(&folder.path().join("other.sock"));
    let _client = client(&path);
    let output = show(&[path.to_str().unwrap(), "--json"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["kind"], "show");
    assert_eq!(document["endpoints"].as_array().unwrap().len(), 1);
    assert_eq!(document["connections"].as_array().unwrap().len(), 1);
    assert_eq!(document["connections"][0]["waiting"], true);
}

#[test]
fn a_listener_whose_file_was_renamed_is_moved_and_not_gone() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (
        folder.path().join("old.sock"),
        folder.path().join("new.sock"),
    );
    let _server = listener(&old);
    std::fs::rename(&old, &new).unwrap();
    let text = text(&show(&[old.to_str().unwrap()]));
    assert!(
        text.contains("moved") && text.contains(new.to_str().unwrap()) && !text.contains("gone"),
        "{text}"
    );
}

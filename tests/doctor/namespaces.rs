//! Names that exist elsewhere only.

use std::fs;
use std::process::Command;

use crate::server::{LISTEN, Server, python};
use crate::{doctor, folder, text};

#[test]
#[ignore = "needs root"]
fn a_path_in_another_mount_namespace_is_found_there() {
    let folder = folder();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let path = inner.join("app.sock");
    let mut command = Command::new("unshare");
    command.args([
        "--mount",
        "sh",
        "-c",
        "mount -t tmpfs none \"$0\" && exec python3 \"$@\"",
        text(&inner),
    ]);
    let server = Server::start(python(&mut command, LISTEN, &[text(&path)]));
    let through = format!("sockeye connect /proc/{}/root{}", server.pid(), text(&path));
    let answer = doctor([&path]);
    answer.says(
        1,
        &[
            "exists only in the mount namespace of",
            &format!("(pid {})", server.pid()),
            &through,
        ],
    );
    // The remedy is true.
    let other = format!("/proc/{}/root{}", server.pid(), text(&path));
    doctor([&*other, "--connect"]).says(0, &["yes: ", "connect succeeded"]);
}

#[test]
#[ignore = "needs root"]
fn an_abstract_name_in_another_network_namespace_is_found_there() {
    let name = format!("@sockeye-doctor-elsewhere-{}", std::process::id());
    let mut command = Command::new("unshare");
    command.args(["--net", "python3"]);
    let server = Server::start(python(&mut command, LISTEN, &[&name]));
    let remedy = format!(
        "nsenter --target {} --net -- sockeye connect {name}",
        server.pid()
    );
    doctor([&*name, "--connect"]).says(
        1,
        &[
            "exists only in the network namespace of",
            "Connection refused",
            &remedy,
        ],
    );
}

/// Paths are apart by mount namespace only.
#[test]
#[ignore = "needs root"]
fn a_path_bound_in_another_network_namespace_can_be_connected_to() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let mut command = Command::new("unshare");
    command.args(["--net", "python3"]);
    let _server = Server::start(python(&mut command, LISTEN, &[text(&path)]));
    doctor([text(&path), "--connect"]).says(0, &["yes: ", "connect succeeded"]);
}

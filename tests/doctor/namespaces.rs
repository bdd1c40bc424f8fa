//! Names that exist elsewhere only.

use std::fs;
use std::process::Command;

use crate::command::answer;
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

#[test]
#[ignore = "needs root"]
fn a_path_below_another_root_is_found_where_it_is() {
    let folder = folder();
    let program = "import os\nos.chroot(sys.argv[1])\nserver = socket(AF_UNIX)\nserver.bind('/sockeye-root.sock')\n\
                   server.listen()\nwait()";
    let _server = Server::python(program, &[text(folder.path())]);
    let path = folder.path().join("sockeye-root.sock");
    let remedy = format!("sockeye connect {}", text(&path));
    doctor(["/sockeye-root.sock"]).says(1, &["but its file is at", &remedy]);
    doctor([text(&path), "--connect"]).says(0, &["yes: ", "connect succeeded"]);
}

/// An overlay of two filesystems gives its files another device than it has itself.
#[test]
#[ignore = "needs root"]
fn a_socket_is_known_by_its_file_where_stat_shows_another_device() {
    let folder = folder();
    let mount = "cd \"$0\" && mkdir low over && mount -t tmpfs none over && \
                 mkdir over/up over/work over/all && \
                 mount -t overlay none -o lowerdir=low,upperdir=over/up,workdir=over/work,xino=off over/all && \
                 exec python3 \"$@\"";
    let program = "server = socket(AF_UNIX)\nold, new = sys.argv[1:]\nserver.bind(old)\nserver.listen()\n\
                   import os\nos.rename(old, new)\nwait()";
    let at = |name: &str| text(&folder.path().join("over/all").join(name)).to_owned();
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", mount, text(folder.path())]);
    let arguments = [&*at("old.sock"), &*at("new.sock")];
    let server = Server::start(python(&mut command, program, &arguments));
    let mut command = Command::new("nsenter");
    command.args(["--target", &server.pid().to_string(), "--mount"]);
    command.args([env!("CARGO_BIN_EXE_sockeye"), "doctor", &at("new.sock")]);
    answer(&mut command).says(0, &["yes: ", "listens on"]);
}

#[test]
fn a_socket_that_no_process_has_open_is_said_to_be_so() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let program = "server = socket(AF_UNIX)\nserver.bind(sys.argv[1])\nserver.listen()\nleft, right = socketpair()\n\
                   send_fds(left, [b'x'], [server.fileno()])\nserver.close()\nwait()";
    let _server = Server::python(program, &[text(&path)]);
    let held = if rustix::process::geteuid().is_root() {
        "no process has it open"
    } else {
        "could not be seen"
    };
    doctor([&path]).says(0, &["yes: ", held]);
}

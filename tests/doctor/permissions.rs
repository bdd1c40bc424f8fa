//! Folders and sockets closed to a user.

use std::fs;
use std::os::unix::fs::chown;

use std::process::Command;

use crate::command::{Answer, answer};
use crate::server::listening;
use crate::{doctor, open_folder, set_mode, text};

#[test]
#[ignore = "needs root"]
fn a_closed_folder_is_named_with_who_may_pass() {
    let folder = open_folder();
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    set_mode(&closed, 0o700);
    let path = closed.join("app.sock");
    let _server = listening(&path, 5);
    set_mode(&path, 0o666);
    doctor([&path]).says(0, &["yes: "]);
    let sentence = format!(
        "no: user nobody may not pass through the folder {}",
        text(&closed)
    );
    let mode = format!("chmod o+x {}", text(&closed));
    let answer = doctor([text(&path), "--as", "nobody", "--connect"]);
    answer.says(
        1,
        &[
            "✗",
            "may not pass",
            &sentence,
            "Permission denied",
            "run as root",
            &mode,
        ],
    );
}

#[test]
#[ignore = "needs root"]
fn the_group_that_may_write_is_the_first_remedy() {
    let folder = open_folder();
    let path = folder.path().join("app.sock");
    let _server = listening(&path, 5);
    // daemon is group 1 everywhere, and nobody is not in it.
    chown(&path, None, Some(1)).unwrap();
    set_mode(&path, 0o660);
    let sentence = format!(
        "no: user nobody may not write to the socket {}",
        text(&path)
    );
    let join = "add user nobody to group daemon (usermod -aG daemon nobody), and log in again";
    let answer = doctor([text(&path), "--as", "nobody", "--connect"]);
    answer.says(
        1,
        &[
            "may not write",
            &sentence,
            "mode 0660",
            "Permission denied",
            join,
            "or run as root",
        ],
    );
}

#[test]
#[ignore = "needs root"]
fn a_member_of_the_group_may_connect() {
    let folder = open_folder();
    let path = folder.path().join("app.sock");
    let _server = listening(&path, 5);
    chown(&path, None, Some(1)).unwrap();
    set_mode(&path, 0o660);
    doctor([text(&path), "--as", "daemon", "--connect"]).says(0, &["yes: ", "connect succeeded"]);
}

/// The owner's bits count for the owner, even where everybody else may more.
#[test]
#[ignore = "needs root"]
fn the_owner_can_be_the_one_who_is_refused() {
    let folder = open_folder();
    let path = folder.path().join("app.sock");
    let _server = listening(&path, 5);
    chown(&path, Some(4711), None).unwrap();
    set_mode(&path, 0o066);
    let mode = format!("have the owner change it: chmod u+w {}", text(&path));
    doctor([text(&path), "--as", "4711", "--connect"]).says(
        1,
        &["no: user 4711 may not write", "Permission denied", &mode],
    );
    doctor([text(&path), "--as", "4712", "--connect"]).says(0, &["yes: "]);
}

#[test]
#[ignore = "needs root"]
fn a_stale_file_that_may_not_be_written_is_noted_as_stale_too() {
    let folder = open_folder();
    let path = folder.path().join("app.sock");
    crate::sockets::stale::leave_stale(&path);
    set_mode(&path, 0o600);
    doctor([text(&path), "--as", "nobody"]).says(
        1,
        &[
            "may not write",
            "note: no socket is bound to the file either",
        ],
    );
}

#[test]
#[ignore = "needs root"]
fn asking_for_another_user_needs_root() {
    let answer = unprivileged_doctor(&["/run", "--as", "nobody"]);
    assert_eq!(answer.status, Some(3), "{answer:#?}");
    let complaint = &answer.complaint;
    assert!(
        complaint.contains("act as user 65534: Operation not permitted"),
        "{complaint}"
    );
    assert!(
        complaint.contains("run as root, or with cap_setgid and cap_setuid"),
        "{complaint}"
    );
}

/// Another network namespace may have a socket bound to the file, and it would be reached.
#[test]
#[ignore = "needs root"]
fn without_privilege_only_a_connect_tells_whether_a_file_is_stale() {
    let folder = open_folder();
    let path = folder.path().join("app.sock");
    crate::sockets::stale::leave_stale(&path);
    set_mode(&path, 0o666);
    let answer = unprivileged_doctor(&[text(&path)]);
    answer.says(
        3,
        &[
            "it cannot be told",
            "--connect",
            "cap_sys_ptrace and cap_sys_admin",
        ],
    );
    unprivileged_doctor(&[text(&path), "--connect"])
        .says(1, &["no: ", "is stale", "Connection refused"]);
}

#[test]
#[ignore = "needs root"]
fn without_privilege_a_listener_of_another_user_is_found_and_its_process_is_not() {
    let folder = open_folder();
    let path = folder.path().join("app.sock");
    let _server = listening(&path, 5);
    set_mode(&path, 0o666);
    unprivileged_doctor(&[text(&path)]).says(
        0,
        &["yes: ", "note: the processes behind it could not be seen"],
    );
}

/// As after `usermod -aG`: the database knows, the processes of the login do not.
#[test]
#[ignore = "needs root"]
fn a_login_older_than_the_membership_is_recognised() {
    let folder = open_folder();
    let path = folder.path().join("app.sock");
    let _server = listening(&path, 5);
    chown(&path, None, Some(1)).unwrap();
    set_mode(&path, 0o660);
    let mut command = Command::new("setpriv");
    command.args(["--reuid=daemon", "--regid=4711", "--clear-groups"]);
    command.args([env!("CARGO_BIN_EXE_sockeye"), "doctor", text(&path)]);
    let remedy = "log in again: user daemon is in the group daemon by now, but this login is older";
    answer(&mut command).says(1, &["may not write", remedy]);
}

fn unprivileged_doctor(arguments: &[&str]) -> Answer {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=4711", "--regid=4711", "--clear-groups"]);
    command
        .args([env!("CARGO_BIN_EXE_sockeye"), "doctor"])
        .args(arguments);
    answer(&mut command)
}

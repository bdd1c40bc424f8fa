//! `sockeye doctor`: every situation made for real, every answer by the real command.

#[cfg(test)]
#[path = "doctor/command.rs"]
mod command; // runs it and reads its answer
#[cfg(test)]
#[path = "doctor/server.rs"]
mod server;
#[cfg(test)]
mod sockets; // sockets of this process, shared by test programs // sockets of this process, and servers in a process of their own

#[cfg(test)]
#[path = "doctor/document.rs"]
mod document; // --json and its schema
#[cfg(test)]
#[path = "doctor/namespaces.rs"]
mod namespaces; // names that exist elsewhere only
#[cfg(test)]
#[path = "doctor/path.rs"]
mod path; // what the way to the socket ends at
#[cfg(test)]
#[path = "doctor/permissions.rs"]
mod permissions; // folders and sockets closed to a user
#[cfg(test)]
#[path = "doctor/queue.rs"]
mod queue; // listeners that serve nobody
#[cfg(test)]
#[path = "doctor/socket.rs"]
mod socket; // what the socket itself answers

use command::{doctor, folder, open_folder, set_mode, text};

#[test]
fn a_wrong_command_line_is_told_apart_from_a_no() {
    assert_eq!(doctor::<&str>([]).status, Some(2));
    let answer = doctor(["/run/app.sock", "--as", "no such user"]);
    assert_eq!(answer.status, Some(2), "{answer:?}");
    assert!(answer.complaint.contains("no such user"), "{answer:?}");
}

//! Messages, and whose they are.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::os::fd::AsFd as _;
use std::process::{Command, Stdio};

use sockeye_socket::{BindOptions, Credentials, Custody, Datagram, Life, Name};

fn inbox() -> Datagram {
    Datagram::bind(&Name::Unnamed, &BindOptions::new()).unwrap()
}

fn sender() -> Datagram {
    Datagram::unbound(&Life::default()).unwrap()
}

#[test]
fn descriptors_come_with_credentials() {
    let inbox = inbox();
    inbox.ask_for_credentials().unwrap();
    let files: Vec<_> = (0..253).map(|_| tempfile::tempfile().unwrap()).collect();
    sender()
        .send_message_to(b"many", &files, inbox.name())
        .unwrap();
    let (message, who) = inbox.receive_told(&mut [0; 2]).unwrap();
    assert_eq!((message.length_bytes, message.full_length_bytes), (2, 4));
    assert_eq!(message.descriptors.len(), 253);
    assert!(!message.descriptors_lost);
    assert_eq!(message.sender, Name::Unnamed);
    let own = Credentials {
        pid: Some(std::process::id()),
        uid: rustix::process::geteuid().as_raw(),
        gid: rustix::process::getegid().as_raw(),
    };
    assert_eq!(who, Some(own));
    for descriptor in &message.descriptors {
        let flags = rustix::io::fcntl_getfd(descriptor).unwrap();
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
    }
}

#[test]
fn of_a_message_from_before_it_was_asked_for_nobody_is_known() {
    let inbox = inbox();
    sender().send_to(b"early", inbox.name()).unwrap();
    inbox.ask_for_credentials().unwrap();
    let (message, who) = inbox.receive_told(&mut [0; 8]).unwrap();
    assert_eq!((message.length_bytes, who), (5, None));
}

#[test]
fn a_socket_that_does_not_wait_has_no_next_length() {
    let inbox = inbox();
    inbox.set_nonblocking(true).unwrap();
    assert!(inbox.next_length_bytes().unwrap_err().would_block());
    let error = inbox.receive_told(&mut [0; 8]).unwrap_err();
    assert!(error.would_block());
    sender().send_to(b"", inbox.name()).unwrap();
    assert_eq!(inbox.next_length_bytes().unwrap(), 0);
}

#[test]
#[ignore = "needs root"]
fn a_sender_outside_of_the_pid_namespace_loses_no_descriptors() {
    let inbox = inbox();
    inbox.ask_for_credentials().unwrap();
    let file = tempfile::tempfile().unwrap();
    sender()
        .send_message_to(b"from outside", &[file], inbox.name())
        .unwrap();
    // What is queued is received by a process that cannot see the sender.
    let inside = "receives_from_outside_of_its_pid_namespace";
    let output = Command::new("unshare")
        .args(["--pid", "--fork", "--"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", inside, "--ignored"])
        .env(INSIDE, "1")
        .stdin(Stdio::from(inbox.hand_over()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
}

const INSIDE: &str = "SOCKEYE_TEST_INSIDE_PID_NAMESPACE";

#[test]
#[ignore = "it is a part of another test, which runs it in a process of its own"]
fn receives_from_outside_of_its_pid_namespace() {
    if std::env::var_os(INSIDE).is_none() {
        return;
    }
    let socket = std::io::stdin().as_fd().try_clone_to_owned().unwrap();
    let inbox = Datagram::adopt(socket, Custody::Theirs, &Life::default()).unwrap();
    let (message, who) = inbox.receive_told(&mut [0; 16]).unwrap();
    assert_eq!(message.length_bytes, 12);
    assert_eq!(message.descriptors.len(), 1);
    let who = who.unwrap();
    assert_eq!(who.pid, None);
    assert_eq!(who.uid, rustix::process::geteuid().as_raw());
}

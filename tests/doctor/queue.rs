//! Listeners that serve nobody.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::server::{LISTEN, Server, connected, listening};
use crate::{doctor, folder, text};

#[test]
fn a_full_accept_queue_is_told_with_its_numbers() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let _server = listening(&path, 1);
    let _clients = [connected(&path), connected(&path)];
    let answer = doctor([text(&path), "--connect"]);
    answer.says(
        1,
        &[
            "is full: 2 clients wait, the backlog is 1",
            "Resource temporarily unavailable",
            "larger backlog",
        ],
    );
}

#[test]
fn a_queue_that_does_not_move_belongs_to_a_listener_that_does_not_accept() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let _server = listening(&path, 5);
    let _client = connected(&path);
    let pid = format!("strace -p {}", std::process::id());
    doctor([&path]).says(
        1,
        &[
            "no: ",
            "listens on",
            "but does not accept: 1 client waits already",
            &pid,
        ],
    );
}

/// Somebody waits all the time, and all the time somebody is accepted.
#[test]
fn a_queue_that_moves_belongs_to_a_busy_server() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let server = listening(&path, 5);
    let first = connected(&path);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut waiting = Some(first);
            while !done.load(Ordering::Relaxed) {
                // Kept until the next is there: a client that left its place has no number in the queue.
                let next = connected(&path);
                rustix::net::accept(&server).unwrap();
                drop(waiting.replace(next));
            }
        });
        let answer = doctor([&path]);
        done.store(true, Ordering::Relaxed);
        answer.says(0, &["yes: "]);
    });
}

#[test]
fn a_stopped_process_accepts_nobody() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let server = Server::python(LISTEN, &[text(&path)]);
    doctor([&path]).says(0, &["yes: "]);
    server.stop();
    let remedy = format!("kill -CONT {}", server.pid());
    doctor([&path]).says(1, &["but is stopped, so it accepts nobody", &remedy]);
}

#[test]
fn a_process_without_a_free_descriptor_accepts_nobody() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let program = format!(
        "resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))\n{}",
        LISTEN.replace("wait()", "files = []\ntry:\n    while True: files.append(open('/dev/null'))\nexcept OSError: wait()")
    );
    let server = Server::python(&program, &[text(&path)]);
    let remedy = format!("prlimit --pid {} --nofile=", server.pid());
    doctor([&path]).says(1, &["has all 32 descriptors open that it may", &remedy]);
}

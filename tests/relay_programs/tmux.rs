//! tmux, whose clients hand their terminal to the server.

use crate::program::{Program, noise};
use crate::scenario::Ready;
use crate::server::Running;
use crate::stage::{Stage, until};
use crate::terminal::terminal;

fn server(stage: &Stage) -> Running {
    // -D: stays in the foreground.
    let run = ["tmux", "-D", "-S", "tmux.sock", "-f", "/dev/null"];
    let server = stage.server_when(&run, Ready::Accepts(stage.text("tmux.sock")));
    // The session is the server's own affair: a program that repeats what is typed.
    let size = ["-x", "80", "-y", "24"];
    let new = ["tmux", "-N", "-S", "tmux.sock", "new-session", "-d"];
    let what = ["-s", "work", "echo a sockeye swims; exec cat"];
    stage.run(&[&new[..], &size, &what].concat());
    server
}

fn relayed<'a>(words: &[&'a str]) -> Vec<&'a str> {
    [&["tmux", "-N", "-S", "in.sock"], words].concat()
}

#[test]
fn a_terminal_is_attached_to_a_session() {
    let stage = Stage::new();
    let _server = server(&stage);
    let relay = stage.relay(&["./in.sock", "./tmux.sock"]);
    let (mut person, end) = terminal();
    let mut attach = stage.command(&relayed(&["attach", "-t", "work"]));
    attach.stdin(end.try_clone().unwrap());
    attach.stdout(end.try_clone().unwrap()).stderr(end);
    let client = Program::start(&mut attach);
    person.sees("a sockeye swims", 1);
    person.types(b"upstream\r");
    person.sees("upstream", 2);
    let screen = relayed(&["capture-pane", "-p", "-t", "work"]);
    let screen = stage.run(&screen);
    assert!(screen.contains("upstream\nupstream\n"), "{screen}");
    // It is the terminal itself that the server holds.
    let clients = stage.run(&relayed(&["list-clients"]));
    assert!(clients.contains("/dev/pts/"), "{clients}");

    person.types(b"\x02d");
    person.sees("[detached (from session work)]", 1);
    client.end().succeeded();
    drop(attach);
    until("nobody to be attached", || {
        stage.run(&relayed(&["list-clients"])).is_empty()
    });
    relay.stop_without_failure();
}

#[test]
fn buffers_are_read_and_written_by_a_client() {
    let stage = Stage::new();
    let _server = server(&stage);
    let relay = stage.relay(&["./in.sock", "./tmux.sock"]);
    let content = noise(300_000);
    stage.run_with(&relayed(&["load-buffer", "-"]), &content);
    let back = stage.run_with(&relayed(&["save-buffer", "-"]), b"");
    assert!(back == content);
    relay.stop_without_failure();
}

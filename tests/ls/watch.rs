//! `--watch`: what came and went.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Stdio};

use serde_json::Value;

use crate::command::{all_in, folder, list, sockeye, text};
use crate::scene::listening;

/// A watch in a pipe; its lines come as they are written.
struct Watch {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Watch {
    fn start(arguments: &[&str]) -> Watch {
        let mut command = sockeye();
        let mut child = command
            .args(["ls", "--watch=0.1"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Watch { child, lines }
    }

    /// The next line with `part`.
    fn line_with(&mut self, part: &str) -> String {
        let line = self
            .lines
            .by_ref()
            .map(Result::unwrap)
            .find(|line| line.contains(part));
        line.unwrap_or_else(|| panic!("it ended without {part:?}"))
    }

    fn interrupt(mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The mark of a row, which stands after its address.
fn mark(line: &str, path: &str) -> String {
    let after = line
        .strip_prefix(path)
        .unwrap_or_else(|| panic!("{line:?}"));
    after.split_whitespace().next().unwrap().to_owned()
}

#[test]
fn a_pipe_gets_what_came_and_what_went() {
    let folder = folder();
    let [first, second] = ["first", "second"].map(|name| folder.path().join(name));
    let _first = listening(&first, 5);
    let mut watch = Watch::start(&[&all_in(folder.path())]);
    assert_eq!(
        mark(&watch.line_with(text(&first)), text(&first)),
        "stream",
        "no mark at first"
    );
    let listener = listening(&second, 5);
    assert_eq!(mark(&watch.line_with(text(&second)), text(&second)), "+");
    std::fs::remove_file(&second).unwrap();
    drop(listener);
    assert_eq!(mark(&watch.line_with(text(&second)), text(&second)), "-");
    assert_eq!(watch.interrupt(), Some(0));
}

#[test]
fn connections_come_and_go_too() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let _listener = listening(&path, 5);
    let mut watch = Watch::start(&["--connections", &all_in(folder.path())]);
    watch.line_with(text(&path));
    let client = crate::scene::connected(&path);
    assert!(watch.line_with("waits to be accepted").contains("  +  →"));
    drop(client);
}

#[test]
fn a_watch_starts_with_nothing_and_waits_for_the_first() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let mut watch = Watch::start(&[&all_in(folder.path())]);
    let _listener = listening(&path, 5);
    watch.line_with(text(&path));
}

#[test]
fn json_is_a_document_a_line() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let mut watch = Watch::start(&["--json", &all_in(folder.path())]);
    let _listener = listening(&path, 5);
    loop {
        let line = watch.lines.next().unwrap().unwrap();
        let document: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(document["kind"], "ls");
        if list(&document, "endpoints").len() == 1 {
            break;
        }
    }
    assert_eq!(watch.interrupt(), Some(0));
}

#[test]
fn a_watch_ends_after_its_rounds() {
    let folder = folder();
    let mut watch = Watch::start(&["--json", "--rounds", "3", &all_in(folder.path())]);
    assert_eq!(watch.lines.by_ref().count(), 3);
    assert_eq!(watch.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_reader_that_leaves_ends_the_watch_in_silence() {
    let folder = folder();
    let mut watch = Watch::start(&["--json", &all_in(folder.path())]);
    watch.lines.next();
    // Another pipe takes the place of its own, which is closed by that.
    let (reader, _writer) = std::io::pipe().unwrap();
    let other = ChildStdout::from(std::os::fd::OwnedFd::from(reader));
    watch.lines = BufReader::new(other).lines();
    assert_eq!(watch.child.wait().unwrap().code(), Some(0));
}

#[test]
fn clients_that_closed_while_they_waited_are_all_counted() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let _listener = listening(&path, 5);
    for _ in 0..3 {
        drop(crate::scene::connected(&path));
    }
    let answer = crate::command::ls(["--watch", "--rounds", "1", text(&path)]);
    assert_eq!(
        answer.text.matches("waits to be accepted").count(),
        3,
        "{answer:#?}"
    );
}

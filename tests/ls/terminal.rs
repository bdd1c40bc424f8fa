//! Columns, colours and the tree.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use crate::command::{Answer, all_in, answer, folder, ls, sockeye, text};
use crate::scene::{CONNECT, Program, SERVE, listening};

/// What is seen on a terminal of 80 columns, with its colours.
fn on_terminal(arguments: &str) -> Answer {
    let line = format!("stty cols 80 rows 24; \"$SOCKEYE\" {arguments}");
    let mut command = Command::new("script");
    command
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .env("SOCKEYE", env!("CARGO_BIN_EXE_sockeye"))
        .env("TERM", "xterm")
        .env("SHELL", "/bin/sh")
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .stdin(Stdio::null());
    answer(&mut command)
}

/// Without what differs from run to run.
fn normal(text: &str, folder: &str, pids: &[(u32, &str)]) -> String {
    let mut text = text.replace("\r\n", "\n").replace(folder, "/DIR");
    for (pid, word) in pids {
        text = text.replace(&pid.to_string(), word);
    }
    text.lines()
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}

/// A folder whose name is as long everywhere.
fn short_folder() -> tempfile::TempDir {
    tempfile::Builder::new()
        .prefix("ls-")
        .rand_bytes(8)
        .tempdir_in("/tmp")
        .unwrap()
}

#[test]
#[ignore = "needs root"]
fn a_narrow_terminal_gets_every_address_whole_on_a_line_of_its_own() {
    let folder = short_folder();
    let path = folder.path().join("app.sock");
    let mut server = Program::python(SERVE, &[text(&path)]);
    let client = Program::python(CONNECT, &[text(&path)]);
    server.go_on();
    let answer = on_terminal(&format!(
        "--color never ls --connections --kind stream '{}'",
        text(&path)
    ));
    // Pids are of different lengths: the columns are compared by their words.
    let seen = normal(
        &answer.text,
        text(folder.path()),
        &[(server.pid(), "SERVER"), (client.pid(), "CLIENT")],
    );
    let words: Vec<String> = seen
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    insta::assert_snapshot!(words.join("\n"), @r"
    ADDRESS
    KIND STATE PROCESS FILE CLIENTS QUEUE
    /DIR/app.sock
    stream listening python3[SERVER] root 755 root:root 1 0/5

    CLIENT ADDRESS SERVER
    python3[CLIENT] root → /DIR/app.sock → python3[SERVER] root
    ");
    assert!(
        answer
            .text
            .lines()
            .all(|line| line.trim_end().chars().count() <= 80),
        "{answer:#?}"
    );
}

#[test]
fn a_pipe_gets_no_colours() {
    let folder = folder();
    let _listener = listening(&folder.path().join("app.sock"), 5);
    let answer = ls(["-c", &all_in(folder.path())]);
    assert!(
        !answer.text.contains('\x1b') && !answer.complaint.contains('\x1b'),
        "{answer:#?}"
    );
}

#[test]
fn colours_can_be_asked_for_and_refused() {
    let folder = folder();
    let _listener = listening(&folder.path().join("app.sock"), 5);
    let pattern = all_in(folder.path());
    ls(["--color", "always", &pattern]).says(&["\x1b["]);
    let quoted = format!("'{pattern}'");
    on_terminal(&format!("ls {quoted}")).says(&["\x1b["]);
    for refused in [
        format!("--color never ls {quoted}"),
        format!("ls --color=never {quoted}"),
    ] {
        let answer = on_terminal(&refused);
        assert!(!answer.text.contains('\x1b'), "{answer:#?}");
    }
    let mut command = sockeye();
    let answer = answer(command.args(["ls", &pattern]).env("NO_COLOR", "1"));
    assert!(!answer.text.contains('\x1b'), "{answer:#?}");
}

#[test]
fn no_color_is_honoured_on_a_terminal() {
    let folder = folder();
    let _listener = listening(&folder.path().join("app.sock"), 5);
    let line = format!("NO_COLOR=1 \"$SOCKEYE\" ls '{}'", all_in(folder.path()));
    let mut command = Command::new("script");
    command
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .env("SOCKEYE", env!("CARGO_BIN_EXE_sockeye"))
        .env("TERM", "xterm")
        .stdin(Stdio::null());
    let answer = answer(&mut command);
    assert!(
        answer.text.contains("app.sock") && !answer.text.contains('\x1b'),
        "{answer:#?}"
    );
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let folder = folder();
    let _listeners: Vec<_> = (0..200)
        .map(|number| listening(&folder.path().join(format!("{number}")), 5))
        .collect();
    for arguments in [&["ls", "-c"][..], &["ls", "--json"], &["ls", "--tree"], &[]] {
        let mut command = sockeye();
        let mut child = command
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let complaint: Vec<String> = BufReader::new(child.stderr.take().unwrap())
            .lines()
            .map(Result::unwrap)
            .collect();
        let complaint: Vec<&String> = complaint
            .iter()
            .filter(|line| !line.starts_with("note: "))
            .collect();
        assert!(
            child.wait().unwrap().success(),
            "{arguments:?}: {complaint:?}"
        );
        assert!(complaint.is_empty(), "{arguments:?}: {complaint:?}");
    }
}

#[test]
fn the_tree_groups_by_process() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let mut server = Program::python(SERVE, &[text(&path)]);
    let clients = [(); 2].map(|()| Program::python(CONNECT, &[text(&path)]));
    server.go_on();
    server.go_on();
    let answer = ls(["--tree", &all_in(folder.path())]);
    let lines: Vec<&str> = answer.text.lines().collect();
    let at = |pid: u32| {
        let head = format!("python3[{pid}] ");
        lines
            .iter()
            .position(|line| line.starts_with(&head))
            .unwrap_or_else(|| panic!("{answer:#?}"))
    };
    let own = at(server.pid());
    assert_eq!(
        lines[own + 1],
        format!("├─ listening {}", text(&path)),
        "{answer:#?}"
    );
    assert_eq!(
        lines[own + 2],
        format!("└─ serves {} ×2", text(&path)),
        "{answer:#?}"
    );
    std::fs::rename(&path, folder.path().join("moved")).unwrap();
    let moved = ls(["--tree", &all_in(folder.path())]);
    moved.says(&[&format!(
        "listening {} moved now at {}/moved",
        text(&path),
        text(folder.path())
    )]);
    for client in &clients {
        assert_eq!(
            lines[at(client.pid()) + 1],
            format!("└─ client of {}", text(&path)),
            "{answer:#?}"
        );
    }
    assert_eq!(lines.len(), 7, "{answer:#?}");
}

#[test]
fn the_tree_ends_with_what_no_process_holds() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    crate::sockets::stale::leave_stale(&path);
    let answer = ls(["--tree", &all_in(folder.path())]);
    assert_eq!(
        answer.text.lines().next(),
        Some("no process"),
        "{answer:#?}"
    );
    assert!(answer.text.contains(text(&path)), "{answer:#?}");
    let nothing = ls(["--tree", "/no/such/*"]);
    assert_eq!(
        (nothing.status, &*nothing.text),
        (Some(1), ""),
        "{nothing:#?}"
    );
    assert!(
        nothing.complaint.contains("nothing matches"),
        "{nothing:#?}"
    );
}

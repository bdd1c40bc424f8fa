//! Runs the command and reads its answer.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// What the command said and how it ended.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: Option<i32>,
    pub(crate) text: String,
    pub(crate) complaint: String,
}

impl Answer {
    #[track_caller]
    pub(crate) fn says(&self, parts: &[&str]) {
        assert_eq!(self.status, Some(0), "{self:#?}");
        for part in parts {
            assert!(self.text.contains(part), "no {part:?} in {self:#?}");
        }
    }

    /// The only line with `part`, its columns apart by two blanks or more.
    #[track_caller]
    pub(crate) fn cells(&self, part: &str) -> Vec<&str> {
        let lines: Vec<&str> = self
            .text
            .lines()
            .filter(|line| line.contains(part))
            .collect();
        let [line] = lines[..] else {
            panic!("not one line with {part:?} in {self:#?}");
        };
        line.split("  ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty())
            .collect()
    }
}

pub(crate) fn sockeye() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sockeye"));
    command.env_remove("CLICOLOR_FORCE").env_remove("NO_COLOR");
    command
}

pub(crate) fn ls<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Answer {
    answer(sockeye().arg("ls").args(arguments))
}

pub(crate) fn answer(command: &mut Command) -> Answer {
    let output = command.output().expect("the command starts");
    Answer {
        status: output.status.code(),
        text: String::from_utf8(output.stdout).expect("UTF-8 whatever the names are"),
        complaint: String::from_utf8(output.stderr).expect("UTF-8 whatever the names are"),
    }
}

/// What is in a folder, or has a name that matches, as JSON with connections.
#[track_caller]
pub(crate) fn json<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Value {
    parsed(&answer(
        sockeye()
            .args(["ls", "--json", "--connections"])
            .args(arguments),
    ))
}

#[track_caller]
pub(crate) fn parsed(answer: &Answer) -> Value {
    serde_json::from_str(&answer.text).unwrap_or_else(|error| panic!("{error}: {answer:#?}"))
}

/// A pattern for everything in a folder.
pub(crate) fn all_in(folder: &Path) -> String {
    format!("{}/*", text(folder))
}

/// The only endpoint of a document with this name.
#[track_caller]
pub(crate) fn endpoint<'a>(document: &'a Value, name: &str) -> &'a Value {
    let named: Vec<&Value> = list(document, "endpoints")
        .iter()
        .filter(|endpoint| endpoint["name"]["text"] == name)
        .collect();
    let [endpoint] = named[..] else {
        panic!("not one {name:?} in {document:#}");
    };
    endpoint
}

#[track_caller]
pub(crate) fn list<'a>(document: &'a Value, field: &str) -> &'a [Value] {
    document[field]
        .as_array()
        .unwrap_or_else(|| panic!("no {field} in {document:#}"))
}

#[track_caller]
pub(crate) fn pids(end: &Value) -> Vec<u32> {
    list(end, "processes")
        .iter()
        .map(|process| u32::try_from(process["pid"].as_u64().unwrap()).unwrap())
        .collect()
}

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("a UTF-8 path")
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

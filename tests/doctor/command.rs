//! Runs the command and reads its answer.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

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
    pub(crate) fn says(&self, status: i32, parts: &[&str]) {
        assert_eq!(self.status, Some(status), "{self:#?}");
        for part in parts {
            assert!(self.text.contains(part), "no {part:?} in {self:#?}");
        }
    }
}

pub(crate) fn doctor<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Answer {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sockeye"));
    command
        .arg("doctor")
        .args(arguments)
        .env_remove("CLICOLOR_FORCE");
    answer(&mut command)
}

pub(crate) fn answer(command: &mut Command) -> Answer {
    let output = command.output().expect("the command starts");
    Answer {
        status: output.status.code(),
        text: String::from_utf8(output.stdout).expect("UTF-8 whatever the names are"),
        complaint: String::from_utf8(output.stderr).expect("UTF-8 whatever the names are"),
    }
}

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// A folder that other users may pass.
pub(crate) fn open_folder() -> TempDir {
    let folder = folder();
    set_mode(folder.path(), 0o755);
    folder
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("chmod");
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("a UTF-8 path")
}

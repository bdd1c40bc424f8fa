//! More about a process, read when asked.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

use crate::model::Process;

impl Process {
    /// The words of its command line, as the process shows them; none for one that ended or hides them.
    pub fn command_line(&self) -> Vec<OsString> {
        let text = fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        let text = text.strip_suffix(b"\0").unwrap_or(&text);
        if text.is_empty() {
            return Vec::new();
        }
        text.split(|byte| *byte == 0)
            .map(|word| OsString::from_vec(word.to_vec()))
            .collect()
    }

    /// The program it runs.
    ///
    /// # Privileges
    /// `CAP_SYS_PTRACE` for processes of other users; without it there is no answer.
    pub fn executable(&self) -> Option<PathBuf> {
        fs::read_link(format!("/proc/{}/exe", self.pid)).ok()
    }
}

//! `ssh`, its private folder, and the guard of both.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, geteuid, kill_process_group};
use tempfile::TempDir;

use super::process::Process;
use super::{Failure, Settings, command};
use sockeye_address::SshPath;

/// How long `ssh` may take to end after SIGTERM before it is ended by SIGKILL.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it is looked whether `ssh` is connected, which it shows by a socket in the folder.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// `ssh` adds 17 characters to the name of its own socket while it makes it, and of the 108 it needs one for the end.
const LONGEST_FOLDER_BYTES: usize = 60;

/// When this process ends without a chance to clean up (SIGKILL), the pipe ends that the guard reads from. All that
/// `ssh` has started is in the group of the guard, and a group with a member cannot be mistaken for another.
const GUARD: &str = r#"read -r line; trap "" TERM; kill -TERM 0; rm -rf -- "$1""#;

/// A running `ssh`. Dropping it ends it, gently first, and blocks until that is done.
#[derive(Debug)]
pub(super) struct Session {
    ssh: Process,
    /// Ends last: it keeps the process group from being another's.
    guard: Guard,
    folder: TempDir,
}

#[derive(Debug)]
struct Guard(Child);

impl Session {
    /// Starts it. To be called on the runtime that will wait for it.
    pub(super) fn start(settings: &Settings, path: &SshPath) -> Result<Self, Failure> {
        let folder = private_folder(settings.folder.as_deref()).map_err(Failure::Folder)?;
        let guard = Guard::start(folder.path()).map_err(|source| Failure::Start {
            program: "/bin/sh".into(),
            source,
        })?;
        let command = command::session(settings, path, &control(&folder));
        let ssh =
            Process::start(command, guard.group()).map_err(|source| start(settings, source))?;
        Ok(Session { ssh, guard, folder })
    }

    /// Waits until it is connected and forwards the socket that is the answer.
    pub(super) async fn connected(
        &mut self,
        settings: &Settings,
        path: &SshPath,
        hear: &mut impl FnMut(&str),
    ) -> Result<PathBuf, Failure> {
        let control = control(&self.folder);
        tokio::select! {
            biased;
            failure = ended(&mut self.ssh, hear) => return Err(failure),
            () = appears(&control) => {}
        }
        let near = self.folder.path().join("socket");
        let command = command::forward(settings, path, &control, &near);
        let mut forward = Process::start(command, self.guard.group())
            .map_err(|source| start(settings, source))?;
        let mut unheard = |_: &str| ();
        let status = tokio::select! {
            biased;
            failure = ended(&mut self.ssh, hear) => return Err(failure),
            status = forward.ended(&mut unheard) => status.map_err(Failure::Watch)?,
        };
        if status.success() {
            Ok(near)
        } else {
            Err(Failure::Forward(forward.reason(status)))
        }
    }

    /// Waits until it ends.
    pub(super) async fn ended(&mut self, hear: &mut impl FnMut(&str)) -> Failure {
        ended(&mut self.ssh, hear).await
    }
}

async fn ended(ssh: &mut Process, hear: &mut impl FnMut(&str)) -> Failure {
    match ssh.ended(hear).await {
        Ok(status) => Failure::Ended(ssh.reason(status)),
        Err(error) => Failure::Watch(error),
    }
}

fn start(settings: &Settings, source: io::Error) -> Failure {
    Failure::Start {
        program: settings.program.clone(),
        source,
    }
}

fn control(folder: &TempDir) -> PathBuf {
    folder.path().join("control")
}

async fn appears(path: &Path) {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    loop {
        looks.tick().await;
        // It is given this name when it can be connected to.
        if fs::symlink_metadata(path).is_ok() {
            return;
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = kill_process_group(self.guard.group(), Signal::TERM);
        self.ssh.wait_within(PATIENCE);
        let _ = kill_process_group(self.guard.group(), Signal::KILL);
    }
}

impl Guard {
    fn start(folder: &Path) -> io::Result<Self> {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", GUARD, "sockeye-guard"])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        command.spawn().map(Guard)
    }

    fn group(&self) -> Pid {
        Pid::from_child(&self.0)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn private_folder(within: Option<&Path>) -> io::Result<TempDir> {
    let base = within.map_or_else(usual_base, Path::to_owned);
    tempfile::Builder::new()
        .prefix("sockeye-ssh-")
        .permissions(fs::Permissions::from_mode(0o700))
        .tempdir_in(base)
}

/// Where nobody but this user and root can put another folder in the place of ours: the runtime folder, if it is this
/// user's own, or the one for temporary files, from which only the owner removes (its sticky bit).
fn usual_base() -> PathBuf {
    let own = |folder: &PathBuf| {
        fs::metadata(folder).is_ok_and(|status| {
            status.is_dir() && status.uid() == geteuid().as_raw() && status.mode() & 0o022 == 0
        })
    };
    let short = |folder: &PathBuf| folder.as_os_str().len() <= LONGEST_FOLDER_BYTES;
    std::env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(own)
        .filter(short)
        .or_else(|| Some(std::env::temp_dir()).filter(short))
        .unwrap_or_else(|| PathBuf::from("/tmp"))
}

//! A folder that is removed at the end, and the commands run in it, each printed before.

use std::fs::Permissions;
use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use sockeye_address::escape;
use sockeye_census::{Census, Options};
use tempfile::TempDir;

use super::say;
use crate::error::{Error, error_with};
use crate::terminal::{ADDRESS, FAINT, styled};
use crate::verbs::talk::stop::is_ignored;

/// How long a service may take to be ready, or a command to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// When a started command counts as ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ready {
    /// When it says on standard error that it listens.
    Listening,
    /// At once.
    AtOnce,
}

/// What plays, where.
pub(super) struct Stage {
    folder: TempDir,
    program: PathBuf,
    players: Vec<Player>,
    lines: (Sender<Line>, Receiver<Line>),
    signal: Arc<AtomicUsize>,
}

/// A command that runs.
struct Player {
    child: Child,
    /// Open as long as the command shall read.
    input: Option<ChildStdin>,
}

/// A line that a command printed.
struct Line {
    from: &'static str,
    text: String,
}

/// A started command that will end by itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Started(usize);

impl Stage {
    /// An empty folder.
    ///
    /// # Errors
    /// No folder can be made, or this program cannot find itself.
    pub(super) fn new() -> Result<Self, Error> {
        let failed = |what: &'static str| move |error| Error::failure(error_with(what, error));
        let signal = Arc::new(AtomicUsize::new(0));
        for number in [SIGINT, SIGTERM, SIGHUP] {
            if number == SIGHUP && is_ignored(number) {
                continue; // started by nohup
            }
            let value = usize::try_from(number).unwrap_or_default();
            signal_hook::flag::register_usize(number, Arc::clone(&signal), value)
                .map_err(failed("wait for signals"))?;
        }
        Ok(Stage {
            folder: tempfile::Builder::new()
                .prefix("sockeye-demo-")
                .permissions(Permissions::from_mode(0o700))
                .tempdir()
                .map_err(failed("make a folder"))?,
            program: std::env::current_exe().map_err(failed("find this program"))?,
            players: Vec::new(),
            lines: mpsc::channel(),
            signal,
        })
    }

    /// Where everything happens.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The signal that asked to stop, if one did.
    pub(super) fn stopped(&self) -> Option<u8> {
        u8::try_from(self.signal.load(Ordering::Relaxed))
            .ok()
            .filter(|number| *number > 0)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words).current_dir(self.folder.path());
        command
    }

    /// Starts a command that goes on in the background, silently.
    pub(super) fn start(&mut self, words: &[&str], ready: Ready) -> Result<(), Error> {
        announce(words, " &")?;
        let mut command = self.command(words);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        self.spawn(command, "", ready).map(drop)
    }

    /// Starts a command and prints what it tells, each line marked with who it is from.
    pub(super) fn start_told(
        &mut self,
        from: &'static str,
        words: &[&str],
        ready: Ready,
    ) -> Result<Started, Error> {
        announce(words, " &")?;
        let mut command = self.command(words);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        self.spawn(command, from, ready)
    }

    /// Runs a command to its end and prints what it tells, each line marked.
    pub(super) fn run_told(&mut self, from: &'static str, words: &[&str]) -> Result<(), Error> {
        announce(words, "")?;
        let mut command = self.command(words);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let started = self.spawn(command, from, Ready::AtOnce)?;
        self.wait(started)
    }

    /// Runs a command to its end; it prints for itself.
    pub(super) fn run(&mut self, words: &[&str]) -> Result<(), Error> {
        announce(words, "")?;
        let status = self.command(words).stdin(Stdio::null()).status();
        let status =
            status.map_err(|error| Error::failure(error_with("run this program", error)))?;
        match status.code() {
            // `doctor` says no with 1, which is what it is shown for.
            Some(0 | 1) => Ok(()),
            _ if self.stopped().is_some() => Ok(()),
            _ => Err(Error::failure(format!(
                "run sockeye {}: {status}",
                words.join(" ")
            ))),
        }
    }

    fn spawn(
        &mut self,
        mut command: Command,
        from: &'static str,
        ready: Ready,
    ) -> Result<Started, Error> {
        let mut child = command
            .spawn()
            .map_err(|error| Error::failure(error_with("start this program", error)))?;
        let (tell, told) = mpsc::channel();
        if let Some(stderr) = child.stderr.take() {
            self.listen_to(stderr, from, Some(tell));
        }
        if let Some(stdout) = child.stdout.take() {
            self.listen_to(stdout, from, None);
        }
        let input = child.stdin.take();
        self.players.push(Player { child, input });
        if ready == Ready::Listening
            && told.recv_timeout(PATIENCE).is_err()
            && self.stopped().is_none()
        {
            return Err(Error::failure(
                "start a service: it does not say that it listens",
            ));
        }
        self.print_lines()?;
        Ok(Started(self.players.len() - 1))
    }

    /// Passes on what a command prints, and the moment it says that it listens.
    fn listen_to(
        &self,
        pipe: impl Read + Send + 'static,
        from: &'static str,
        ready: Option<Sender<()>>,
    ) {
        let lines = self.lines.0.clone();
        thread::spawn(move || {
            for text in BufReader::new(pipe).lines().map_while(Result::ok) {
                let listens = text.starts_with("listening on ");
                if !from.is_empty() && lines.send(Line { from, text }).is_err() {
                    return;
                }
                if let Some(ready) = ready.as_ref().filter(|_| listens) {
                    let _ = ready.send(());
                }
            }
        });
    }

    /// Waits for a command to end, printing what it and the others tell meanwhile.
    pub(super) fn wait(&mut self, started: Started) -> Result<(), Error> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Ok(line) = self.lines.1.recv_timeout(Duration::from_millis(20)) {
                print_line(&line)?;
                continue;
            }
            let Some(player) = self.players.get_mut(started.0) else {
                return Ok(());
            };
            let ended = player
                .child
                .try_wait()
                .map_err(|error| Error::failure(error_with("wait", error)))?;
            if ended.is_some() || self.stopped().is_some() {
                return self.print_lines();
            }
            if Instant::now() > deadline {
                return Err(Error::failure("wait for a command: it does not end"));
            }
        }
    }

    fn print_lines(&self) -> Result<(), Error> {
        self.lines
            .1
            .try_iter()
            .try_for_each(|line| print_line(&line))
    }

    /// Waits until so many clients are connected to what listens in the folder.
    pub(super) fn wait_for_clients(&self, clients: u32) -> Result<(), Error> {
        let deadline = Instant::now() + PATIENCE;
        let options = Options {
            scan: vec![self.folder.path().to_owned()],
            ..Options::default()
        };
        while Instant::now() < deadline && self.stopped().is_none() {
            let census = Census::take(&options).map_err(Error::failure)?;
            let is_here = |name: &sockeye_address::Name| {
                name.as_path()
                    .is_some_and(|path| path.starts_with(self.folder.path()))
            };
            let here = census
                .endpoints()
                .iter()
                .filter(|endpoint| is_here(&endpoint.name));
            if here.map(|endpoint| endpoint.clients).sum::<u32>() >= clients {
                return Ok(());
            }
            thread::yield_now();
        }
        if self.stopped().is_some() {
            Ok(())
        } else {
            Err(Error::failure("wait for clients: they do not connect"))
        }
    }

    /// Kills a service so that it cannot clean up.
    pub(super) fn leave_stale_file(&mut self, path: &str) -> Result<(), Error> {
        self.start(&["listen", path], Ready::Listening)?;
        say(&format!(
            "{} kill -9 %{}",
            styled(FAINT, "$"),
            self.players.len()
        ))?;
        if let Some(mut player) = self.players.pop() {
            let killed = player.child.kill().and_then(|()| player.child.wait());
            killed.map_err(|error| Error::failure(error_with("kill a service", error)))?;
        }
        Ok(())
    }

    /// Ends everything and removes the folder.
    pub(super) fn clear(mut self) -> Result<(), Error> {
        self.end_players();
        let path = self.folder.path();
        std::fs::remove_dir_all(path).map_err(|error| {
            Error::failure(error_with(format!("remove {}", path.display()), error))
        })
    }

    fn end_players(&mut self) {
        for player in &self.players {
            let pid = i32::try_from(player.child.id())
                .ok()
                .and_then(Pid::from_raw);
            if let Some(pid) = pid {
                let _ = kill_process(pid, Signal::TERM);
            }
        }
        for mut player in self.players.drain(..) {
            drop(player.input.take());
            let _ = player.child.wait();
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.end_players();
    }
}

fn announce(words: &[&str], behind: &str) -> Result<(), Error> {
    let words: Vec<_> = words.iter().map(|word| escape::shell_word(word)).collect();
    say(&format!(
        "{} {}{behind}",
        styled(FAINT, "$"),
        styled(ADDRESS, format!("sockeye {}", words.join(" ")))
    ))
}

fn print_line(line: &Line) -> Result<(), Error> {
    say(&format!(
        "{} {}",
        styled(FAINT, format!("{} |", line.from)),
        line.text
    ))
}

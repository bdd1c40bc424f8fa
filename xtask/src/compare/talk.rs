//! `cargo xtask compare talk`: 1 GiB through a Unix socket, against socat and nc.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use tempfile::TempDir;

use super::stream::{self, BLOCK, Blocks, Received};
use super::table::{Bar, Limit, Table, least, median, most};
use super::{Shared, interrupt, machine};
use crate::{Outcome, cargo};

/// How much to send, and how often.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Times each program is run; one more run before them checks every byte
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How much goes through each time, in MiB
    #[arg(long, default_value_t = 1024)]
    mib: u32,
    #[command(flatten)]
    shared: Shared,
}

/// Which of the two sends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    ToServer,
    ToClient,
}

/// What the sending program reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Pipe,
    File,
}

/// A pair of programs that joins standard input and output through a socket.
enum Pair {
    Sockeye(PathBuf),
    Socat,
    Nc,
}

/// All that the transfers have in common.
struct Bench {
    mib: u32,
    /// Holds the sockets.
    folder: TempDir,
    /// Holds the stream as a file, in memory where there is room.
    _file_folder: TempDir,
    file: PathBuf,
}

/// How long a program may take to listen, or to exit after all is said.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let pairs = [
        Pair::Sockeye(arguments.shared.program()?),
        Pair::Socat,
        Pair::Nc,
    ];
    let bench = Bench::new(arguments.mib)?;
    let mut bars = Vec::new();
    println!(
        "\n{}; {} MiB each time",
        machine(&["socat", "netcat-openbsd"]),
        arguments.mib
    );
    for way in [Way::ToServer, Way::ToClient] {
        for source in [Source::Pipe, Source::File] {
            bars.extend(bench.group(&pairs, way, source, arguments.rounds)?);
        }
    }
    println!("\nEvery byte of every program's first transfer was compared.");
    arguments.shared.judge(&bars)
}

impl Bench {
    fn new(mib: u32) -> Outcome<Self> {
        let folder = interrupt::temporary_folder(&std::env::temp_dir())?;
        let file_folder = interrupt::temporary_folder(&place_for(mib))?;
        let file = file_folder.path().join("stream");
        Blocks::new().send(mib.into(), &mut File::create_new(&file)?)?;
        Ok(Self {
            mib,
            folder,
            _file_folder: file_folder,
            file,
        })
    }

    /// Runs the pairs in turns, prints their table, and returns the bars.
    fn group(&self, pairs: &[Pair], way: Way, source: Source, rounds: usize) -> Outcome<Vec<Bar>> {
        for pair in pairs {
            self.transfer(pair, way, source, |output| Blocks::new().verify(output))?;
        }
        let mut speeds = vec![Vec::new(); pairs.len()];
        for round in 0..rounds {
            for turn in 0..pairs.len() {
                let index = (round + turn) % pairs.len();
                let time = self.transfer(&pairs[index], way, source, |output| {
                    stream::discard(&output)
                })?;
                speeds[index].push(f64::from(self.mib) / time.as_secs_f64());
            }
        }
        let title = format!("{} from a {}", way.name(), source.name());
        print!("\n## {title}\n\n{}", table(pairs, way, &speeds));
        Ok(bars(&title, pairs, &speeds))
    }

    /// Sends the stream once and says how long it took from the start of the client to the last byte.
    fn transfer(
        &self,
        pair: &Pair,
        way: Way,
        source: Source,
        take_in: impl FnOnce(std::process::ChildStdout) -> Outcome<Received>,
    ) -> Outcome<Duration> {
        let socket = self.folder.path().join("talk.sock");
        // A peer that does not remove its file must not stop the next one.
        let _ = std::fs::remove_file(&socket);
        let (mut server, mut client) = pair.commands(&socket, way);
        let (sender, receiver) = match way {
            Way::ToServer => (&mut client, &mut server),
            Way::ToClient => (&mut server, &mut client),
        };
        sender.stdin(self.input(source)?).stdout(Stdio::null());
        receiver.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut server = Running::start(&mut server)?;
        server.wait_until_it_listens(&socket)?;
        let start = Instant::now();
        let mut client = Running::start(&mut client)?;
        let (sender, receiver) = match way {
            Way::ToServer => (&mut client, &mut server),
            Way::ToClient => (&mut server, &mut client),
        };
        if let Some(input) = sender.child.stdin.take() {
            feed(input, self.mib);
        }
        let output = receiver
            .child
            .stdout
            .take()
            .ok_or("receive: no output to read")?;
        let outcome = take_in(output).map_err(|failure| format!("{}: {failure}", receiver.line))?;
        if outcome.bytes != u64::from(self.mib) * BLOCK as u64 {
            return Err(format!(
                "{}: {} bytes of {} MiB arrived",
                receiver.line, outcome.bytes, self.mib
            )
            .into());
        }
        client.finish()?;
        server.finish()?;
        Ok(outcome.last - start)
    }

    fn input(&self, source: Source) -> Outcome<Stdio> {
        match source {
            Source::Pipe => Ok(Stdio::piped()),
            Source::File => Ok(File::open(&self.file)?.into()),
        }
    }
}

/// Writes the stream from a thread; a program that dies early is reported by its receiver, not here.
fn feed(mut input: ChildStdin, mib: u32) {
    std::thread::spawn(move || Blocks::new().send(mib.into(), &mut input));
}

/// Memory when the stream fits there twice, else the folder for temporary files.
fn place_for(mib: u32) -> PathBuf {
    let memory = Path::new("/dev/shm");
    let room = rustix::fs::statvfs(memory).map_or(0, |disk| disk.f_bavail * disk.f_frsize);
    if room > u64::from(mib) * 2 * BLOCK as u64 {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    }
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::ToServer => "Client to server",
            Self::ToClient => "Server to client",
        }
    }
}

impl Source {
    fn name(self) -> &'static str {
        match self {
            Self::Pipe => "pipe",
            Self::File => "file",
        }
    }
}

impl Pair {
    fn name(&self) -> &'static str {
        match self {
            Self::Sockeye(_) => "sockeye",
            Self::Socat => "socat",
            Self::Nc => "nc",
        }
    }

    /// How much faster we promise to be.
    fn bar(&self) -> Option<f64> {
        match self {
            Self::Sockeye(_) => None,
            Self::Socat => Some(3.0),
            Self::Nc => Some(1.0),
        }
    }

    /// Server and client. Socat gets `-u`, because without it each end waits half a second for the side that
    /// says nothing; its buffer stays the default. Nc gets `-N` where it sends, else it never ends.
    fn commands(&self, socket: &Path, way: Way) -> (Command, Command) {
        let path = socket.display();
        let to_server = way == Way::ToServer;
        let (program, server, client): (&Path, String, String) = match self {
            Self::Sockeye(program) => (
                program,
                format!("listen {path} --once --quiet"),
                format!("connect {path}"),
            ),
            Self::Socat if to_server => (
                Path::new("socat"),
                format!("-u UNIX-LISTEN:{path} -"),
                format!("-u - UNIX-CONNECT:{path}"),
            ),
            Self::Socat => (
                Path::new("socat"),
                format!("-u - UNIX-LISTEN:{path}"),
                format!("-u UNIX-CONNECT:{path} -"),
            ),
            Self::Nc if to_server => (
                Path::new("nc"),
                format!("-l -U {path}"),
                format!("-N -U {path}"),
            ),
            Self::Nc => (
                Path::new("nc"),
                format!("-N -l -U {path}"),
                format!("-U {path}"),
            ),
        };
        // The temporary folder has no blank in its name, or TMPDIR has: then the program says so.
        let command = |line: String| {
            let mut command = Command::new(program);
            command.args(line.split(' '));
            command
        };
        (command(server), command(client))
    }
}

/// A program that is killed when it is forgotten.
struct Running {
    child: Child,
    line: String,
}

impl Running {
    fn start(command: &mut Command) -> Outcome<Self> {
        let line = cargo::shown(command);
        let child = command
            .spawn()
            .map_err(|cause| format!("run {line}: {cause}"))?;
        Ok(Self { child, line })
    }

    /// Reads the kernel's table; connecting would be taken for the client.
    fn wait_until_it_listens(&mut self, socket: &Path) -> Outcome {
        let ending = format!(" {}", socket.display());
        let found = self.poll(|child| {
            if let Some(status) = child.try_wait()? {
                return Err(format!("ended before it listened: {status}").into());
            }
            // Names of other sockets may be any bytes.
            let table = std::fs::read("/proc/net/unix")?;
            let table = String::from_utf8_lossy(&table);
            Ok(table
                .lines()
                .any(|line| line.ends_with(&ending) && is_listening(line))
                .then_some(()))
        })?;
        found.ok_or_else(|| format!("{}: does not listen after {PATIENCE:?}", self.line).into())
    }

    fn finish(&mut self) -> Outcome {
        let status: Option<ExitStatus> = self.poll(|child| Ok(child.try_wait()?))?;
        match status {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(format!("{}: {status}", self.line).into()),
            None => Err(format!(
                "{}: still there {PATIENCE:?} after the last byte",
                self.line
            )
            .into()),
        }
    }

    fn poll<T>(
        &mut self,
        mut ask: impl FnMut(&mut Child) -> Outcome<Option<T>>,
    ) -> Outcome<Option<T>> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let answer =
                ask(&mut self.child).map_err(|failure| format!("{}: {failure}", self.line))?;
            if answer.is_some() {
                return Ok(answer);
            }
            #[expect(
                clippy::disallowed_methods,
                reason = "other programs tell no event when they listen"
            )]
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(None)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when it has ended and was waited for, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Flag `__SO_ACCEPTCON` in the fourth column (`net/unix/af_unix.c`, `unix_seq_show`).
fn is_listening(line: &str) -> bool {
    line.split_whitespace().nth(3) == Some("00010000")
}

fn table(pairs: &[Pair], way: Way, speeds: &[Vec<f64>]) -> Table {
    let mut table = Table::new(&[
        "server and client",
        "median MiB/s",
        "least",
        "most",
        "ours / theirs",
    ]);
    let ours = speeds.first().map_or(0.0, |speeds| median(speeds));
    for (pair, speeds) in pairs.iter().zip(speeds) {
        let (server, client) = pair.commands(Path::new("S"), way);
        let ratio = pair
            .bar()
            .map_or(String::new(), |_| format!("{:.2}", ours / median(speeds)));
        let mut cells = vec![format!(
            "`{}`, `{}`",
            cargo::shown(&server),
            cargo::shown(&client)
        )];
        cells.extend(
            [median(speeds), least(speeds), most(speeds)].map(|speed| format!("{speed:.0}")),
        );
        cells.push(ratio);
        table.row(cells);
    }
    table
}

fn bars(title: &str, pairs: &[Pair], speeds: &[Vec<f64>]) -> Vec<Bar> {
    let ours = speeds.first().map_or(0.0, |speeds| median(speeds));
    let each = pairs.iter().zip(speeds).filter_map(|(pair, speeds)| {
        let limit = Limit::AtLeast(pair.bar()?);
        let what = format!("{title}: speed against {}", pair.name());
        Some(Bar {
            what,
            measured: ours / median(speeds),
            limit,
        })
    });
    each.collect()
}

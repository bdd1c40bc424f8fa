//! The relays, how each is started, and the direct connection beside them.

use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::place::Place;
use super::{Lineup, process};
use crate::{Outcome, cargo};

/// Debian packages whose versions belong beside the numbers.
pub(super) const PACKAGES: &[&str] = &["socat", "haproxy", "systemd", "redis-server"];

/// How long a relay may take until it accepts clients.
const PATIENCE: Duration = Duration::from_secs(20);

/// Programs that are looked for before anything starts.
#[derive(Clone, Copy)]
pub(super) enum Program {
    Socat,
    Haproxy,
    Proxyd,
    Setpriv,
    RedisServer,
    RedisBenchmark,
}

impl Program {
    /// Its name, or its path where it is in no folder of PATH, and the Debian package that has it.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Socat => ("socat", "socat"),
            Self::Haproxy => ("haproxy", "haproxy"),
            Self::Proxyd => ("/lib/systemd/systemd-socket-proxyd", "systemd"),
            Self::Setpriv => ("setpriv", "util-linux"),
            Self::RedisServer => ("redis-server", "redis-server"),
            Self::RedisBenchmark => ("redis-benchmark", "redis-tools"),
        }
    }

    /// Where it is: PATH, or where a system keeps what only its manager runs.
    pub(super) fn find(self) -> Option<PathBuf> {
        let name = self.names().0;
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
        folders
            .map(|folder| folder.join(name))
            .find(|candidate| candidate.is_file())
    }

    /// The sentence that says it is not there.
    pub(super) fn missing(self) -> Option<String> {
        let (name, package) = self.names();
        let sentence = format!("{name} is missing, Debian package {package}");
        self.find().is_none().then_some(sentence)
    }
}

/// A way from client to server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Direct,
    Socat,
    /// Room for many clients who come at once: the five of socat's default turn away those who do not wait.
    SocatBacklog,
    Haproxy,
    Proxyd,
    /// As it is without options: between Unix ends, descriptors cross it.
    Sockeye,
    /// With `--descriptors refuse`.
    SockeyeRefuse,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Socat => "socat",
            Self::SocatBacklog => "socat, backlog=128",
            Self::Haproxy => "haproxy, splice",
            Self::Proxyd => "systemd-socket-proxyd",
            Self::Sockeye => "sockeye",
            Self::SockeyeRefuse => "sockeye --descriptors refuse",
        }
    }

    /// Whether it is one of the programs we are compared with.
    pub(super) fn is_peer(self) -> bool {
        !matches!(self, Self::Direct | Self::Sockeye | Self::SockeyeRefuse)
    }
}

/// A way that is open: connect to `front`, and the server is behind it.
pub(super) struct Route {
    pub(super) kind: Kind,
    pub(super) front: Place,
    relay: Option<Relay>,
}

/// A relay that runs, and ends when it is forgotten.
struct Relay {
    child: Mutex<Child>,
    pid: u32,
    line: String,
    /// What it writes to standard error, for the report of its failure.
    complaints: PathBuf,
}

impl Lineup {
    /// Opens a way of each kind to the server at `target`; sockets and files go to `folder`.
    pub(super) fn open(
        &self,
        kinds: &[Kind],
        target: &Place,
        folder: &Path,
    ) -> Outcome<Vec<Route>> {
        let open = kinds
            .iter()
            .map(|&kind| self.open_one(kind, target, folder));
        open.collect()
    }

    fn open_one(&self, kind: Kind, target: &Place, folder: &Path) -> Outcome<Route> {
        if kind == Kind::Direct {
            return Ok(Route {
                kind,
                front: target.clone(),
                relay: None,
            });
        }
        let front = folder.join(format!("{kind:?}.sock"));
        // Not every relay removes its file at the end.
        let _ = fs::remove_file(&front);
        let complaints = front.with_extension("err");
        let mut command = self.command(kind, &front, target)?;
        command
            .stdout(Stdio::null())
            .stderr(File::create(&complaints)?);
        let line = cargo::shown(&command);
        let child = command
            .spawn()
            .map_err(|cause| format!("run {line}: {cause}"))?;
        let relay = Relay {
            pid: child.id(),
            child: Mutex::new(child),
            line,
            complaints,
        };
        let front = Place::Path(front);
        relay.wait_until_it_accepts(&front)?;
        Ok(Route {
            kind,
            front,
            relay: Some(relay),
        })
    }

    /// The relay's command line, run by `setpriv` so that it ends with this program, whatever ends that.
    fn command(&self, kind: Kind, front: &Path, target: &Place) -> Outcome<Command> {
        let mut command = bound_to_us();
        command.stdin(Stdio::null());
        let path = front.display();
        match kind {
            Kind::Direct => {}
            Kind::Socat | Kind::SocatBacklog => {
                let server = match target {
                    Place::Path(path) => format!("UNIX-CONNECT:{}", path.display()),
                    Place::Tcp(address) => format!("TCP:{address}"),
                };
                let mut listener = format!("UNIX-LISTEN:{path},fork");
                if kind == Kind::SocatBacklog {
                    listener.push_str(",backlog=128");
                }
                command.args(["socat", &listener, &server]);
            }
            Kind::Haproxy => {
                let program = Program::Haproxy.find().ok_or("haproxy: not there")?;
                let file = front.with_extension("cfg");
                fs::write(&file, self.haproxy_configuration(front, target))?;
                command.arg(program).args(["-db", "-f"]).arg(file);
            }
            Kind::Proxyd => {
                command.args(["sh", "-c", ACTIVATE, "sh", Program::Proxyd.names().0]);
                command.args(["-c", "100000", &plain(target)]);
                command.stdin(Place::path(front).listen()?.0);
            }
            Kind::Sockeye | Kind::SockeyeRefuse => {
                let sockeye = self.sockeye.as_ref().ok_or("sockeye: not there")?;
                let server = match target {
                    Place::Path(path) => path.display().to_string(),
                    Place::Tcp(address) => format!("tcp:{address}"),
                };
                command.arg(sockeye).arg("relay");
                if kind == Kind::SockeyeRefuse {
                    command.args(["--descriptors", "refuse"]);
                }
                command.arg(front).arg(server);
            }
        }
        Ok(command)
    }

    /// Splice wherever haproxy can, and time-outs as long as its manual gives for connections that stay.
    fn haproxy_configuration(&self, front: &Path, target: &Place) -> String {
        let server = match target {
            Place::Path(path) => format!("unix@{}", path.display()),
            Place::Tcp(address) => address.to_string(),
        };
        // It does not start when it could run out of descriptors.
        let maximum = self.room(Kind::Haproxy).min(30_000);
        format!(
            "global
    maxconn {maximum}
    maxpipes 100
defaults
    mode tcp
    maxconn {maximum}
    backlog 4096
    option splice-auto
    option splice-request
    option splice-response
    timeout connect 5s
    timeout client 1h
    timeout server 1h
listen relay
    bind unix@{}
    server target {server}
",
            front.display()
        )
    }
}

/// A program that the kernel ends when this one has ended, to be completed with its name and arguments.
pub(super) fn bound_to_us() -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]);
    command
}

/// What a service manager does: SIGPIPE ignored (systemd.exec(5), `IgnoreSIGPIPE=`; socket-proxyd dies of it
/// otherwise), the listening socket as descriptor 3, and two variables. The socket comes to us as
/// standard input, the one place where a program can be given a socket without unsafe code.
const ACTIVATE: &str =
    r#"trap '' PIPE; exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@""#;

fn plain(target: &Place) -> String {
    match target {
        Place::Path(path) => path.display().to_string(),
        Place::Tcp(address) => address.to_string(),
    }
}

impl Route {
    /// A connection through it.
    pub(super) fn connect(&self) -> Outcome<OwnedFd> {
        let connected = self.front.connect();
        connected.map_err(|cause| self.failed(&format!("connect: {cause}")).into())
    }

    /// The failure of this way, with the relay's command line and its last complaint.
    pub(super) fn failed(&self, failure: &str) -> String {
        let Some(relay) = &self.relay else {
            return format!("{}: {failure}", self.kind.name());
        };
        let end = relay
            .end()
            .map_or(String::new(), |end| format!("; it ended: {end}"));
        format!("{}: {failure}{end}{}", relay.line, relay.complaint())
    }

    /// Resident memory of the relay; none for the direct connection.
    pub(super) fn memory(&self) -> Outcome<Option<process::Memory>> {
        let pid = self.relay.as_ref().map(|relay| relay.pid);
        pid.map(process::memory).transpose()
    }

    /// Processor time the relay has used so far, in seconds.
    pub(super) fn processor_seconds(&self) -> f64 {
        let pid = self.relay.as_ref().map(|relay| relay.pid);
        pid.map_or(0.0, process::processor_seconds)
    }
}

impl Relay {
    /// Connects until it is let in: haproxy makes its socket under another name, which hides it in the kernel's
    /// table. The server sees this client come and go.
    fn wait_until_it_accepts(&self, front: &Place) -> Outcome {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if front.connect().is_ok() {
                return Ok(());
            }
            if let Some(end) = self.end() {
                let complaint = self.complaint();
                return Err(format!("{}: {end}{complaint}", self.line).into());
            }
            #[expect(
                clippy::disallowed_methods,
                reason = "other programs tell no event when they listen"
            )]
            std::thread::sleep(Duration::from_millis(1));
        }
        let complaint = self.complaint();
        Err(format!(
            "{}: does not accept after {PATIENCE:?}{complaint}",
            self.line
        )
        .into())
    }

    /// How it ended, where it has.
    fn end(&self) -> Option<ExitStatus> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        child.try_wait().ok().flatten()
    }

    /// The last line it wrote to standard error, where there is one.
    fn complaint(&self) -> String {
        let text = fs::read(&self.complaints).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let last = text.lines().rfind(|line| !line.trim().is_empty());
        last.map_or(String::new(), |line| format!("; it says: {line}"))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // Both fail only when it has ended and was waited for, which is what is wanted.
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ = child.kill();
        let _ = child.wait();
    }
}

//! The machine of the issue: many connected sockets over many processes, clients and servers apart.
//!
//! Half of the processes are servers, each with a listener bound to a path; the other half are clients, whose
//! connections go round over all servers. All of them share two pipes: on one they report, and the end of the
//! other, which also comes when this program dies, ends them.

use std::fs::File;
use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use clap::Subcommand;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, connect, listen,
    socket_with,
};
use rustix::process::{Signal, set_parent_process_death_signal};
use tempfile::TempDir;

use super::{interrupt, myself};
use crate::{Outcome, open_files};

/// How long all processes together may take to report; a slow machine needs some seconds.
const PATIENCE: Duration = Duration::from_mins(3);
/// Room for all clients of one server at once.
const BACKLOG: i32 = 4096;

/// What a process of the scenario does.
#[derive(Subcommand)]
pub(crate) enum Worker {
    /// Listen at a path and accept so many clients
    Serve { path: PathBuf, clients: usize },
    /// Connect so many times, going round over the servers, starting at one of them
    Connect {
        folder: PathBuf,
        connections: usize,
        servers: usize,
        first: usize,
    },
}

/// A running scenario; dropping it ends its processes and removes its folder.
pub(crate) struct Scenario {
    workers: Vec<Child>,
    keeper: Option<PipeWriter>,
    _folder: TempDir,
}

/// Who connects to whom.
struct Plan {
    connections: usize,
    clients: usize,
    servers: usize,
}

impl Plan {
    fn new(sockets: usize, processes: usize) -> Outcome<Self> {
        let plan = Self {
            connections: sockets / 2,
            clients: processes / 2,
            servers: processes.div_ceil(2),
        };
        if plan.clients == 0 || plan.connections < plan.clients {
            return Err(
                format!("{sockets} sockets over {processes} processes cannot be built").into(),
            );
        }
        Ok(plan)
    }

    fn connections_of(&self, client: usize) -> usize {
        self.connections / self.clients + usize::from(client < self.connections % self.clients)
    }

    /// How many connections each server will see.
    fn arrivals(&self) -> Vec<usize> {
        let mut arrivals = vec![0; self.servers];
        for client in 0..self.clients {
            for connection in 0..self.connections_of(client) {
                arrivals[server_of(client, connection, self.servers)] += 1;
            }
        }
        arrivals
    }
}

fn server_of(first: usize, connection: usize, servers: usize) -> usize {
    (first + connection) % servers
}

fn server_path(folder: &Path, server: usize) -> PathBuf {
    folder.join(format!("server-{server}.sock"))
}

impl Scenario {
    /// Starts all processes and returns when every connection is made and accepted.
    pub(crate) fn start(sockets: usize, processes: usize) -> Outcome<Self> {
        let plan = Plan::new(sockets, processes)?;
        let folder = interrupt::temporary_folder(&std::env::temp_dir())?;
        let place = folder.path().to_owned();
        let (held, keeper) = std::io::pipe()?;
        let (reports, report) = std::io::pipe()?;
        let mut scenario = Self {
            workers: Vec::new(),
            keeper: Some(keeper),
            _folder: folder,
        };
        let reports = read_reports(reports);
        for (server, clients) in plan.arrivals().into_iter().enumerate() {
            let path = server_path(&place, server);
            scenario.add(&Worker::Serve { path, clients }, &held, &report)?;
        }
        wait_for("listening", plan.servers, &reports)?;
        for client in 0..plan.clients {
            let (connections, servers) = (plan.connections_of(client), plan.servers);
            let worker = Worker::Connect {
                folder: place.clone(),
                connections,
                servers,
                first: client,
            };
            scenario.add(&worker, &held, &report)?;
        }
        wait_for("ready", plan.clients + plan.servers, &reports)?;
        Ok(scenario)
    }

    fn add(&mut self, worker: &Worker, held: &PipeReader, report: &PipeWriter) -> Outcome {
        let mut command = myself();
        command.arg("worker");
        match worker {
            Worker::Serve { path, clients } => {
                command.arg("serve").arg(path).arg(clients.to_string());
            }
            Worker::Connect {
                folder,
                connections,
                servers,
                first,
            } => {
                let numbers = [connections, servers, first].map(ToString::to_string);
                command.arg("connect").arg(folder).args(numbers);
            }
        }
        command
            .stdin(held.try_clone()?)
            .stdout(report.try_clone()?)
            .stderr(Stdio::inherit());
        let child = command
            .spawn()
            .map_err(|cause| format!("start a worker: {cause}"))?;
        self.workers.push(child);
        Ok(())
    }
}

impl Drop for Scenario {
    fn drop(&mut self) {
        drop(self.keeper.take());
        for worker in &mut self.workers {
            // It may have ended by itself; either way it is waited for, so that none stays a zombie.
            let _ = worker.kill();
            let _ = worker.wait();
        }
    }
}

/// Lines the workers write, read aside so that waiting for one can have a limit.
fn read_reports(reports: PipeReader) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(reports).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

fn wait_for(word: &str, count: usize, reports: &Receiver<String>) -> Outcome {
    let deadline = Instant::now() + PATIENCE;
    for seen in 0..count {
        let rest = deadline.saturating_duration_since(Instant::now());
        let line = reports.recv_timeout(rest).map_err(|_| {
            format!("start the scenario: {seen} of {count} processes {word} after {PATIENCE:?}")
        })?;
        if line != word {
            return Err(format!("start the scenario: a worker says {line:?}").into());
        }
    }
    Ok(())
}

/// Does the work of one process of the scenario, and keeps its sockets until standard input ends.
pub(crate) fn work(worker: &Worker) -> Outcome {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    open_files::raise()?;
    let sockets = match worker {
        Worker::Serve { path, clients } => serve(path, *clients),
        Worker::Connect {
            folder,
            connections,
            servers,
            first,
        } => {
            let servers =
                (0..*connections).map(|connection| server_of(*first, connection, *servers));
            servers
                .map(|server| connected(&server_path(folder, server)))
                .collect()
        }
    };
    match sockets {
        Ok(sockets) => {
            say("ready")?;
            std::io::stdin().lock().read_to_end(&mut Vec::new())?;
            drop(sockets);
            Ok(())
        }
        Err(failure) => say(&format!("failed: {failure}")),
    }
}

fn serve(path: &Path, clients: usize) -> Outcome<Vec<OwnedFd>> {
    let listener = stream_socket()?;
    bind(&listener, &SocketAddrUnix::new(path)?)
        .map_err(|cause| format!("bind {}: {cause}", path.display()))?;
    listen(&listener, BACKLOG)?;
    say("listening")?;
    let mut sockets = Vec::with_capacity(clients + 1);
    for _ in 0..clients {
        sockets.push(accept_with(&listener, SocketFlags::CLOEXEC)?);
    }
    sockets.push(listener);
    Ok(sockets)
}

fn connected(path: &Path) -> Outcome<OwnedFd> {
    let socket = stream_socket()?;
    connect(&socket, &SocketAddrUnix::new(path)?)
        .map_err(|cause| format!("connect {}: {cause}", path.display()))?;
    Ok(socket)
}

fn stream_socket() -> Outcome<OwnedFd> {
    Ok(socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )?)
}

/// One line in one write: the pipe has many writers, and keeps whole what is shorter than a page.
fn say(word: &str) -> Outcome {
    let mut output = File::from(rustix::io::dup(std::io::stdout())?);
    Ok(output.write_all(format!("{word}\n").as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_connection_is_expected_by_some_server() {
        for (sockets, processes) in [(20_000, 200), (20_000, 2_000), (100, 7), (6, 2)] {
            let plan = Plan::new(sockets, processes).unwrap();
            assert_eq!(plan.arrivals().iter().sum::<usize>(), sockets / 2);
            assert_eq!(
                (0..plan.clients)
                    .map(|client| plan.connections_of(client))
                    .sum::<usize>(),
                sockets / 2
            );
            assert_eq!(plan.clients + plan.servers, processes);
        }
        assert!(Plan::new(2, 1).is_err());
    }
}

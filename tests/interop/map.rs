//! What `sockeye ls --connections --json` says of one folder.

use std::fmt;
use std::process::Command;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(crate) struct Map {
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) connections: Vec<Connection>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Endpoint {
    pub(crate) address: String,
    pub(crate) state: String,
    pub(crate) socket: Option<u64>,
    pub(crate) processes: Vec<Process>,
    pub(crate) clients: u32,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Connection {
    pub(crate) address: Option<String>,
    pub(crate) client: Option<End>,
    pub(crate) server: Option<End>,
    pub(crate) waiting: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct End {
    pub(crate) socket: u64,
    pub(crate) processes: Vec<Process>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) name: String,
    pub(crate) descriptors: Vec<u32>,
}

impl Map {
    /// Everything in the folder. `holders` is how processes are found: `auto` or `proc`.
    pub(crate) fn of(dir: &str, holders: &str) -> Map {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sockeye"));
        command.args(["ls", "--connections", "--json", "--holders", holders]);
        let output = command.output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?} failed: {complaint}");
        let mut map: Map = serde_json::from_slice(&output.stdout).unwrap();
        let inside = format!("{dir}/");
        map.endpoints
            .retain(|endpoint| endpoint.address.starts_with(&inside));
        map.connections.retain(|connection| {
            let address = connection.address.as_deref();
            address.is_some_and(|address| address.starts_with(&inside))
        });
        map
    }

    pub(crate) fn listener(&self, address: &str) -> Option<&Endpoint> {
        self.endpoints
            .iter()
            .find(|endpoint| endpoint.address == address && endpoint.state == "listening")
    }
}

impl Connection {
    /// Whether its client has gone, and the server has not yet noticed.
    pub(crate) fn is_over(&self) -> bool {
        self.client.is_none() && !self.waiting
    }

    pub(crate) fn client(&self) -> &[Process] {
        processes(self.client.as_ref())
    }

    pub(crate) fn server(&self) -> &[Process] {
        processes(self.server.as_ref())
    }
}

fn processes(end: Option<&End>) -> &[Process] {
    end.map(|end| end.processes.as_slice()).unwrap_or_default()
}

/// Names alone, in the order in which a scenario has them.
pub(crate) fn names(processes: &[Process]) -> Vec<&str> {
    let mut names: Vec<&str> = processes.iter().map(|process| &*process.name).collect();
    names.sort_unstable();
    names
}

impl fmt::Display for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for endpoint in &self.endpoints {
            writeln!(f, "  {endpoint}")?;
        }
        for connection in &self.connections {
            writeln!(f, "  {connection}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (state, clients) = (&self.state, self.clients);
        write!(f, "{} {state}, {clients} clients, ", self.address)?;
        write!(f, "held by {}", Shown(&self.processes))
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.address.as_deref().unwrap_or("(unnamed)");
        let (client, server) = (Shown(self.client()), Shown(self.server()));
        let waiting = if self.waiting { ", waiting" } else { "" };
        write!(f, "{client} → {address} → {server}{waiting}")
    }
}

struct Shown<'a>(&'a [Process]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("nobody");
        }
        for (at, Process { pid, name, .. }) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{name}[{pid}]")?;
        }
        Ok(())
    }
}

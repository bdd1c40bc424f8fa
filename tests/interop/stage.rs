//! A scenario being played: its folder and its programs.

use std::path::Path;
use std::time::Instant;

use tempfile::TempDir;

use crate::judge::Judge;
use crate::map::{Connection, Map};
use crate::program::{PATIENCE, Running, find};
use crate::scenario::{Program, Scenario};

/// Ends all when dropped, clients first: fields are dropped in this order.
pub(crate) struct Stage {
    clients: Vec<Running>,
    servers: Vec<Running>,
    scenario: Scenario,
    folder: TempDir,
}

impl Stage {
    /// Starts all, each when the one before is ready.
    pub(crate) fn set(scenario: Scenario) -> Stage {
        require(&scenario);
        let folder = tempfile::tempdir().unwrap();
        let scenario = scenario.in_folder(text(folder.path()));
        for (name, content) in &scenario.files {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        let mut stage = Stage {
            clients: Vec::new(),
            servers: Vec::new(),
            scenario,
            folder,
        };
        start(
            &stage.scenario.server,
            stage.folder.path(),
            &mut stage.servers,
        );
        start(
            &stage.scenario.client,
            stage.folder.path(),
            &mut stage.clients,
        );
        stage
    }

    /// The map must show what these programs do and nothing else in this folder, however it finds the
    /// holders.
    pub(crate) fn check(&self) {
        for holders in ["auto", "proc"] {
            let map = Map::of(text(self.folder.path()), holders);
            let complaints = self.judge().complaints(&map);
            assert!(
                complaints.is_empty(),
                "with --holders {holders}: {}",
                self.report(&complaints, &map)
            );
        }
    }

    /// Ends the clients; their rows must go, and no others.
    pub(crate) fn dismiss_clients(&mut self) {
        let complaints = Running::end(&mut self.clients);
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
        self.clients.clear();
        // The server takes a while to notice. So does each look, hence no pause between them.
        let deadline = Instant::now() + PATIENCE;
        loop {
            let map = Map::of(text(self.folder.path()), "auto");
            let complaints = self.judge().complaints(&map);
            let are_over = map.connections.iter().any(Connection::is_over);
            if complaints.is_empty() && !are_over {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "without clients: {}",
                self.report(&complaints, &map)
            );
        }
    }

    /// Ends the servers, the last started first. Nothing may be left.
    pub(crate) fn strike(mut self) {
        let mut complaints = Vec::new();
        while let Some(mut server) = self.servers.pop() {
            complaints.extend(Running::end(std::slice::from_mut(&mut server)));
        }
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
        let left = mounts
            .lines()
            .filter(|line| line.contains(text(self.folder.path())));
        complaints.extend(left.map(|line| format!("still mounted: {line}")));
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
        self.folder.close().expect("nothing is in the folder's way");
    }

    fn judge(&self) -> Judge<'_> {
        Judge::of(self.servers.iter().chain(&self.clients))
    }

    fn report(&self, complaints: &[String], map: &Map) -> String {
        let Scenario { name, why, .. } = &self.scenario;
        let said: Vec<String> = self.servers.iter().map(Running::said).collect();
        format!(
            "{name}\n({why})\n{}\n\nthe map:\n{map}\nthe servers:\n{}",
            complaints.join("\n"),
            said.join("\n")
        )
    }
}

fn start(programs: &[Program], dir: &Path, running: &mut Vec<Running>) {
    for program in programs {
        for _ in 0..program.count {
            running.push(Running::start(program, dir));
        }
    }
}

/// A missing program is a failure: a scenario that was skipped would look as if it had passed.
fn require(scenario: &Scenario) {
    // Every program is started by way of it.
    let own = ("setpriv".to_owned(), "util-linux".to_owned());
    let mut missing: Vec<String> = Vec::new();
    for (program, package) in scenario.needs.iter().chain([(&own.0, &own.1)]) {
        if find(program).is_none() {
            missing.push(format!("{program} (Debian package {package})"));
        }
    }
    assert!(
        missing.is_empty(),
        "{} needs {}: `cargo xtask setup` installs what the tests need",
        scenario.name,
        missing.join(", ")
    );
    for Program { run, .. } in scenario.server.iter().chain(&scenario.client) {
        let is_listed = scenario.needs.contains_key(&run[0]);
        assert!(
            is_listed,
            "{} does not list {} in [needs]",
            scenario.name, run[0]
        );
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a UTF-8 temporary folder")
}

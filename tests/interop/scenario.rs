//! What a scenario file may say.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Programs, how they are connected, and so what the map must show: `scenarios/NAME.toml`.
///
/// `{dir}` stands for the scenario's own temporary folder in every text.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// The first words of a failure.
    pub(crate) name: String,
    /// What this scenario finds out that others do not. For the reader of the file, and of a failure.
    pub(crate) why: String,
    /// The programs it takes, and the Debian package each comes with.
    pub(crate) needs: BTreeMap<String, String>,
    /// Files to write first: name in the folder, content.
    #[serde(default)]
    pub(crate) files: BTreeMap<String, String>,
    /// Started in this order, each when the one before is ready.
    pub(crate) server: Vec<Program>,
    /// Started when all servers are ready, and ended first: then their rows must go.
    pub(crate) client: Vec<Program>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Program {
    /// Program and arguments. It must stay in the foreground.
    pub(crate) run: Vec<String>,
    /// How many of it.
    #[serde(default = "one")]
    pub(crate) count: usize,
    /// Written to its standard input, which stays open.
    #[serde(default)]
    pub(crate) input: String,
    pub(crate) ready: Ready,
    #[serde(default)]
    pub(crate) listens: Vec<Listens>,
    #[serde(default)]
    pub(crate) connects: Vec<Connects>,
}

/// How a program shows that it is ready.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Ready {
    /// It prints this, on either output.
    Says(String),
    /// It accepts a connection at this path. Only for what prints nothing.
    Accepts(String),
    /// It ends, and with success.
    Exits,
}

/// An endpoint the map must show.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listens {
    pub(crate) address: String,
    /// Names of the processes that hold it, all of them.
    pub(crate) holders: Vec<String>,
}

/// A connection the map must show, once for each process that is started.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Connects {
    /// Name of the one process that holds the client's end.
    pub(crate) r#as: String,
    pub(crate) to: String,
    /// Names of the processes that hold the server's end, all of them.
    pub(crate) holders: Vec<String>,
    /// One at least, for a program that keeps as many as it likes.
    #[serde(default)]
    pub(crate) or_more: bool,
    /// The two ends are held in different network namespaces.
    #[serde(default)]
    pub(crate) across_networks: bool,
}

fn one() -> usize {
    1
}

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/scenarios")
}

impl Scenario {
    pub(crate) fn read(stem: &str) -> Scenario {
        let path = folder().join(format!("{stem}.toml"));
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|cause| panic!("read {}: {cause}", path.display()));
        toml::from_str(&text).unwrap_or_else(|cause| panic!("read {}: {cause}", path.display()))
    }

    /// The same with `{dir}` replaced.
    pub(crate) fn in_folder(mut self, dir: &str) -> Scenario {
        for content in self.files.values_mut() {
            place(content, dir);
        }
        for program in self.server.iter_mut().chain(&mut self.client) {
            program.run.iter_mut().for_each(|word| place(word, dir));
            match &mut program.ready {
                Ready::Says(text) | Ready::Accepts(text) => place(text, dir),
                Ready::Exits => {}
            }
            for listens in &mut program.listens {
                place(&mut listens.address, dir);
            }
            for connects in &mut program.connects {
                place(&mut connects.to, dir);
            }
        }
        self
    }
}

fn place(text: &mut String, dir: &str) {
    *text = text.replace("{dir}", dir);
}

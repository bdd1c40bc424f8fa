//! `cargo xtask compare`: Sockeye against the programs it replaces, in turns, on the same input.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use clap::{Args, Subcommand};

use crate::{Outcome, cargo, open_files};

mod interrupt;
mod ls; // the map of 20,000 sockets
pub(crate) mod measure; // what one run of a program costs
pub(crate) mod relay; // clients and servers with a relay between them
pub(crate) mod scenario; // the processes that hold the 20,000 sockets
mod stream; // what is sent through a socket, and the check that it arrived
mod table; // medians, markdown, bars
mod talk; // 1 GiB through a socket // cleaning up after Ctrl-C

/// What to compare.
#[derive(Subcommand)]
pub(crate) enum Comparison {
    /// `ls` against `ss -xap`, `lsof -U +E` and `find / -xdev -type s`
    Ls(ls::Arguments),
    /// `listen` and `connect` against socat and nc
    Talk(talk::Arguments),
    /// `relay` against socat, haproxy, systemd-socket-proxyd and no relay at all
    Relay(relay::Arguments),
}

/// What every comparison takes.
#[derive(Args)]
pub(crate) struct Shared {
    /// Run this program in place of the release build of this workspace
    #[arg(long, value_name = "PROGRAM")]
    sockeye: Option<PathBuf>,
    /// Fail when a bar is missed (a noisy machine misses them for no fault of ours)
    #[arg(long)]
    bars: bool,
}

impl Shared {
    /// The program to measure, built first unless one was given.
    fn program(&self) -> Outcome<PathBuf> {
        if let Some(given) = &self.sockeye {
            let found = given.canonicalize();
            return found.map_err(|cause| format!("find {}: {cause}", given.display()).into());
        }
        let mut build = cargo::cargo(&["build", "--release", "--package", "sockeye"]);
        cargo::run(build.stdin(Stdio::null()))?;
        Ok(built_into().join("release/sockeye"))
    }

    /// Prints how each bar went; a missed one is a failure only where it was asked to be.
    fn judge(&self, bars: &[table::Bar]) -> Outcome {
        if bars.is_empty() {
            return Ok(());
        }
        println!("\n## Bars\n");
        for bar in bars {
            println!("- {bar}");
        }
        let missed = bars.iter().filter(|bar| !bar.met()).count();
        if missed > 0 && self.bars {
            return Err(format!("{missed} of {} bars missed", bars.len()).into());
        }
        Ok(())
    }
}

/// Runs one comparison and prints its tables as markdown.
pub(crate) fn run(comparison: &Comparison) -> Outcome {
    open_files::raise()?;
    match comparison {
        Comparison::Ls(arguments) => ls::run(arguments),
        Comparison::Talk(arguments) => talk::run(arguments),
        Comparison::Relay(arguments) => relay::run(arguments),
    }
}

/// Where cargo puts what it builds.
fn built_into() -> PathBuf {
    let given = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    cargo::workspace().join(given.unwrap_or_else(|| PathBuf::from("target")))
}

/// This very program, also when cargo has meanwhile put another in its place.
fn myself() -> Command {
    Command::new("/proc/self/exe")
}

/// One line that says where the numbers come from.
fn machine(packages: &[&str]) -> String {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let mut line = format!("Linux {}, {cores} cores", kernel.trim());
    let asked = Command::new("dpkg-query")
        .args(["-W", "-f", ", ${Package} ${Version}"])
        .args(packages)
        .stderr(Stdio::null())
        .output();
    if let Ok(answer) = asked {
        line.push_str(&String::from_utf8_lossy(&answer.stdout));
    }
    line
}

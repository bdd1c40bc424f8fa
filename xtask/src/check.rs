//! `cargo xtask check`: what must hold besides the tests, cheap things first.

use crate::{Outcome, cargo, ebpf, sizes};

/// One thing to check: its name, and what checks it.
type Step = (&'static str, fn() -> Outcome);

const STEPS: &[Step] = &[
    ("formatting", formatting),
    ("sizes", sizes::run),
    ("BPF objects", || ebpf::run(true)),
    ("clippy", clippy),
    ("documentation", documentation),
];

/// Runs all of them, also after one failed, and then names those that did.
pub(crate) fn run() -> Outcome {
    let mut failed = Vec::new();
    for (name, step) in STEPS {
        println!("\n--- {name}");
        if let Err(failure) = step() {
            println!("{failure}");
            failed.push(*name);
        }
    }
    if failed.is_empty() {
        println!("\ncheck: all {} hold", STEPS.len());
        return Ok(());
    }
    Err(format!(
        "check: {} of {} failed: {}",
        failed.len(),
        STEPS.len(),
        failed.join(", ")
    )
    .into())
}

fn formatting() -> Outcome {
    let outcome = cargo::run(&mut cargo::cargo(&["fmt", "--all", "--check"]));
    outcome.map_err(|failure| format!("{failure}; to repair it: cargo fmt --all").into())
}

fn clippy() -> Outcome {
    cargo::run(&mut cargo::cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))
}

fn documentation() -> Outcome {
    let mut command = cargo::cargo(&["doc", "--workspace", "--no-deps"]);
    cargo::run(command.env("RUSTDOCFLAGS", "-D warnings"))
}

//! The chores of this repository: `cargo xtask TASK`.
//!
//! One file per task. CI calls exactly what a person calls.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a task talks to the person who started it"
)]

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod cargo; // running cargo and other programs
mod check; // what must hold besides the tests
mod compare; // Sockeye against the programs it replaces
mod ebpf; // the committed BPF objects
mod open_files; // the limit on descriptors
mod picture; // the picture in the README
mod setup; // Debian packages the tests need
mod sizes; // file sizes, module names, the address of unsafe
mod test; // every test, the privileged ones too

/// What every task returns: nothing, or the sentence that says what failed.
type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The chores of this repository")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install the Debian packages the tests need (as root), or print the line that does
    Setup,
    /// Set up, build, and run every test, as root the privileged ones too
    Test,
    /// Formatting, clippy, docs, freshness of the BPF objects, sizes
    Check,
    /// Compile the kernel programs in ebpf/ to the objects that are committed beside them
    Ebpf {
        /// Only say whether the committed objects are fresh
        #[arg(long)]
        check: bool,
    },
    /// Check file sizes, module names, and that unsafe code stays where it may be
    Sizes,
    /// Take the picture in the README anew
    Picture,
    /// Time Sockeye against the programs it replaces
    #[command(subcommand)]
    Compare(compare::Comparison),
    /// Run one program and print what it cost (used by compare)
    #[command(hide = true)]
    Measure(compare::measure::Arguments),
    /// Be one process of a scenario (used by compare)
    #[command(hide = true, subcommand)]
    Worker(compare::scenario::Worker),
    /// Be the far end of a relay (used by compare)
    #[command(hide = true, subcommand)]
    RelayEnd(compare::relay::end::End),
}

fn run(task: &Task) -> Outcome {
    match task {
        Task::Setup => setup::run(),
        Task::Test => test::run(),
        Task::Check => check::run(),
        Task::Ebpf { check } => ebpf::run(*check),
        Task::Sizes => sizes::run(),
        Task::Picture => picture::run(),
        Task::Compare(comparison) => compare::run(comparison),
        Task::Measure(arguments) => compare::measure::run(arguments),
        Task::Worker(worker) => compare::scenario::work(worker),
        Task::RelayEnd(end) => compare::relay::end::run(*end),
    }
}

fn main() -> ExitCode {
    match run(&Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

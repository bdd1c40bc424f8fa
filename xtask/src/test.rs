//! `cargo xtask test`: every test of the workspace, and as root the privileged ones too.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use crate::{Outcome, cargo, open_files, setup};

/// A privileged test is one marked `#[ignore = "needs root"]`. Doctests are left out of this run: `ignore`
/// on a doctest means that it cannot be compiled alone.
const PRIVILEGED: &[&str] = &[
    "test",
    "--workspace",
    "--tests",
    "--no-fail-fast",
    "--",
    "--ignored",
];

/// Sets up, builds, tests, and ends with the line our CI platform reads.
pub(crate) fn run() -> Outcome {
    setup::run()?;
    open_files::raise()?;
    cargo::run(&mut cargo::cargo(&["build", "--workspace"]))?;
    let plain = tested(&mut cargo::cargo(&[
        "test",
        "--workspace",
        "--no-fail-fast",
    ]))?;
    let mut total = plain;
    let mut failures = Vec::new();
    if let Some(obstacle) = obstacle_to_privileged_tests()? {
        let waiting = count_privileged()?;
        println!("\nNOT RUN: {waiting} privileged tests, because {obstacle}.");
        println!("To run them, as a root that may load BPF programs: cargo xtask test");
    } else {
        let privileged = tested(&mut cargo::cargo(PRIVILEGED))?;
        total = total.and(privileged);
        println!(
            "\nprivileged tests: {} ran",
            privileged.passed + privileged.failed
        );
        if privileged.passed + privileged.failed == 0 {
            failures.push("no privileged test ran, although they can run here");
        }
    }
    println!("sockeye: {} passed, {} failed", total.passed, total.failed);
    if !total.cargo_succeeded || total.failed > 0 {
        failures.push("cargo test failed");
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(failures.join("; ").into())
    }
}

/// What the test programs of one or more cargo runs said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
    cargo_succeeded: bool,
}

impl Tally {
    fn and(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            cargo_succeeded: self.cargo_succeeded && other.cargo_succeeded,
        }
    }

    /// Adds one line of output, when it is the last line of a test program.
    fn read(&mut self, line: &str) {
        let Some(rest) = line.strip_prefix("test result: ") else {
            return;
        };
        let Some((_, counts)) = rest.split_once(". ") else {
            return;
        };
        for part in counts.split(';') {
            match part.trim().split_once(' ') {
                Some((number, "passed")) => self.passed += number.parse().unwrap_or(0),
                Some((number, "failed")) => self.failed += number.parse().unwrap_or(0),
                _ => {}
            }
        }
    }
}

/// Runs cargo, passing its output through while counting.
fn tested(command: &mut Command) -> Outcome<Tally> {
    let line = cargo::shown(command);
    println!("\n==> {line}");
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|cause| format!("run {line}: {cause}"))?;
    let mut tally = Tally {
        passed: 0,
        failed: 0,
        cargo_succeeded: false,
    };
    if let Some(output) = child.stdout.take() {
        let mut ours = std::io::stdout().lock();
        // Bytes, not text: a failing test may print what is not UTF-8.
        for bytes in BufReader::new(output).split(b'\n') {
            let mut bytes = bytes?;
            tally.read(&String::from_utf8_lossy(&bytes));
            bytes.push(b'\n');
            ours.write_all(&bytes)?;
        }
    }
    tally.cargo_succeeded = child.wait()?.success();
    Ok(tally)
}

/// Why the privileged tests cannot run here, or None when they can.
fn obstacle_to_privileged_tests() -> Outcome<Option<&'static str>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(Some("they need root"));
    }
    let status = std::fs::read_to_string("/proc/self/status")?;
    Ok((!may_load_bpf(&status))
        .then_some("this root may not load BPF programs (it has no CAP_BPF)"))
}

/// Reads the effective capabilities out of a `/proc/PID/status`.
fn may_load_bpf(status: &str) -> bool {
    const SYS_ADMIN: u64 = 1 << 21;
    const PERFMON_AND_BPF: u64 = 1 << 38 | 1 << 39;
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok())
        .unwrap_or(0);
    effective & SYS_ADMIN != 0 || effective & PERFMON_AND_BPF == PERFMON_AND_BPF
}

fn count_privileged() -> Outcome<usize> {
    let mut command = cargo::cargo(PRIVILEGED);
    let answer = command.arg("--list").stderr(Stdio::inherit()).output()?;
    let listing = String::from_utf8_lossy(&answer.stdout);
    Ok(listing
        .lines()
        .filter(|line| line.ends_with(": test"))
        .count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_come_from_the_last_line_of_each_test_program() {
        let mut tally = Tally {
            passed: 0,
            failed: 0,
            cargo_succeeded: true,
        };
        tally.read("test result: ok. 12 passed; 0 failed; 3 ignored; 0 measured; 0 filtered out; finished in 0.01s");
        tally.read("test result: FAILED. 5 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s");
        tally.read("test result_of_something ... ok");
        tally.read("a program printed: test result: ok. 9 passed");
        assert_eq!((tally.passed, tally.failed), (17, 2));
    }

    #[test]
    fn root_in_a_container_without_bpf_is_told_apart() {
        assert!(may_load_bpf("Name:\tx\nCapEff:\t000001ffffffffff\n"));
        assert!(may_load_bpf("CapEff:\t000000c000000000\n"));
        assert!(!may_load_bpf("CapEff:\t00000000a80425fb\n"));
        assert!(!may_load_bpf(""));
    }
}

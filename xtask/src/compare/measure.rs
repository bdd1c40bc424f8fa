//! `xtask measure -- PROGRAM …`: runs one program in a process of its own and prints what it cost.
//!
//! A process of its own, because the kernel keeps the peak memory of all children as one number.

use std::ffi::OsString;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use rustix::process::{Signal, set_parent_process_death_signal};

use super::myself;
use crate::{Outcome, cargo};

/// The program to run.
#[derive(Args)]
pub(crate) struct Arguments {
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// What one run cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// From the start of the program to its end.
    pub(crate) wall: Duration,
    /// Processor time of all its threads, in the kernel too.
    pub(crate) cpu: Duration,
    /// Peak resident memory. Never less than that of the process that started it (about 4 MiB), because the
    /// kernel counts from before exec.
    pub(crate) peak_rss_kib: u32,
    /// What it wrote to standard output.
    output_bytes: u64,
    /// Its exit status; None when a signal ended it.
    pub(crate) exit_code: Option<i32>,
}

/// Runs the program, its output going through a pipe that is read as fast as it comes.
pub(crate) fn run(arguments: &Arguments) -> Outcome {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let [program, rest @ ..] = arguments.command.as_slice() else {
        return Err("measure: no program".into());
    };
    let start = Instant::now();
    let mut child = Command::new(program)
        .args(rest)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|cause| format!("run {}: {cause}", program.display()))?;
    let mut output_bytes = 0;
    if let Some(mut output) = child.stdout.take() {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match output.read(&mut buffer)? {
                0 => break,
                count => output_bytes += count,
            }
        }
    }
    let status = child.wait()?;
    let wall = start.elapsed();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    println!(
        "{} {} {} {output_bytes} {}",
        wall.as_nanos(),
        microseconds(usage.user_time()) + microseconds(usage.system_time()),
        usage.max_rss(),
        status.code().unwrap_or(-1)
    );
    Ok(())
}

fn microseconds(time: TimeVal) -> i64 {
    time.tv_sec() * 1_000_000 + time.tv_usec()
}

impl Sample {
    /// Runs `command` under `xtask measure`.
    pub(crate) fn take(command: &Command) -> Outcome<Self> {
        let mut outer = myself();
        outer
            .args(["measure", "--"])
            .arg(command.get_program())
            .args(command.get_args());
        let answer = outer.stderr(Stdio::inherit()).output()?;
        let text = String::from_utf8_lossy(&answer.stdout);
        let sample = Self::from_text(&text);
        sample.ok_or_else(|| format!("measure {}: {}", cargo::shown(command), answer.status).into())
    }

    /// What it wrote, for a table; a program that writes terabytes is out of its columns.
    pub(crate) fn output_kib(&self) -> u32 {
        u32::try_from(self.output_bytes / 1024).unwrap_or(u32::MAX)
    }

    fn from_text(text: &str) -> Option<Self> {
        let mut fields = text.split_whitespace();
        Some(Self {
            wall: Duration::from_nanos(fields.next()?.parse().ok()?),
            cpu: Duration::from_micros(fields.next()?.parse().ok()?),
            peak_rss_kib: fields.next()?.parse().ok()?,
            output_bytes: fields.next()?.parse().ok()?,
            exit_code: Some(fields.next()?.parse().ok()?).filter(|code| *code >= 0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_read_from_what_measure_prints() {
        let sample = Sample::from_text("1500000 700 4096 12 -1\n").unwrap();
        assert_eq!(sample.wall, Duration::from_micros(1500));
        assert_eq!(sample.cpu, Duration::from_micros(700));
        assert_eq!(
            (sample.peak_rss_kib, sample.output_bytes, sample.exit_code),
            (4096, 12, None)
        );
        assert!(Sample::from_text("1500000 700").is_none());
    }
}

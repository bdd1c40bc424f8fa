//! What a relay costs: memory and processor time, its children counted too.

use std::fs;

use crate::Outcome;

/// Resident memory of a relay and its children.
#[derive(Clone, Copy, Default)]
pub(super) struct Memory {
    /// Pages that several of its processes share count once for each of them.
    pub(super) rss_kib: u64,
    /// Shared pages are split among those that share them.
    pub(super) pss_kib: u64,
}

/// Memory of the process and all its children and their children.
pub(super) fn memory(pid: u32) -> Outcome<Memory> {
    let mut sum = Memory::default();
    for member in family(pid) {
        // A child may end while it is looked at, and then costs nothing.
        let rollup = fs::read_to_string(format!("/proc/{member}/smaps_rollup"));
        let Ok(rollup) = rollup else { continue };
        sum.rss_kib += field(&rollup, "Rss:").unwrap_or(0);
        sum.pss_kib += field(&rollup, "Pss:").unwrap_or(0);
    }
    if sum.rss_kib == 0 {
        return Err(format!("read the memory of process {pid}: it is gone, or not ours").into());
    }
    Ok(sum)
}

/// Processor time of the process, its children, and those it has waited for, in seconds.
pub(super) fn processor_seconds(pid: u32) -> f64 {
    let ticks: u64 = family(pid)
        .into_iter()
        .filter_map(|member| fs::read_to_string(format!("/proc/{member}/stat")).ok())
        .filter_map(|stat| ticks(&stat))
        .sum();
    // USER_HZ is 100 on every architecture this runs on (`include/asm-generic/param.h`).
    #[expect(clippy::cast_precision_loss, reason = "a relay runs for minutes")]
    let seconds = ticks as f64 / 100.0;
    seconds
}

/// The process and all below it.
fn family(pid: u32) -> Vec<u32> {
    let mut members = vec![pid];
    let mut next = 0;
    while let Some(member) = members.get(next) {
        let threads = fs::read_dir(format!("/proc/{member}/task"));
        for thread in threads.into_iter().flatten().flatten() {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            members.extend(
                children
                    .split_whitespace()
                    .filter_map(|child| child.parse::<u32>().ok()),
            );
        }
        next += 1;
    }
    members
}

fn field(rollup: &str, name: &str) -> Option<u64> {
    let line = rollup.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Fields 14 to 17 of `/proc/PID/stat`; the name before them, in brackets, may hold anything.
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let times = fields.split_whitespace().skip(11).take(4);
    times.map(|time| time.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_read_past_a_hostile_name() {
        let stat = "7 (a) R 9) S 1 7 7 0 -1 0 1 2 3 4 50 60 7 8 20 0 1 0 99";
        assert_eq!(ticks(stat), Some(125));
    }

    #[test]
    fn memory_of_this_process_is_found() {
        let memory = memory(std::process::id()).unwrap();
        assert!(memory.rss_kib > 100 && memory.pss_kib <= memory.rss_kib);
    }
}

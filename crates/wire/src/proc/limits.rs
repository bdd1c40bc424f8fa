//! /proc/PID/limits: how many descriptors a process may have (`proc_pid_limits` in `fs/proc/base.c`).

use super::text::{decimal, fields, lines};
use crate::Malformed;

/// How many descriptors a process may have open; `None` is without limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenFiles {
    /// The limit in force.
    pub soft: Option<u64>,
    /// How far the process may raise it.
    pub hard: Option<u64>,
}

/// Reads the line `Max open files`.
///
/// # Errors
///
/// When the line is missing or has other than two limits.
///
/// # Examples
///
/// ```
/// use sockeye_wire::proc::limits::open_files;
///
/// let limits = open_files(b"Max open files            1024                 unlimited            files     \n")?;
/// assert_eq!((limits.soft, limits.hard), (Some(1024), None));
/// # Ok::<(), sockeye_wire::Malformed>(())
/// ```
pub fn open_files(text: &[u8]) -> Result<OpenFiles, Malformed> {
    let malformed = |what| Malformed {
        format: "/proc/PID/limits",
        offset: 0,
        what,
    };
    let line = lines(text).find_map(|line| line.strip_prefix(b"Max open files "));
    let line = line.ok_or_else(|| malformed("no line about open files"))?;
    let mut fields = fields(line);
    let mut next = || limit(fields.next()?);
    let limits = next().zip(next());
    match (limits, fields.next()) {
        // The unit: without it the number before may be cut short.
        (Some((soft, hard)), Some(b"files")) => Ok(OpenFiles { soft, hard }),
        _ => Err(malformed("limit of open files is no number")),
    }
}

#[expect(
    clippy::option_option,
    reason = "the outer one is what the field does not say, the inner one what it says: no limit"
)]
fn limit(field: &[u8]) -> Option<Option<u64>> {
    match field {
        b"unlimited" => Some(None),
        number => decimal(number).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: &[u8] = include_bytes!("../../tests/data/limits");

    #[test]
    fn a_recorded_file_is_read() {
        let limits = OpenFiles {
            soft: Some(1024),
            hard: Some(4096),
        };
        assert_eq!(open_files(LIMITS), Ok(limits));
    }

    #[test]
    fn a_file_cut_short_is_an_error_and_never_another_number() {
        let whole = open_files(LIMITS);
        for end in 0..LIMITS.len() {
            let cut = open_files(&LIMITS[..end]);
            assert!(cut.is_err() || cut == whole);
        }
    }
}

//! /proc/PID/stat: when a process started (`do_task_stat` in `fs/proc/array.c`).

use memchr::{memchr, memrchr};

use super::text::{decimal, decimal_u32, fields};
use crate::Malformed;

/// The fields of a stat file that are of use here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat<'a> {
    /// The process.
    pub pid: u32,
    /// What it calls itself, as it is: anything, parentheses, blanks and newlines too.
    pub name: &'a [u8],
    /// The letter of its state, such as `S` for sleeping.
    pub state: u8,
    /// The process that started it, or that took it over.
    pub parent: u32,
    /// When it started, in clock ticks since boot (`sysconf(_SC_CLK_TCK)` of them are a second).
    ///
    /// Together with the pid this tells a process from a later one with the same pid.
    pub start_ticks: u64,
}

/// Reads a stat file.
///
/// The name ends at the *last* closing parenthesis: a process may have one in its name.
///
/// # Errors
///
/// When the name or one of the fields is missing or no number.
///
/// # Examples
///
/// ```
/// let text = b"7 (a) S 1 (b) R 3 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4200 0 0\n";
/// let stat = sockeye_wire::proc::stat::parse(text)?;
/// assert_eq!(stat.name, b"a) S 1 (b");
/// assert_eq!((stat.parent, stat.start_ticks), (3, 4200));
/// # Ok::<(), sockeye_wire::Malformed>(())
/// ```
pub fn parse(text: &[u8]) -> Result<Stat<'_>, Malformed> {
    let malformed = |offset, what| Malformed {
        format: "/proc/PID/stat",
        offset,
        what,
    };
    let (Some(open), Some(close)) = (memchr(b'(', text), memrchr(b')', text)) else {
        return Err(malformed(0, "no name in parentheses"));
    };
    let (Some(before), Some(name), Some(after)) = (
        text.get(..open),
        text.get(open + 1..close),
        text.get(close + 1..),
    ) else {
        return Err(malformed(0, "no name in parentheses"));
    };
    let pid = before.strip_suffix(b" ").and_then(decimal_u32);
    let pid = pid.ok_or_else(|| malformed(0, "pid is no number"))?;
    let mut fields = fields(after);
    let Some(&[state]) = fields.next() else {
        return Err(malformed(close + 1, "state is no letter"));
    };
    let parent = fields.next().and_then(decimal_u32);
    let parent = parent.ok_or_else(|| malformed(close + 1, "parent is no number"))?;
    // Fields are counted from 1 in proc(5): the next one is 5, the start is 22. A number that ends the text may be cut.
    let start_ticks = fields.nth(22 - 5).and_then(decimal);
    match (start_ticks, fields.next()) {
        (Some(start_ticks), Some(_)) => Ok(Stat {
            pid,
            name,
            state,
            parent,
            start_ticks,
        }),
        _ => Err(malformed(close + 1, "start time is no number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &[u8] = include_bytes!("../../tests/data/stat");

    #[test]
    fn a_recorded_file_is_read() {
        let stat = parse(STAT).unwrap();
        assert_eq!(
            (stat.name, stat.state, stat.parent),
            (&b"od\\d) \n(\xffname"[..], b'R', 4711)
        );
        assert_eq!((stat.pid, stat.start_ticks), (4712, 147_312));
    }

    #[test]
    fn a_file_cut_short_is_an_error_and_never_another_number() {
        let whole = parse(STAT).unwrap();
        for end in 0..STAT.len() {
            if let Ok(stat) = parse(&STAT[..end]) {
                assert_eq!(stat, whole);
            }
        }
    }

    #[test]
    fn parentheses_in_the_wrong_order_are_an_error() {
        assert_eq!(
            parse(b"1 )(").unwrap_err().to_string(),
            "parse /proc/PID/stat: byte 0: no name in parentheses"
        );
    }
}

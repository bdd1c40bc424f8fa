//! /proc/PID/status: who a process is (`proc_pid_status` in `fs/proc/array.c`).

use memchr::memchr;

use super::text::{decimal_u32, fields, hexadecimal, lines};

/// A process, as far as its status file tells.
///
/// Fields that are missing or not understood are `None`: kernels leave lines out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// What it calls itself, at most 15 bytes; escapes are undone.
    pub name: Option<Vec<u8>>,
    /// The letter of its state, such as `S` for sleeping.
    pub state: Option<u8>,
    /// The process that started it, or that took it over; 0 for the first.
    pub parent: Option<u32>,
    /// The effective user.
    pub uid: Option<u32>,
    /// The effective group.
    pub gid: Option<u32>,
    /// The supplementary groups.
    pub groups: Option<Vec<u32>>,
    /// One bit per capability, as numbered in capabilities(7).
    pub effective_capabilities: Option<u64>,
    /// How many threads it has.
    pub thread_count: Option<u32>,
}

/// Reads a status file. Lines of other names are passed over.
///
/// # Examples
///
/// ```
/// let status = sockeye_wire::proc::status::parse(b"Name:\tcat\nUid:\t0\t1000\t0\t0\n");
/// assert_eq!(status.name.as_deref(), Some(&b"cat"[..]));
/// assert_eq!(status.uid, Some(1000));
/// assert_eq!(status.gid, None);
/// ```
pub fn parse(text: &[u8]) -> Status {
    let mut status = Status::default();
    for line in lines(text) {
        let Some((key, value)) = memchr(b':', line).and_then(|colon| line.split_at_checked(colon))
        else {
            continue;
        };
        let value = value.get(1..).unwrap_or_default();
        let first = || fields(value).next();
        let second = || fields(value).nth(1).and_then(decimal_u32);
        match key {
            b"Name" => status.name = Some(unescaped(value.strip_prefix(b"\t").unwrap_or(value))),
            b"State" => status.state = first().and_then(|state| state.first().copied()),
            b"PPid" => status.parent = first().and_then(decimal_u32),
            b"Uid" => status.uid = second(),
            b"Gid" => status.gid = second(),
            b"Groups" => status.groups = fields(value).map(decimal_u32).collect(),
            b"CapEff" => status.effective_capabilities = first().and_then(hexadecimal),
            b"Threads" => status.thread_count = first().and_then(decimal_u32),
            _ => {}
        }
    }
    status
}

/// Undoes `\n` and `\\`, the only escapes of a name here (`proc_task_name` in `fs/proc/array.c`).
fn unescaped(name: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(name.len());
    let mut bytes = name.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let escape = match (byte, bytes.peek()) {
            (b'\\', Some(b'n')) => Some(b'\n'),
            (b'\\', Some(b'\\')) => Some(b'\\'),
            _ => None,
        };
        if escape.is_some() {
            bytes.next();
        }
        plain.push(escape.unwrap_or(byte));
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAEMON: &[u8] = include_bytes!("../../tests/data/status");

    #[test]
    fn a_recorded_file_is_read_whole() {
        assert_eq!(
            parse(DAEMON),
            Status {
                name: Some(b"od\\d) \n(\xffname".to_vec()),
                state: Some(b'R'),
                parent: Some(4711),
                uid: Some(0),
                gid: Some(1000),
                groups: Some(vec![4, 27, 1000]),
                effective_capabilities: Some(0x0000_01ff_feff_ffff),
                thread_count: Some(3),
            }
        );
    }

    #[test]
    fn what_is_missing_is_none() {
        assert_eq!(parse(b""), Status::default());
        assert_eq!(parse(b"Uid:\t0\n").uid, None);
        assert_eq!(parse(b"Groups:\t \n").groups, Some(Vec::new()));
        assert_eq!(parse(b"Groups:\t1 x \n").groups, None);
        assert_eq!(parse(b"PPid:\t4294967296\n").parent, None);
    }

    #[test]
    fn every_beginning_of_the_file_can_be_read() {
        for end in 0..DAEMON.len() {
            parse(&DAEMON[..end]);
        }
    }
}

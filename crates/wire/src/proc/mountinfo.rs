//! /proc/PID/mountinfo: which file system is where (`show_mountinfo` in `fs/proc_namespace.c`).

use super::text::{decimal_u32, lines};
use crate::Device;

/// A mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount<'a> {
    /// Its number, which `statx` gives as `stx_mnt_id`.
    pub id: u32,
    /// Where it is, seen from the root directory of the process.
    pub mount_point: Vec<u8>,
    /// The device of the file system, in the same encoding as [`unix_diag`](crate::unix_diag) gives a socket's.
    pub device: Device,
    /// The type of the file system, such as `ext4`.
    pub filesystem: &'a [u8],
    /// The directory of the file system that is mounted here, `/` unless it is a bind mount.
    pub root: Vec<u8>,
}

/// The mounts of a mountinfo file, in its order: a later one may hide an earlier one.
///
/// A line that is not understood is passed over.
///
/// # Examples
///
/// ```
/// let text = br"36 35 98:0 / /mnt/my\040disk rw,noatime master:1 - ext3 /dev/root rw
/// ";
/// let mount = sockeye_wire::proc::mountinfo::mounts(text).next().unwrap();
/// assert_eq!(mount.mount_point, b"/mnt/my disk");
/// assert_eq!(mount.device.to_string(), "98:0");
/// ```
pub fn mounts(text: &[u8]) -> impl Iterator<Item = Mount<'_>> {
    lines(text).filter_map(mount)
}

fn mount(line: &[u8]) -> Option<Mount<'_>> {
    // Blanks within a name are escaped, so that each one here parts two fields.
    let mut fields = line.split(|byte| *byte == b' ');
    let id = decimal_u32(fields.next()?)?;
    let _parent = fields.next()?;
    let device = device(fields.next()?)?;
    let root = unescaped(fields.next()?);
    let mount_point = unescaped(fields.next()?);
    let _options = fields.next()?;
    fields.find(|field| *field == b"-")?; // any number of optional fields come before
    let filesystem = fields.next()?;
    fields.next()?; // the source: without it the type may be cut short
    Some(Mount {
        id,
        mount_point,
        device,
        filesystem,
        root,
    })
}

fn device(field: &[u8]) -> Option<Device> {
    let mut numbers = field.splitn(2, |byte| *byte == b':').map(decimal_u32);
    Some(Device {
        major: numbers.next()??,
        minor: numbers.next()??,
    })
}

/// Undoes `\ooo`, which stands for blank, tab, newline, backslash and `#` (`mangle` in `fs/proc_namespace.c`).
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, after)) = rest.split_first() {
        let (byte, after) = match after {
            [
                a @ b'0'..=b'3',
                b @ b'0'..=b'7',
                c @ b'0'..=b'7',
                after @ ..,
            ] if first == b'\\' => ((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'), after),
            _ => (first, after),
        };
        plain.push(byte);
        rest = after;
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const MOUNTINFO: &[u8] = include_bytes!("../../tests/data/mountinfo");

    #[test]
    fn a_recorded_file_is_read_whole() {
        let mounts: Vec<_> = mounts(MOUNTINFO).collect();
        assert_eq!(mounts.len(), 4);
        let strange = mounts.last().unwrap();
        assert_eq!(strange.mount_point, b"/mnt/a b\tc\nd\\e#\xff");
        assert_eq!((strange.id, &strange.root[..]), (64, &b"/sub dir"[..]));
        assert_eq!(strange.filesystem, b"tmpfs");
        assert_eq!(strange.device.to_string(), "0:39");
    }

    #[test]
    fn a_file_cut_short_has_fewer_mounts_and_no_others() {
        let whole: Vec<_> = mounts(MOUNTINFO).collect();
        for end in 0..MOUNTINFO.len() {
            let cut: Vec<_> = mounts(&MOUNTINFO[..end]).collect();
            assert!(whole.starts_with(&cut));
        }
    }

    #[rstest]
    #[case(br"\040\011\012\134\043", b" \t\n\\#")]
    #[case(br"\377", b"\xff")]
    #[case(br"\400", br"\400")]
    #[case(br"\04", br"\04")]
    #[case(b"\\", b"\\")]
    fn an_octal_escape_is_one_byte(#[case] escaped: &[u8], #[case] plain: &[u8]) {
        assert_eq!(unescaped(escaped), plain);
    }
}

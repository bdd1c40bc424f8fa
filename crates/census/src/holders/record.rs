//! What `ebpf/holders.bpf.c` writes of each descriptor.

/// Bytes of one record: `struct holder` in `ebpf/holders.h`.
pub(super) const RECORD_BYTES: usize = 40;

const COMM_AT: usize = 24;

/// One descriptor that holds a Unix socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) socket_inode: u64,
    pub(super) pid: u32,
    pub(super) fd: u32,
    pub(super) uid: u32,
    pub(super) task_namespace: u32,
    /// Name of the process, without what follows its first NUL.
    pub(super) comm: &'a [u8],
}

/// The records in what was read; an incomplete one at the end is left out.
pub(super) fn records(bytes: &[u8]) -> impl Iterator<Item = Record<'_>> {
    bytes.as_chunks::<RECORD_BYTES>().0.iter().map(record)
}

fn record(bytes: &[u8; RECORD_BYTES]) -> Record<'_> {
    let word =
        |at: usize| u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let comm = &bytes[COMM_AT..];
    let end = comm
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(comm.len());
    let [low, high] = if cfg!(target_endian = "little") {
        [word(0), word(4)]
    } else {
        [word(4), word(0)]
    };
    Record {
        socket_inode: u64::from(low) | u64::from(high) << 32,
        pid: word(8),
        fd: word(12),
        uid: word(16),
        task_namespace: word(20),
        comm: &comm[..end],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_the_program_lays_it_out() {
        let mut bytes = vec![0; RECORD_BYTES];
        bytes[..8].copy_from_slice(&0x1_0000_0002u64.to_ne_bytes());
        for (at, value) in [(8, 42u32), (12, 7), (16, 1000), (20, 11)] {
            bytes[at..at + 4].copy_from_slice(&value.to_ne_bytes());
        }
        bytes[COMM_AT..COMM_AT + 4].copy_from_slice(b"redi");
        bytes.extend_from_slice(b"cut short");
        let all: Vec<_> = records(&bytes).collect();
        let expected = Record {
            socket_inode: 0x1_0000_0002,
            pid: 42,
            fd: 7,
            uid: 1000,
            task_namespace: 11,
            comm: b"redi",
        };
        assert_eq!(all, [expected]);
    }

    #[test]
    fn the_header_and_this_file_agree_on_the_size() {
        let header = include_str!("../../../../ebpf/holders.h");
        let sizes = [
            ("unsigned long long ", 8),
            ("unsigned int ", 4),
            ("char comm[COMM_BYTES]", 16),
        ];
        let fields = header.lines().filter(|line| line.starts_with('\t'));
        let total: usize = fields
            .map(|line| {
                sizes
                    .iter()
                    .find(|(kind, _)| line.trim().starts_with(kind))
                    .unwrap()
                    .1
            })
            .sum();
        assert_eq!(total, RECORD_BYTES);
    }
}

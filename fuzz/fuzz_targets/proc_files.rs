//! Any bytes as each of the files in /proc.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sockeye_wire::proc::{fd_link, limits, mountinfo, net_unix, stat, status};

fuzz_target!(|text: &[u8]| {
    let _ = fd_link::socket_inode(text);
    let _ = fd_link::namespace_inode(text);
    let _ = limits::open_files(text);
    let _ = status::parse(text);
    if let Ok(stat) = stat::parse(text) {
        assert!(stat.name.len() < text.len());
    }
    for mount in mountinfo::mounts(text) {
        assert!(!mount.filesystem.contains(&b' '));
    }
    let lines = text.iter().filter(|byte| **byte == b'\n').count() + 1;
    let mut entries = 0;
    for entry in net_unix::sockets(text) {
        entries += 1;
        match entry {
            Ok(entry) => assert!(entry.name.is_none_or(|name| name.len() < text.len())),
            Err(error) => assert!(error.offset < text.len(), "{error}"),
        }
    }
    assert!(entries <= lines);
});

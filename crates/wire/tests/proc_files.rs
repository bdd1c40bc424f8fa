//! Whatever a file of /proc holds, its parser answers.

use proptest::prelude::*;
use sockeye_wire::proc::{fd_link, limits, mountinfo, stat, status};

const FILES: [&[u8]; 4] = [
    include_bytes!("data/limits"),
    include_bytes!("data/mountinfo"),
    include_bytes!("data/stat"),
    include_bytes!("data/status"),
];

fn read(text: &[u8]) {
    let _ = fd_link::socket_inode(text);
    let _ = fd_link::namespace_inode(text);
    let _ = limits::open_files(text);
    let _ = mountinfo::mounts(text).count();
    let _ = stat::parse(text);
    let _ = status::parse(text);
}

proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic(text in prop::collection::vec(any::<u8>(), 0..400)) {
        read(&text);
    }

    #[test]
    fn no_change_of_a_real_file_makes_a_parser_panic(
        file in 0..FILES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
    ) {
        let mut text = FILES[file].to_vec();
        for (place, byte) in changes {
            *place.get_mut(&mut text) = byte;
        }
        read(&text);
    }

    #[test]
    fn any_name_of_a_process_is_read_back(name in "[^\0]{1,15}", pid: u32, start: u64) {
        let line = format!("{pid} ({name}) S 1{} {start} 0 0\n", " 0".repeat(17));
        let stat = stat::parse(line.as_bytes()).unwrap();
        prop_assert_eq!(stat.name, name.as_bytes());
        prop_assert_eq!((stat.pid, stat.parent, stat.start_ticks), (pid, 1, start));
        let escaped = name.replace('\\', r"\\").replace('\n', r"\n");
        let status = status::parse(format!("Name:\t{escaped}\nPPid:\t1\n").as_bytes());
        prop_assert_eq!(status.name.as_deref(), Some(name.as_bytes()));
        prop_assert_eq!(status.parent, Some(1));
    }

    #[test]
    fn any_mount_point_is_read_back(directory in prop::collection::vec(1u8.., 0..60)) {
        let mut line = b"1 2 3:4 / /".to_vec();
        for byte in &directory {
            match byte {
                b' ' | b'\t' | b'\n' | b'\\' | b'#' => line.extend(format!("\\{byte:03o}").bytes()),
                _ => line.push(*byte),
            }
        }
        line.extend(b" rw - tmpfs tmpfs rw\n");
        let mount = mountinfo::mounts(&line).next().unwrap();
        prop_assert_eq!(mount.mount_point.split_first(), Some((&b'/', &directory[..])));
    }
}

//! Which folders are mount points, so that a scan need not ask for each folder it enters.

use std::collections::HashMap;
use std::fs;

use sockeye_wire::proc::mountinfo;

/// Filesystems that hold no sockets.
const WITHOUT_SOCKETS: [&[u8]; 20] = [
    b"autofs",
    b"binfmt_misc",
    b"bpf",
    b"cgroup",
    b"cgroup2",
    b"configfs",
    b"debugfs",
    b"devpts",
    b"efivarfs",
    b"fusectl",
    b"hugetlbfs",
    b"mqueue",
    b"nsfs",
    b"proc",
    b"pstore",
    b"rpc_pipefs",
    b"securityfs",
    b"selinuxfs",
    b"sysfs",
    b"tracefs",
];

/// Filesystems of other machines: their sockets lead nowhere from here, and reading them may take forever.
const REMOTE: [&[u8]; 9] = [
    b"nfs",
    b"nfs4",
    b"cifs",
    b"smb3",
    b"9p",
    b"ceph",
    b"afs",
    b"fuse.sshfs",
    b"fuse.glusterfs",
];

/// Filesystems that fill the buffer of `getdents64` as far as there are entries, so that a buffer with room left is the
/// last one and need not be asked for. (Their `iterate_shared` returns only when an entry did not fit or none is left.)
const FILL_THE_BUFFER: [&[u8]; 5] = [b"ext4", b"ext3", b"xfs", b"tmpfs", b"btrfs"];

/// What a scan does at a mount point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mounted {
    /// Passes over it.
    Skip,
    /// Reads it.
    Enter {
        /// See [`FILL_THE_BUFFER`].
        fills_buffer: bool,
    },
}

/// The mount points of a mount namespace.
#[derive(Debug, Default)]
pub(super) struct Mounts {
    by_path: HashMap<Vec<u8>, Mounted>,
    /// Lengths and last bytes of their paths: nearly every folder is none of them, and is told by these alone.
    last_names: Vec<Vec<u8>>,
}

impl Mounts {
    pub(super) fn of_this_process() -> Self {
        let text = fs::read("/proc/self/mountinfo").unwrap_or_default();
        let mut mounts = Mounts::default();
        for mount in mountinfo::mounts(&text) {
            let skip =
                WITHOUT_SOCKETS.contains(&mount.filesystem) || REMOTE.contains(&mount.filesystem);
            let fills_buffer = FILL_THE_BUFFER.contains(&mount.filesystem);
            let mounted = if skip {
                Mounted::Skip
            } else {
                Mounted::Enter { fills_buffer }
            };
            mounts
                .last_names
                .push(last_name(&mount.mount_point).to_vec());
            mounts.by_path.insert(mount.mount_point, mounted);
        }
        mounts.last_names.sort_unstable();
        mounts.last_names.dedup();
        mounts
    }

    /// Whether a mount point may have this last name.
    pub(super) fn may_be_named(&self, name: &[u8]) -> bool {
        self.last_names.iter().any(|known| known == name)
    }

    /// What is mounted at exactly this path.
    pub(super) fn at(&self, path: &[u8]) -> Option<Mounted> {
        self.by_path.get(path).copied()
    }

    /// Whether the filesystem that holds `path` fills the buffer.
    pub(super) fn fills_buffer_at(&self, path: &[u8]) -> bool {
        let mut place = path;
        loop {
            if let Some(Mounted::Enter { fills_buffer }) = self.at(place) {
                return fills_buffer;
            }
            place = match place.iter().rposition(|byte| *byte == b'/') {
                Some(0) if place.len() > 1 => b"/",
                None | Some(0) => return false,
                Some(slash) => &place[..slash],
            };
        }
    }
}

fn last_name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

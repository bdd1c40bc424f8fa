//! Which folders are mount points, so that a scan need not ask for each folder it enters.

use std::collections::HashSet;
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

/// The mount points that a scan passes over.
#[derive(Debug, Default)]
pub(super) struct Mounts {
    skipped: HashSet<Vec<u8>>,
    /// The last names of their paths: nearly every folder is none of them, and is told by its name alone.
    last_names: HashSet<Vec<u8>>,
}

impl Mounts {
    pub(super) fn of_this_process() -> Self {
        let text = fs::read("/proc/self/mountinfo").unwrap_or_default();
        let mut skipped = HashSet::new();
        for mount in mountinfo::mounts(&text) {
            // A later mount at the same place hides the one before.
            if WITHOUT_SOCKETS.contains(&mount.filesystem) || REMOTE.contains(&mount.filesystem) {
                skipped.insert(mount.mount_point);
            } else {
                skipped.remove(&mount.mount_point);
            }
        }
        let last_names = skipped
            .iter()
            .map(|path| last_name(path).to_vec())
            .collect();
        Mounts {
            skipped,
            last_names,
        }
    }

    /// Whether the folder `name`, which is at `path`, is passed over.
    pub(super) fn skips(&self, name: &[u8], path: &[u8]) -> bool {
        self.last_names.contains(name) && self.skipped.contains(path)
    }
}

fn last_name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

//! Socket files: the one of a bound socket, and those that nobody is bound to.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, Statx, StatxFlags, openat, openat2, statx,
};
use rustix::io::Errno;
use sockeye_wire::proc::mountinfo;

use crate::model::{Device, FileFacts, FileId, Pid};

/// Looks at files and tells them apart as `unix_diag` does.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// Device of each mount. `st_dev` will not do: btrfs and overlayfs give files other devices than their filesystem
    /// has.
    devices: HashMap<u64, Device>,
}

/// What `statx` is asked for.
const MASK: StatxFlags = StatxFlags::BASIC_STATS.union(StatxFlags::MNT_ID);

/// What is at a path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// A socket file.
    Socket(FileFacts),
    /// Something else.
    Other,
    /// Nothing.
    Missing,
    /// A folder on the way may not be passed, or the path cannot be looked at.
    Hidden,
}

impl Files {
    pub(crate) fn new() -> Self {
        let text = fs::read("/proc/self/mountinfo").unwrap_or_default();
        let devices = mountinfo::mounts(&text)
            .map(|mount| (mount.id.into(), mount.device))
            .collect();
        Files { devices }
    }

    /// Looks at a path, following symbolic links as a client does.
    pub(crate) fn look(&self, path: &Path) -> Look {
        self.judge(path, &statx(CWD, path, AtFlags::STATX_DONT_SYNC, MASK))
    }

    fn judge(&self, path: &Path, answer: &rustix::io::Result<Statx>) -> Look {
        match answer {
            Ok(stat) if FileType::from_raw_mode(stat.stx_mode.into()) == FileType::Socket => {
                Look::Socket(self.facts(path, stat))
            }
            Ok(_) => Look::Other,
            Err(Errno::NOENT | Errno::NOTDIR) => Look::Missing,
            Err(_) => Look::Hidden,
        }
    }

    /// Whether a file was made or changed after `moment`, or cannot be looked at.
    pub(crate) fn is_younger(path: &Path, moment: SystemTime) -> bool {
        let Ok(metadata) = fs::symlink_metadata(path) else {
            return true;
        };
        let since = moment
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(since.as_secs()).is_ok_and(|seconds| {
            let nanoseconds = i64::from(since.subsec_nanos());
            (metadata.ctime(), metadata.ctime_nsec()) > (seconds, nanoseconds)
        })
    }

    fn facts(&self, path: &Path, stat: &Statx) -> FileFacts {
        let own = Device {
            major: stat.stx_dev_major,
            minor: stat.stx_dev_minor,
        };
        let device = self.devices.get(&stat.stx_mnt_id).copied().unwrap_or(own);
        FileFacts {
            path: path.to_owned(),
            id: file_id(device, stat.stx_ino),
            mode: u32::from(stat.stx_mode) & 0o7777,
            uid: stat.stx_uid,
            gid: stat.stx_gid,
        }
    }
}

impl FileId {
    /// Which file a descriptor is of; one opened with `O_PATH` will do.
    ///
    /// ```
    /// use sockeye_census::{Census, FileId, Options};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("app.sock");
    /// let _listener = std::os::unix::net::UnixListener::bind(&path)?;
    /// let flags = rustix::fs::OFlags::PATH | rustix::fs::OFlags::CLOEXEC;
    /// let file = rustix::fs::open(&path, flags, rustix::fs::Mode::empty())?;
    /// let census = Census::take(&Options::default())?;
    /// assert!(census.endpoint_of_file(FileId::of(&file)?).is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of `statx`.
    pub fn of(file: impl AsFd) -> io::Result<FileId> {
        let files = Files::new();
        let stat = statx(file, "", AtFlags::EMPTY_PATH, MASK)?;
        Ok(files.facts(Path::new(""), &stat).id)
    }
}

/// `unix_diag` tells the lower 32 bits of an inode (`struct unix_diag_vfs`), so that is all there is to compare.
fn file_id(device: Device, inode: u64) -> FileId {
    FileId {
        device,
        inode: inode & u64::from(u32::MAX),
    }
}

/// Where the file of a bound socket is now.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Located {
    pub(crate) facts: Option<FileFacts>,
    /// The file is in the mount namespace of a holder, not in ours.
    pub(crate) in_other_mount_namespace: bool,
    /// What a client finds at the path instead.
    pub(crate) lost: Option<Lost>,
    /// Whether a holder finds the same.
    pub(crate) holder_agrees: bool,
}

/// What became of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    Deleted,
    Replaced,
}

/// How many holders are asked for their view of a path.
const VIEWS: usize = 4;

impl Files {
    /// Finds the file `bound`, which was called `name` when it was bound.
    pub(crate) fn locate(&self, name: &Path, bound: Option<FileId>, holders: &[Pid]) -> Located {
        let own_view = name.is_absolute() && !name.starts_with("/proc/self");
        let here = if own_view {
            self.look(name)
        } else {
            Look::Hidden
        };
        let is_bound = |look: &Look| match look {
            Look::Socket(facts) => bound.is_none_or(|bound| bound == facts.id),
            _ => false,
        };
        if let (true, Look::Socket(facts)) = (is_bound(&here), &here) {
            return Located {
                facts: Some(facts.clone()),
                ..Located::default()
            };
        }
        let mut verdict = None;
        for pid in holders.iter().take(VIEWS) {
            let view = View::of(*pid, name);
            let (there, place) = self.look_through(&view);
            if is_bound(&there) {
                let place = place.map(|place| self.look(&place)).filter(&is_bound);
                return view.located(there, place);
            }
            // A process that left the folder, or closed the descriptor, of a relative name has not lost the file.
            if view.is_root {
                verdict = lost(&there).or(verdict);
            }
        }
        Located {
            lost: verdict.or(if own_view { lost(&here) } else { None }),
            holder_agrees: verdict.is_some(),
            ..Located::default()
        }
    }

    /// Looks at what a process sees, and tells where that is from here, if it is anywhere.
    fn look_through(&self, view: &View) -> (Look, Option<PathBuf>) {
        let through = view.base.join(&view.rest);
        if !view.is_root {
            return (self.look(&through), None);
        }
        match open_in_root(&view.base, &view.rest) {
            Ok(file) => {
                let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
                let look = self.judge(&through, &statx(&file, "", flags, MASK));
                let link = format!("/proc/self/fd/{}", file.as_raw_fd());
                (look, fs::read_link(link).ok())
            }
            Err(Errno::NOSYS) => (self.look(&through), None),
            Err(errno) => (self.judge(&through, &Err(errno)), None),
        }
    }
}

/// Opens a file as a process with this root would: links with a whole path begin there and not at our root, as they
/// would for `/proc/PID/root/…` in one piece. Linux 5.6.
fn open_in_root(root: &Path, rest: &Path) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let root = openat(CWD, root, flags | OFlags::DIRECTORY, Mode::empty())?;
    openat2(root, rest, flags, Mode::empty(), ResolveFlags::IN_ROOT)
}

fn lost(look: &Look) -> Option<Lost> {
    match look {
        Look::Missing => Some(Lost::Deleted),
        Look::Socket(_) | Look::Other => Some(Lost::Replaced),
        Look::Hidden => None,
    }
}

/// A path as a process sees it.
struct View {
    /// The folder in `/proc` that stands for the start of the path there.
    base: PathBuf,
    rest: PathBuf,
    is_root: bool,
}

impl View {
    fn of(pid: Pid, name: &Path) -> View {
        let (base, rest, is_root) = if let Ok(rest) = name.strip_prefix("/proc/self") {
            // A name too long for `sun_path`, bound through a descriptor of its folder.
            let mut parts = rest.components();
            let folder: PathBuf = parts.by_ref().take(2).collect();
            (
                PathBuf::from(format!("/proc/{pid}")).join(folder),
                parts.as_path().to_owned(),
                false,
            )
        } else if name.is_absolute() {
            let below_root = name.strip_prefix("/").unwrap_or(name);
            (
                PathBuf::from(format!("/proc/{pid}/root")),
                below_root.to_owned(),
                true,
            )
        } else {
            (
                PathBuf::from(format!("/proc/{pid}/cwd")),
                name.to_owned(),
                false,
            )
        };
        View {
            base,
            rest,
            is_root,
        }
    }

    /// `here` is the same file where it can be reached from here, as in a changed root.
    fn located(self, there: Look, here: Option<Look>) -> Located {
        if let Some(Look::Socket(facts)) = here {
            return Located {
                facts: Some(facts),
                ..Located::default()
            };
        }
        let Look::Socket(mut facts) = there else {
            return Located::default();
        };
        if self.is_root {
            facts.path = Path::new("/").join(self.rest);
        } else if let Ok(folder) = fs::read_link(&self.base) {
            facts.path = folder.join(normal(&self.rest));
        }
        Located {
            facts: Some(facts),
            in_other_mount_namespace: self.is_root,
            ..Located::default()
        }
    }
}

/// Takes `./` off: `bind("./x")` in `/srv` is `/srv/x`.
fn normal(path: &Path) -> PathBuf {
    path.components()
        .filter(|part| !matches!(part, std::path::Component::CurDir))
        .collect()
}

/// `/var/run` is `/run` on every system of this century; a name is compared and shown without the detour.
pub(crate) fn without_var(path: &Path) -> PathBuf {
    match path.as_os_str().as_bytes().strip_prefix(b"/var/run/") {
        Some(rest) => PathBuf::from(std::ffi::OsString::from_vec([b"/run/", rest].concat())),
        None => path.to_owned(),
    }
}

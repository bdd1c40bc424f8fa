//! The walk itself. Every folder is opened by its name below its parent's descriptor, which spares the kernel walking
//! the whole path again.
//!
//! Each folder is read until the kernel says that there is no more. A buffer with room left does not say so: the kernel
//! ends one early for a signal that is pending, such as that of `fg` (`filldir64` in `fs/readdir.c`).

use std::ffi::{CString, OsString};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, openat, statat};

use super::mounts::Mounts;
use super::queue::Queue;
use super::{Depth, Found, Start};

const BUFFER_BYTES: usize = 64 * 1024;
/// A thread that has this many jobs leaves half of them to others.
const SHARE_AT: usize = 16;

/// An open folder whose subfolders are still to be read.
struct Folder {
    descriptor: OwnedFd,
    path: Vec<u8>,
}

/// A folder to read.
struct Job {
    parent: Option<Arc<Folder>>,
    name: CString,
    depth: Depth,
}

pub(super) fn run(starts: &[Start], mounts: &Mounts) -> Found {
    let jobs: Vec<Job> = starts.iter().filter_map(Job::start).collect();
    // Starting a thread costs as much as reading some folders.
    let deep = starts.iter().any(|start| start.depth == Depth::All);
    let threads = if deep {
        thread::available_parallelism()
            .map_or(1, usize::from)
            .min(16)
    } else {
        1
    };
    let queue = Queue::new(jobs, threads);
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads)
            .map(|_| scope.spawn(|| Walker::new(mounts, &queue).run()))
            .collect();
        let mut found = Walker::new(mounts, &queue).run();
        for other in others {
            let Ok(theirs) = other.join() else { continue };
            found.sockets.extend(theirs.sockets);
            found.unreadable_folders += theirs.unreadable_folders;
        }
        found
    })
}

impl Job {
    fn start(start: &Start) -> Option<Job> {
        let name = CString::new(start.folder.as_os_str().as_bytes()).ok()?;
        Some(Job {
            parent: None,
            name,
            depth: start.depth,
        })
    }
}

struct Walker<'a> {
    mounts: &'a Mounts,
    queue: &'a Queue<Job>,
    jobs: Vec<Job>,
    found: Found,
}

impl<'a> Walker<'a> {
    fn new(mounts: &'a Mounts, queue: &'a Queue<Job>) -> Self {
        Walker {
            mounts,
            queue,
            jobs: Vec::new(),
            found: Found::default(),
        }
    }

    fn run(mut self) -> Found {
        let mut buffer = vec![MaybeUninit::uninit(); BUFFER_BYTES];
        while let Some(job) = self.jobs.pop().or_else(|| self.queue.take()) {
            self.read(&job, &mut buffer);
            if self.jobs.len() >= SHARE_AT {
                // The oldest jobs are nearest to the start and hold the most work.
                let half = self.jobs.len() / 2;
                self.queue.leave(self.jobs.drain(..half));
            }
        }
        self.found
    }

    fn read(&mut self, job: &Job, buffer: &mut [MaybeUninit<u8>]) {
        let Some(folder) = self.open(job) else { return };
        let below = job.depth.below();
        let mut entries = RawDir::new(folder.descriptor.as_fd(), buffer);
        while let Some(entry) = entries.next() {
            let Ok(entry) = entry else {
                self.found.unreadable_folders += 1;
                return;
            };
            let name = entry.file_name();
            let kind = match entry.file_type() {
                FileType::Unknown => kind_of(folder.descriptor.as_fd(), name),
                kind => kind,
            };
            match kind {
                FileType::Socket => self.found.sockets.push(join(&folder.path, name.to_bytes())),
                FileType::Directory if name != c"." && name != c".." => {
                    if let Some(depth) = below {
                        self.jobs.push(Job {
                            parent: Some(Arc::clone(&folder)),
                            name: name.to_owned(),
                            depth,
                        });
                    }
                }
                _ => {}
            }
        }
    }

    fn open(&mut self, job: &Job) -> Option<Arc<Folder>> {
        let name = job.name.as_bytes();
        let (at, path) = match &job.parent {
            Some(parent) => (parent.descriptor.as_fd(), joined(&parent.path, name)),
            None => (CWD, name.to_vec()),
        };
        if job.parent.is_some() && self.mounts.skips(name, &path) {
            return None;
        }
        // The start may be a link; further links would lead out or around.
        let follow = if job.parent.is_some() {
            OFlags::NOFOLLOW
        } else {
            OFlags::empty()
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | follow;
        match openat(at, &job.name, flags, Mode::empty()) {
            Ok(descriptor) => Some(Arc::new(Folder { descriptor, path })),
            Err(rustix::io::Errno::NOENT) if job.parent.is_some() => None, // gone meanwhile
            Err(_) => {
                self.found.unreadable_folders += 1;
                None
            }
        }
    }
}

/// Some filesystems do not tell the type of an entry.
fn kind_of(folder: BorrowedFd<'_>, name: &std::ffi::CStr) -> FileType {
    let stat = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW);
    stat.map_or(FileType::Unknown, |stat| {
        FileType::from_raw_mode(stat.st_mode)
    })
}

fn joined(folder: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(folder.len() + 1 + name.len());
    path.extend_from_slice(folder);
    if !folder.ends_with(b"/") {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}

fn join(folder: &[u8], name: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from_vec(joined(folder, name)))
}

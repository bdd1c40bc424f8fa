//! From the root to the socket, one part at a time, as the kernel walks (`path_resolution(7)`).
//!
//! The walk itself uses the caller's rights, so that root sees past a folder that is closed to the user asked about.
//! Whether the user may pass is asked of the kernel in a thread that is that user: access lists, capabilities and
//! security modules count, and no rule is rebuilt here.

use std::collections::{HashSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{self, Access, AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use sockeye_address::escape::escape;
use sockeye_census::FileId;

use crate::{Error, FileKind, Found, Owner, Step, Who};

/// Links the kernel follows in one path (`MAXSYMLINKS`, include/linux/namei.h).
const LINKS_LIMIT: u32 = 40;
/// Longest path in bytes, its closing NUL not counted (`PATH_MAX`, include/uapi/linux/limits.h).
pub(crate) const PATH_LIMIT_BYTES: usize = 4095;
/// Longest part of a path in bytes on nearly every filesystem (`NAME_MAX`).
pub(crate) const PART_LIMIT_BYTES: usize = 255;

/// Where the walk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// At what the path names; the last step has it.
    Arrived,
    /// Something is missing; the last step says where.
    Missing,
    /// The path goes on behind something that is no folder, the last step.
    NotAFolder,
    /// The caller may not look further.
    Hidden,
    /// Too many links, likely a loop.
    TooManyLinks,
    /// Longer than the kernel takes.
    TooLong { part: bool, length_bytes: usize },
}

/// The parts met.
#[derive(Debug)]
pub(crate) struct Walk {
    pub(crate) steps: Vec<Step>,
    pub(crate) end: End,
    /// The kernel's answer for the whole path, where it has one.
    pub(crate) whole: Option<bool>,
}

impl Walk {
    /// Walks `path` with the caller's rights and asks at each part for `who`.
    pub(crate) fn of(path: &Path, who: &Who) -> Result<Walk, Error> {
        let length_bytes = path.as_os_str().len();
        if length_bytes > PATH_LIMIT_BYTES {
            return Ok(Walk {
                steps: Vec::new(),
                end: End::TooLong {
                    part: false,
                    length_bytes,
                },
                whole: None,
            });
        }
        let mut walker = Walker::start(path)?;
        let end = loop {
            match walker.step()? {
                Some(end) => break end,
                None if walker.ahead.is_empty() => break End::Arrived,
                None => {}
            }
        };
        if end == End::TooManyLinks {
            walker.forget_repetitions();
        }
        let whole = walker.ask(path, who)?;
        let steps = walker.steps.into_iter().map(|(step, _)| step).collect();
        Ok(Walk { steps, end, whole })
    }

    /// The socket file the path leads to.
    pub(crate) fn socket(&self) -> Option<(&Step, FileId)> {
        match self.steps.last() {
            Some(
                step @ Step {
                    found: Found::Socket(file),
                    ..
                },
            ) if self.end == End::Arrived => Some((step, *file)),
            _ => None,
        }
    }
}

struct Walker {
    steps: Vec<(Step, Option<OwnedFd>)>,
    ahead: VecDeque<OsString>,
    here: OwnedFd,
    here_path: PathBuf,
    links: u32,
}

impl Walker {
    fn start(path: &Path) -> Result<Self, Error> {
        let (start, here_path) = if path.is_absolute() {
            ("/", PathBuf::from("/"))
        } else {
            (
                ".",
                std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
            )
        };
        let here = open(fs::CWD, OsStr::new(start))
            .map_err(|error| Error::io(format!("open {start}"), error))?;
        let mut walker = Walker {
            steps: Vec::new(),
            ahead: parts(path),
            here,
            here_path,
            links: 0,
        };
        walker.record_here()?;
        Ok(walker)
    }

    fn record_here(&mut self) -> Result<(), Error> {
        let failed = |error: Errno| Error::io("look at a folder", error);
        let owner = owner(&fs::fstat(&self.here).map_err(failed)?);
        let handle = self
            .here
            .try_clone()
            .map_err(|error| Error::io("duplicate a descriptor", error))?;
        self.push(
            self.here_path.clone(),
            Found::Folder,
            Some(owner),
            Some(handle),
        );
        Ok(())
    }

    fn push(&mut self, path: PathBuf, found: Found, owner: Option<Owner>, handle: Option<OwnedFd>) {
        self.steps.push((
            Step {
                path,
                found,
                owner,
                allowed: None,
            },
            handle,
        ));
    }

    fn step(&mut self) -> Result<Option<End>, Error> {
        let Some(name) = self.ahead.pop_front() else {
            return Ok(None);
        };
        if name == "." {
            return Ok(self.arrived_at_folder());
        }
        let path = if name == ".." {
            parent(&self.here_path)
        } else {
            self.here_path.join(&name)
        };
        let stat = match fs::statat(&self.here, name.as_os_str(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(error) => return self.stopped(path, &name, error).map(Some),
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Symlink => self.follow(path, &name, &stat),
            FileType::Directory => self.enter(path, &name),
            kind => self.file(path, &name, kind, &stat),
        }
    }

    /// A folder at the end of the path is no socket.
    fn arrived_at_folder(&mut self) -> Option<End> {
        if !self.ahead.is_empty() {
            return None;
        }
        if let Some((last, _)) = self.steps.last_mut() {
            last.found = Found::Other(FileKind::Folder);
        }
        Some(End::Arrived)
    }

    fn stopped(&mut self, path: PathBuf, name: &OsStr, error: Errno) -> Result<End, Error> {
        let (found, end) = match error {
            Errno::NOENT => (Found::Missing, End::Missing),
            Errno::ACCESS => (Found::Hidden, End::Hidden),
            Errno::NAMETOOLONG => {
                return Ok(End::TooLong {
                    part: true,
                    length_bytes: name.len(),
                });
            }
            error => {
                return Err(Error::io(
                    format!("look at {}", escape(path.as_os_str().as_bytes(), "")),
                    error,
                ));
            }
        };
        self.push(path, found, None, None);
        Ok(end)
    }

    fn follow(&mut self, path: PathBuf, name: &OsStr, stat: &Stat) -> Result<Option<End>, Error> {
        let failed = |error: Errno| {
            Error::io(
                format!("read link {}", escape(path.as_os_str().as_bytes(), "")),
                error,
            )
        };
        let text = fs::readlinkat(&self.here, name, Vec::new()).map_err(failed)?;
        let target = PathBuf::from(OsString::from_vec(text.into_bytes()));
        self.push(
            path.clone(),
            Found::Link(target.clone()),
            Some(owner(stat)),
            None,
        );
        self.links += 1;
        if self.links > LINKS_LIMIT {
            return Ok(Some(End::TooManyLinks));
        }
        if self.is_in_proc() {
            // The links of /proc/PID lead to things, whatever their text says.
            return self.through_proc_link(path, name);
        }
        if target.is_absolute() {
            self.here =
                open(fs::CWD, OsStr::new("/")).map_err(|error| Error::io("open /", error))?;
            self.here_path = PathBuf::from("/");
        }
        for part in parts(&target).into_iter().rev() {
            self.ahead.push_front(part);
        }
        Ok(self
            .ahead
            .is_empty()
            .then(|| self.arrived_at_folder())
            .flatten())
    }

    fn is_in_proc(&self) -> bool {
        fs::fstatfs(&self.here).is_ok_and(|filesystem| filesystem.f_type == fs::PROC_SUPER_MAGIC)
    }

    fn through_proc_link(&mut self, path: PathBuf, name: &OsStr) -> Result<Option<End>, Error> {
        let opened = fs::openat(
            &self.here,
            name,
            OFlags::PATH | OFlags::CLOEXEC,
            Mode::empty(),
        );
        let stat = match opened.as_ref().map_err(|error| *error).and_then(fs::fstat) {
            Ok(stat) => stat,
            Err(error) => return self.stopped(path, name, error).map(Some),
        };
        let (Ok(handle), kind) = (opened, FileType::from_raw_mode(stat.st_mode)) else {
            return Ok(None);
        };
        if kind == FileType::Directory {
            self.move_to(handle, path)
        } else {
            self.record_file(path, kind, &stat, handle).map(Some)
        }
    }

    fn enter(&mut self, path: PathBuf, name: &OsStr) -> Result<Option<End>, Error> {
        match open(self.here.as_fd(), name) {
            Ok(folder) => self.move_to(folder, path),
            Err(error) => self.stopped(path, name, error).map(Some),
        }
    }

    fn move_to(&mut self, folder: OwnedFd, path: PathBuf) -> Result<Option<End>, Error> {
        self.here = folder;
        self.here_path = path;
        self.record_here()?;
        Ok(self.arrived_at_folder())
    }

    fn file(
        &mut self,
        path: PathBuf,
        name: &OsStr,
        kind: FileType,
        stat: &Stat,
    ) -> Result<Option<End>, Error> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match fs::openat(&self.here, name, flags, Mode::empty()) {
            Ok(handle) => self.record_file(path, kind, stat, handle).map(Some),
            Err(error) => self.stopped(path, name, error).map(Some),
        }
    }

    fn record_file(
        &mut self,
        path: PathBuf,
        kind: FileType,
        stat: &Stat,
        handle: OwnedFd,
    ) -> Result<End, Error> {
        let found = match kind {
            FileType::Socket => Found::Socket(FileId::of(&handle).map_err(|error| {
                let shown = escape(path.as_os_str().as_bytes(), "");
                Error::io(format!("look at {shown}"), error)
            })?),
            FileType::RegularFile => Found::Other(FileKind::Regular),
            FileType::Fifo => Found::Other(FileKind::Fifo),
            FileType::CharacterDevice => Found::Other(FileKind::CharacterDevice),
            FileType::BlockDevice => Found::Other(FileKind::BlockDevice),
            _ => Found::Other(FileKind::Unknown),
        };
        self.push(path, found, Some(owner(stat)), Some(handle));
        Ok(if self.ahead.is_empty() {
            End::Arrived
        } else {
            End::NotAFolder
        })
    }

    /// One round of a circle says it all.
    fn forget_repetitions(&mut self) {
        let mut links = HashSet::new();
        let is_again =
            |step: &Step| matches!(step.found, Found::Link(_)) && !links.insert(step.path.clone());
        let round = self.steps.iter().map(|(step, _)| step).position(is_again);
        self.steps
            .truncate(round.map_or(self.steps.len(), |at| at + 1));
    }

    /// Asks the kernel for the user, in one thread: for each part, and for the whole path.
    fn ask(&mut self, path: &Path, who: &Who) -> Result<Option<bool>, Error> {
        let steps = &self.steps;
        let ask = move || {
            let parts: Vec<_> = steps
                .iter()
                .map(|(step, handle)| allowed(step, handle.as_ref()))
                .collect();
            (
                parts,
                answer(fs::accessat(
                    fs::CWD,
                    path,
                    Access::WRITE_OK,
                    AtFlags::EACCESS,
                )),
            )
        };
        let (parts, whole) = who.run(ask)?;
        for ((step, _), answer) in self.steps.iter_mut().zip(parts) {
            step.allowed = answer;
        }
        Ok(whole)
    }
}

fn allowed(step: &Step, handle: Option<&OwnedFd>) -> Option<bool> {
    let handle = handle?;
    match step.found {
        // Looking up any name needs search permission, and this one is always there.
        Found::Folder => answer(fs::accessat(handle, ".", Access::EXEC_OK, AtFlags::EACCESS)),
        // By its descriptor, so that the answer is about this file and not about the way to it.
        Found::Socket(_) => {
            let path = format!("/proc/thread-self/fd/{}", handle.as_raw_fd());
            answer(fs::accessat(
                fs::CWD,
                path,
                Access::WRITE_OK,
                AtFlags::EACCESS,
            ))
        }
        _ => None,
    }
}

fn answer(result: rustix::io::Result<()>) -> Option<bool> {
    match result {
        Ok(()) => Some(true),
        Err(Errno::ACCESS | Errno::PERM) => Some(false),
        Err(_) => None,
    }
}

fn open(folder: std::os::fd::BorrowedFd<'_>, name: &OsStr) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    fs::openat(folder, name, flags, Mode::empty())
}

/// A closing slash asks for a folder; `.` says the same.
fn parts(path: &Path) -> VecDeque<OsString> {
    let bytes = path.as_os_str().as_bytes();
    let last = bytes.ends_with(b"/").then_some(&b"."[..]);
    let parts = bytes
        .split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty());
    parts
        .chain(last)
        .map(|part| OsStr::from_bytes(part).to_owned())
        .collect()
}

fn parent(path: &Path) -> PathBuf {
    path.parent().unwrap_or(path).to_owned()
}

fn owner(stat: &Stat) -> Owner {
    Owner {
        mode: stat.st_mode & 0o7777,
        uid: stat.st_uid,
        gid: stat.st_gid,
    }
}

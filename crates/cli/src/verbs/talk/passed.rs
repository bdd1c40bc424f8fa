//! Descriptors that were handed over: what they are, and what they hold.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::PathBuf;

use rustix::event::PollFlags;
use rustix::fs::{FileType, OFlags};
use sockeye_address::escape::escape;

use super::output::Output;
use super::peer::target;
use super::stop::{Stop, Woken};
use crate::error::{Error, error_with};
use crate::terminal::note;

/// Where the content of handed descriptors goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WriteTo {
    /// Standard output, `-`.
    Output,
    /// `DIR/descriptor-1`, `DIR/descriptor-2`, ….
    Folder(PathBuf),
}

impl From<PathBuf> for WriteTo {
    fn from(path: PathBuf) -> Self {
        if path.as_os_str() == "-" {
            WriteTo::Output
        } else {
            WriteTo::Folder(path)
        }
    }
}

/// Shows descriptors and counts them.
#[derive(Debug)]
pub(crate) struct Passed {
    write_to: Option<WriteTo>,
    count: u64,
}

impl Passed {
    /// With a place for their content, or without.
    pub(crate) fn new(write_to: Option<WriteTo>) -> Self {
        Passed { write_to, count: 0 }
    }

    /// Says what each is, writes its content if that is wanted, and closes it. `whose` says who sent it. A pipe may
    /// never end: its content is given up after a signal that `stop` hears.
    pub(crate) fn show(
        &mut self,
        descriptors: Vec<OwnedFd>,
        whose: &str,
        stop: Option<&Stop>,
    ) -> Result<(), Error> {
        for fd in descriptors {
            self.count += 1;
            note(format_args!(
                "{whose}received descriptor: {}",
                describe(fd.as_fd())
            ));
            if let Some(write_to) = self.write_to.clone() {
                self.write(fd, &write_to, stop)?;
            }
        }
        Ok(())
    }

    /// Says that some could not be taken.
    pub(crate) fn lost(whose: &str) {
        note(format_args!(
            "{whose}descriptors were sent that this process cannot hold (limit of open files): they are lost"
        ));
    }

    fn write(&self, fd: OwnedFd, write_to: &WriteTo, stop: Option<&Stop>) -> Result<(), Error> {
        let readable = rustix::fs::fcntl_getfl(&fd)
            .is_ok_and(|flags| flags & OFlags::RWMODE != OFlags::WRONLY);
        let kind = file_type(fd.as_fd());
        if !readable || !matches!(kind, Some(FileType::RegularFile | FileType::Fifo)) {
            note("its content is not written: only files and pipes that can be read have an end");
            return Ok(());
        }
        let mut content = Content {
            file: File::from(fd),
            offset: (kind == Some(FileType::RegularFile)).then_some(0),
        };
        match write_to {
            WriteTo::Output => {
                let output = Output::new();
                content.each(stop, |bytes| output.write(bytes, stop))
            }
            WriteTo::Folder(folder) => {
                let path = folder.join(format!("descriptor-{}", self.count));
                let failed = |error| {
                    let shown = escape(path.as_os_str().as_bytes(), "");
                    Error::failure(error_with(format!("write {shown}"), error))
                };
                // What others hand over is nobody else's business, and no file that exists is written over.
                let mut file = File::options()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(&path)
                    .map_err(failed)?;
                content.each(stop, |bytes| file.write_all(bytes).map_err(failed))
            }
        }
    }
}

/// Reads a regular file from its start without moving the position, which the sender shares.
struct Content {
    file: File,
    offset: Option<u64>,
}

impl Content {
    /// Hands on all there is, a piece at a time.
    fn each(
        &mut self,
        stop: Option<&Stop>,
        mut hand_on: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            if let Some(stop) = stop
                && stop.wait(self.file.as_fd(), PollFlags::IN, None)? == Woken::Stopped
            {
                return Ok(());
            }
            match self.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(length) => hand_on(&buffer[..length])?,
                Err(error) if may_be_repeated(&error) => {}
                Err(error) => {
                    return Err(Error::failure(error_with(
                        "read a handed descriptor",
                        error,
                    )));
                }
            }
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(offset) = &mut self.offset else {
            return self.file.read(buffer);
        };
        let length = self.file.read_at(buffer, *offset)?;
        *offset += length as u64;
        Ok(length)
    }
}

/// Interrupted, or the sender's pipe is one that does not wait and somebody else was faster.
fn may_be_repeated(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock
    )
}

fn file_type(fd: BorrowedFd<'_>) -> Option<FileType> {
    rustix::fs::fstat(fd)
        .ok()
        .map(|stat| FileType::from_raw_mode(stat.st_mode))
}

/// `regular file /etc/hostname, read-only`
fn describe(fd: BorrowedFd<'_>) -> String {
    let what = match file_type(fd) {
        Some(FileType::RegularFile) => "regular file ",
        Some(FileType::Directory) => "folder ",
        Some(FileType::Symlink) => "symbolic link ",
        Some(FileType::Fifo) => "pipe ",
        Some(FileType::Socket) => "socket ",
        Some(FileType::CharacterDevice) => "character device ",
        Some(FileType::BlockDevice) => "block device ",
        _ => "",
    };
    let access = match rustix::fs::fcntl_getfl(fd) {
        Ok(flags) if flags.contains(OFlags::PATH) => ", no access to its content",
        Ok(flags) => match flags & OFlags::RWMODE {
            OFlags::WRONLY => ", write-only",
            OFlags::RDWR => ", read and write",
            _ => ", read-only",
        },
        Err(_) => "",
    };
    format!("{what}{}{access}", target(fd))
}

//! Descriptors that were handed over: what they are, and what they hold.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::PathBuf;

use rustix::fs::{FileType, OFlags};

use super::peer::target;
use crate::error::{Error, error_with, output};
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

    /// Says what each is, writes its content if that is wanted, and closes it. `whose` says who sent it.
    pub(crate) fn show(&mut self, descriptors: Vec<OwnedFd>, whose: &str) -> Result<(), Error> {
        for fd in descriptors {
            self.count += 1;
            note(format_args!(
                "{whose}received descriptor: {}",
                describe(fd.as_fd())
            ));
            if let Some(write_to) = self.write_to.clone() {
                self.write(fd, &write_to)?;
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

    fn write(&self, fd: OwnedFd, write_to: &WriteTo) -> Result<(), Error> {
        let readable = rustix::fs::fcntl_getfl(&fd)
            .is_ok_and(|flags| flags & OFlags::RWMODE != OFlags::WRONLY);
        let kind = file_type(fd.as_fd());
        if !readable || !matches!(kind, Some(FileType::RegularFile | FileType::Fifo)) {
            note("its content is not written: only files and pipes that can be read have an end");
            return Ok(());
        }
        let content = Content {
            file: File::from(fd),
            offset: (kind == Some(FileType::RegularFile)).then_some(0),
        };
        match write_to {
            WriteTo::Output => {
                let mut stdout = io::stdout().lock();
                io::copy(&mut { content }, &mut stdout)
                    .and_then(|_| stdout.flush())
                    .map_err(output)
            }
            WriteTo::Folder(folder) => {
                let path = folder.join(format!("descriptor-{}", self.count));
                let failed =
                    |error| Error::failure(error_with(format!("write {}", path.display()), error));
                // What others hand over is nobody else's business, and no file that exists is written over.
                let mut file = File::options()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(&path)
                    .map_err(failed)?;
                io::copy(&mut { content }, &mut file)
                    .map(|_| ())
                    .map_err(failed)
            }
        }
    }
}

/// Reads a regular file from its start without moving the position, which the sender shares.
struct Content {
    file: File,
    offset: Option<u64>,
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(offset) = &mut self.offset else {
            return self.file.read(buffer);
        };
        let length = self.file.read_at(buffer, *offset)?;
        *offset += length as u64;
        Ok(length)
    }
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

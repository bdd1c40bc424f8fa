//! One part of the path, as met.

use std::fmt;
use std::path::PathBuf;

use sockeye_census::FileId;

/// A part of the path, in the order the kernel meets them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Where it is, links on the way to it followed.
    pub path: PathBuf,
    /// What is there.
    pub found: Found,
    /// Whose it is, where there is something.
    pub owner: Option<Owner>,
    /// Whether the user may do what a connect does with it: pass through a folder, write to a socket. The kernel's
    /// answer, not read off the mode. `None` where nothing is asked of it, or the kernel did not tell.
    pub allowed: Option<bool>,
}

/// What is at a part of the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A folder.
    Folder,
    /// A symbolic link, and what it says.
    Link(PathBuf),
    /// A socket file.
    Socket(FileId),
    /// Another kind of file.
    Other(FileKind),
    /// Nothing.
    Missing,
    /// The caller may not look.
    Hidden,
}

impl Found {
    /// The word used in lists and JSON.
    pub const fn word(&self) -> &'static str {
        match self {
            Found::Folder => "folder",
            Found::Link(_) => "link",
            Found::Socket(_) => "socket",
            Found::Other(kind) => kind.word(),
            Found::Missing => "missing",
            Found::Hidden => "hidden",
        }
    }
}

/// Files that are no sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A folder, where the path ends.
    Folder,
    /// Bytes on a disk.
    Regular,
    /// A named pipe.
    Fifo,
    /// A character device.
    CharacterDevice,
    /// A block device.
    BlockDevice,
    /// Something newer than this program.
    Unknown,
}

impl FileKind {
    /// The word used in lists, sentences and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            FileKind::Folder => "folder",
            FileKind::Regular => "regular file",
            FileKind::Fifo => "named pipe",
            FileKind::CharacterDevice => "character device",
            FileKind::BlockDevice => "block device",
            FileKind::Unknown => "file of unknown kind",
        }
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// Whose a file is and who may do what with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// Permission bits, the sticky and set-id bits among them.
    pub mode: u32,
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

//! Longer than a path or a part of one can be.

use std::fmt;

use super::Cause;
use crate::scene::Scene;
use crate::walk::{End, PART_LIMIT_BYTES, PATH_LIMIT_BYTES};

/// The kernel refuses the path (`ENAMETOOLONG`). One that is only too long for `sun_path` is not this: Sockeye reaches
/// it through its folder, see [`Note::LongPath`](crate::Note::LongPath).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameTooLong {
    /// What is too long.
    pub what: TooLong,
    /// Its length.
    pub length_bytes: usize,
    /// The longest possible.
    pub limit_bytes: usize,
}

/// What is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooLong {
    /// The path as a whole.
    Path,
    /// What stands between two slashes.
    Part,
}

impl Cause for NameTooLong {
    const WORD: &'static str = "name-too-long";

    fn find(scene: &Scene<'_>) -> Option<Self> {
        match scene.walk.as_ref()?.end {
            End::TooLong {
                part: true,
                length_bytes,
            } => Some(NameTooLong {
                what: TooLong::Part,
                length_bytes,
                limit_bytes: PART_LIMIT_BYTES,
            }),
            End::TooLong {
                part: false,
                length_bytes,
            } => Some(NameTooLong {
                what: TooLong::Path,
                length_bytes,
                limit_bytes: PATH_LIMIT_BYTES,
            }),
            _ => None,
        }
    }
}

impl fmt::Display for NameTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            TooLong::Path => "the path",
            TooLong::Part => "a part of the path",
        };
        let (length, limit) = (self.length_bytes, self.limit_bytes);
        write!(
            f,
            "{what} is {length} bytes long and can be {limit} at most, so there is no such file"
        )
    }
}

//! `mode=660`: permission bits.

use std::fmt;

/// Permission bits of a socket file, 0 to 0o7777.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mode(u32);

impl Mode {
    /// Takes permission bits; `None` when there are others among them.
    pub const fn new(bits: u32) -> Option<Self> {
        if bits <= 0o7777 {
            Some(Mode(bits))
        } else {
            None
        }
    }

    /// Reads octal digits, as `chmod` does.
    pub fn parse(digits: &str) -> Option<Self> {
        let octal = !digits.is_empty() && digits.bytes().all(|digit| matches!(digit, b'0'..=b'7'));
        if octal {
            u32::from_str_radix(digits, 8).ok().and_then(Mode::new)
        } else {
            None
        }
    }

    /// The bits.
    pub const fn bits(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03o}", self.0)
    }
}

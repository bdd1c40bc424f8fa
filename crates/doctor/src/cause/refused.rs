//! Refused by the kernel for a reason that could not be found.

use std::{fmt, io};

use rustix::io::Errno;

use super::Cause;
use crate::scene::Scene;

/// Only a real connect finds this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What the kernel answered.
    pub errno: Errno,
}

impl Cause for Refused {
    const WORD: &'static str = "refused";

    fn find(_scene: &Scene<'_>) -> Option<Self> {
        None
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answer = io::Error::from(self.errno);
        write!(
            f,
            "nothing was found in the way, and yet the kernel refused the connect: {answer}"
        )
    }
}

//! A socket of another kind.

use std::fmt;

use sockeye_address::{Kind, Name};

use super::Cause;
use crate::scene::Scene;

/// `EPROTOTYPE` for a path. Abstract names are apart for each kind, so there the kernel answers `ECONNREFUSED`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongKind {
    /// The name.
    pub name: Name,
    /// What was asked for.
    pub asked: Kind,
    /// What it is.
    pub is: Kind,
}

impl Cause for WrongKind {
    const WORD: &'static str = "wrong-kind";

    fn find(scene: &Scene<'_>) -> Option<Self> {
        let (asked, is) = (scene.address.kind?, scene.endpoint?.kind?);
        let name = scene.address.name.clone();
        (asked != is).then_some(WrongKind { name, asked, is })
    }
}

impl fmt::Display for WrongKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} is a {} socket, and a {} socket cannot reach it",
            self.name, self.is, self.asked
        )
    }
}

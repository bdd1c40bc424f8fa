//! Nobody bound to the abstract name.

use std::fmt;

use sockeye_address::Name;

use super::{Cause, Near, near};
use crate::scene::Scene;

/// `ECONNREFUSED`: abstract names live exactly as long as a socket that is bound to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoSuchName {
    /// The name.
    pub name: Name,
    /// What may have been meant, the likeliest first.
    pub near: Vec<Near>,
}

impl Cause for NoSuchName {
    const WORD: &'static str = "no-such-name";

    fn find(scene: &Scene<'_>) -> Option<Self> {
        let name = &scene.address.name;
        let unknown = scene.walk.is_none() && scene.endpoint.is_none();
        unknown.then(|| NoSuchName {
            name: name.clone(),
            near: near::to_abstract(name, scene.census),
        })
    }
}

impl fmt::Display for NoSuchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no socket of this network namespace has the abstract name {}",
            self.name
        )
    }
}

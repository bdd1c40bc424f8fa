//! A listener with this name is in another mount or network namespace.

use std::fmt;

use sockeye_address::Name;
use sockeye_census::Endpoint;

use super::Cause;
use crate::scene::{Scene, is_live};
use crate::walk::End;
use crate::{Processes, process};

/// The name is taken somewhere else: a container has files, and abstract names, of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// The name it has there.
    pub name: Name,
    /// Which namespace keeps it apart.
    pub namespace: Where,
    /// The processes that have it.
    pub processes: Processes,
}

/// What keeps the listener apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// Its files are others: for paths.
    Mount,
    /// Its network is another: for abstract names.
    Net,
}

impl Where {
    /// The word used in sentences and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Where::Mount => "mount",
            Where::Net => "network",
        }
    }
}

impl Cause for Elsewhere {
    const WORD: &'static str = "elsewhere";

    fn find(scene: &Scene<'_>) -> Option<Self> {
        let (namespace, endpoint) = match &scene.walk {
            Some(walk) if walk.end == End::Missing => {
                (Where::Mount, in_other_mount_namespace(scene)?)
            }
            None if scene.endpoint.is_none() => (Where::Net, in_other_net_namespace(scene)?),
            _ => return None,
        };
        let processes = scene.processes_of(endpoint);
        Some(Elsewhere {
            name: endpoint.name.clone(),
            namespace,
            processes,
        })
    }
}

fn in_other_mount_namespace<'a>(scene: &Scene<'a>) -> Option<&'a Endpoint> {
    let own = process::own_mount_namespace()?;
    let differs = |pid| process::mount_namespace(pid).is_some_and(|namespace| namespace != own);
    scene.bound_to_path().find(|endpoint| {
        endpoint.in_other_mount_namespace
            || endpoint.file.is_none() && scene.processes_of(endpoint).all(differs)
    })
}

fn in_other_net_namespace<'a>(scene: &Scene<'a>) -> Option<&'a Endpoint> {
    let own = scene.net_namespace?;
    let name = &scene.address.name;
    let mut named = scene
        .census
        .endpoints()
        .iter()
        .filter(|endpoint| endpoint.name == *name && is_live(endpoint));
    named.find(|endpoint| endpoint.namespace.is_some_and(|namespace| namespace != own))
}

impl fmt::Display for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, processes, namespace) = (&self.name, &self.processes, self.namespace.word());
        let here = match self.namespace {
            Where::Mount => "there is no such file",
            Where::Net => "nobody has this name",
        };
        write!(
            f,
            "{name} exists only in the {namespace} namespace of {processes}; here {here}"
        )
    }
}

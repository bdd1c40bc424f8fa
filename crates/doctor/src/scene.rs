//! All that the causes are found in.

use std::path::Path;

use sockeye_address::{Name, UnixAddress};
use sockeye_census::{Census, Endpoint, EndpointState, FileId, NetNamespace};

use crate::watch::{Movement, Watch};
use crate::{Processes, Who, process, walk::Walk};

/// The question, what the walk met, and what the census knows.
pub(crate) struct Scene<'a> {
    pub(crate) address: &'a UnixAddress,
    pub(crate) census: &'a Census,
    pub(crate) who: &'a Who,
    /// The way to the socket, when the name is a path.
    pub(crate) walk: Option<Walk>,
    /// What a connect would reach: a socket that can be found by its name.
    pub(crate) endpoint: Option<&'a Endpoint>,
    /// The processes behind it.
    pub(crate) processes: Processes,
    pub(crate) net_namespace: Option<NetNamespace>,
    watch: Watch<'a>,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(
        address: &'a UnixAddress,
        census: &'a Census,
        who: &'a Who,
        walk: Option<Walk>,
        look_again: &'a dyn Fn() -> Option<Census>,
    ) -> Self {
        let net_namespace = process::own_net_namespace();
        let endpoint = match &walk {
            Some(walk) => walk
                .socket()
                .and_then(|(_, file)| of_file(census, file, &address.name)),
            None => of_abstract(census, address, net_namespace),
        };
        let socket = endpoint.and_then(|endpoint| endpoint.socket);
        let processes = socket
            .map(|inode| Processes::holding(census, inode))
            .unwrap_or_default();
        let watch = Watch::new(census, socket, look_again);
        Scene {
            address,
            census,
            who,
            walk,
            endpoint,
            processes,
            net_namespace,
            watch,
        }
    }

    /// Whether clients leave the accept queue, watched for a moment the first time it is asked.
    pub(crate) fn queue_movement(&self) -> Movement {
        self.watch.movement()
    }

    /// Endpoints with a socket whose name means the path that was typed, whatever their file is now.
    pub(crate) fn bound_to_path(&self) -> impl Iterator<Item = &'a Endpoint> + use<'a, '_> {
        let typed = self.address.name.as_path();
        let last = self
            .walk
            .as_ref()
            .and_then(|walk| walk.steps.last())
            .map(|step| step.path.as_path());
        self.census.endpoints().iter().filter(move |endpoint| {
            let Some(path) = endpoint.name.as_path() else {
                return false;
            };
            is_live(endpoint) && (same_path(Some(path), typed) || same_path(Some(path), last))
        })
    }

    /// Whether no process has the socket open, and not only none that can be seen.
    pub(crate) fn is_held_by_nobody(&self) -> bool {
        self.endpoint.is_some() && self.processes.0.is_empty() && self.census.unseen().no_process()
    }

    /// The processes behind an endpoint.
    pub(crate) fn processes_of(&self, endpoint: &Endpoint) -> Processes {
        endpoint
            .socket
            .map(|inode| Processes::holding(self.census, inode))
            .unwrap_or_default()
    }
}

/// Whether its socket can be found by its name.
pub(crate) fn is_live(endpoint: &Endpoint) -> bool {
    endpoint.socket.is_some()
        && matches!(
            endpoint.state,
            EndpointState::Listening | EndpointState::Bound
        )
}

/// `/var/run` is a link to `/run` nearly everywhere, and programs use either.
fn same_path(a: Option<&Path>, b: Option<&Path>) -> bool {
    let (Some(a), Some(b)) = (a, b) else {
        return false;
    };
    without_var(a) == without_var(b)
}

fn without_var(path: &Path) -> &Path {
    match path.strip_prefix("/var") {
        Ok(rest) if rest.starts_with("run") => rest,
        _ => path.strip_prefix("/").unwrap_or(path),
    }
}

/// Abstract names are apart for each kind: the one asked for comes first.
fn of_abstract<'a>(
    census: &'a Census,
    address: &UnixAddress,
    here: Option<NetNamespace>,
) -> Option<&'a Endpoint> {
    let is_here = |endpoint: &&Endpoint| {
        let same_namespace = endpoint.namespace.is_none() || endpoint.namespace == here;
        endpoint.name == address.name && is_live(endpoint) && same_namespace
    };
    let candidates = || census.endpoints().iter().filter(is_here);
    candidates()
        .find(|endpoint| endpoint.kind == address.kind)
        .or_else(|| candidates().next())
}

/// Where `unix_diag` was refused, nobody tells the file of a socket, and the name decides.
fn of_file<'a>(census: &'a Census, file: FileId, name: &Name) -> Option<&'a Endpoint> {
    let live = || {
        census
            .endpoints()
            .iter()
            .filter(|endpoint| is_live(endpoint))
    };
    let has_file = |endpoint: &Endpoint| {
        endpoint.bound_file == Some(file)
            || endpoint.file.as_ref().is_some_and(|facts| facts.id == file)
    };
    let has_name = |endpoint: &Endpoint| {
        endpoint.bound_file.is_none() && same_path(endpoint.name.as_path(), name.as_path())
    };
    live()
        .find(|endpoint| has_file(endpoint))
        .or_else(|| live().find(|endpoint| has_name(endpoint)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("/var/run/a", "/run/a", true)]
    #[case("/run/a", "/run/a", true)]
    #[case("/var/runner/a", "/runner/a", false)]
    #[case("/var/lib/a", "/lib/a", false)]
    fn var_run_is_run(#[case] a: &str, #[case] b: &str, #[case] same: bool) {
        assert_eq!(same_path(Some(Path::new(a)), Some(Path::new(b))), same);
    }
}

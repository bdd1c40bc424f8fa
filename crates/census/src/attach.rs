//! Files to endpoints: what is deleted, replaced, moved or stale.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use sockeye_address::Name;
use sockeye_privilege::{Ability, effective};

use crate::files::{Files, Located, Look, Lost, without_var};
use crate::model::{Endpoint, EndpointState, Fault, FileFacts, FileId, Pid};
use crate::scan::{Depth, Found, Start, scan};
use crate::{Census, Options};

/// Where programs leave sockets behind, and how many folders deep it is worth looking each time.
const USUAL_PLACES: [(&str, Depth); 2] = [("/run", Depth::Folders(8)), ("/tmp", Depth::Folders(2))];

impl Census {
    /// Finds the file of every endpoint that has a path, and adds the files that nobody is bound to.
    pub(crate) fn add_files(&mut self, options: &Options, scanned: Found) {
        let files = Files::new();
        for at in 0..self.endpoints.len() {
            self.add_file(&files, at);
        }
        let found = if options.scan.is_empty() {
            self.scan_usual_places()
        } else {
            scanned
        };
        self.unseen.folders = found.unreadable_folders;
        self.add_unbound(&files, &found.sockets);
    }

    fn add_file(&mut self, files: &Files, at: usize) {
        let Some(endpoint) = self.endpoints.get(at) else {
            return;
        };
        let Some(name) = endpoint.name.as_path() else {
            return;
        };
        let holders: Vec<Pid> = endpoint
            .socket
            .map(|inode| {
                self.holders(inode)
                    .iter()
                    .map(|holder| holder.pid)
                    .collect()
            })
            .unwrap_or_default();
        let located = files.locate(name, endpoint.bound_file, &holders);
        if let Some(endpoint) = self.endpoints.get_mut(at) {
            apply(endpoint, located);
        }
    }

    /// The usual places, and every folder that a bound socket lies in.
    fn scan_usual_places(&self) -> Found {
        let paths = self
            .endpoints
            .iter()
            .filter(|endpoint| !endpoint.in_other_mount_namespace);
        // A file that is not where it was bound was perhaps renamed: that is looked for in the folder it was in.
        let folders = paths.filter_map(|endpoint| {
            let bound_at = || endpoint.name.as_path().filter(|path| path.is_absolute());
            let path = endpoint.file.as_ref().map(|file| file.path.as_path());
            Some(path.or_else(bound_at)?.parent()?.to_owned())
        });
        let is_usual = |folder: &PathBuf| {
            USUAL_PLACES
                .iter()
                .any(|(place, _)| folder == Path::new(place))
        };
        let folders: BTreeSet<PathBuf> = folders.filter(|folder| !is_usual(folder)).collect();
        let usual = USUAL_PLACES.map(|(place, depth)| Start {
            folder: place.into(),
            depth,
        });
        let bound = folders.into_iter().map(|folder| Start {
            folder,
            depth: Depth::Folders(0),
        });
        scan(&bound.chain(usual).collect::<Vec<_>>())
    }

    fn add_unbound(&mut self, files: &Files, paths: &[PathBuf]) {
        let bound: HashMap<FileId, usize> = self
            .endpoints
            .iter()
            .enumerate()
            .filter_map(|(at, endpoint)| Some((endpoint.bound_file?, at)))
            .collect();
        let state = if self.sees_every_namespace() {
            EndpointState::Stale
        } else {
            EndpointState::Unclaimed
        };
        let by_name: HashSet<PathBuf> = if self.unseen.diag_refused {
            // `/proc/net/unix` tells no files: names are all there is to go by.
            self.endpoints
                .iter()
                .filter_map(|endpoint| endpoint.name.as_path())
                .map(without_var)
                .collect()
        } else {
            HashSet::new()
        };
        let mut known = HashSet::new();
        let names: BTreeSet<PathBuf> = paths.iter().map(|path| without_var(path)).collect();
        for path in names {
            let Look::Socket(facts) = files.look(&path) else {
                continue;
            };
            let owner = bound.get(&facts.id).copied();
            match owner.and_then(|at| self.endpoints.get_mut(at)) {
                // Moved since it was bound: the name is wrong, the file is not lost.
                Some(endpoint) if endpoint.file.is_none() => endpoint.file = Some(facts),
                Some(_) => {}
                None if by_name.contains(&path) || !known.insert(facts.id) => {}
                None => self.endpoints.push(unbound(path, facts, state)),
            }
        }
    }

    /// Whether a file that no seen socket is bound to has no socket at all.
    fn sees_every_namespace(&self) -> bool {
        self.unseen.namespaces == 0 && Ability::EnterNamespaces.missing(effective()).is_empty()
    }
}

fn apply(endpoint: &mut Endpoint, located: Located) {
    let fault = located.lost.map(|lost| match lost {
        Lost::Deleted => Fault::Deleted,
        Lost::Replaced => Fault::Replaced,
    });
    // A closed listener's file is expected to be gone.
    if endpoint.state != EndpointState::Closed {
        endpoint.fault = fault.or(endpoint.fault);
    }
    endpoint.in_other_mount_namespace = located.in_other_mount_namespace;
    if let Some(facts) = located.facts {
        let path = endpoint
            .name
            .as_path()
            .filter(|name| name.is_relative() || name.starts_with("/proc/self"));
        if path.is_some() {
            endpoint.name = Name::Path(facts.path.clone());
        }
        endpoint.file = Some(facts);
    }
}

fn unbound(path: PathBuf, facts: FileFacts, state: EndpointState) -> Endpoint {
    Endpoint {
        name: Name::Path(path),
        kind: None,
        state,
        socket: None,
        file: Some(facts),
        bound_file: None,
        fault: (state == EndpointState::Stale).then_some(Fault::Stale),
        clients: 0,
        queue: None,
        namespace: None,
        in_other_mount_namespace: false,
    }
}

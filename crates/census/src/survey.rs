//! Sockets and files into endpoints: what is deleted, replaced, moved or stale.
//!
//! All that does not need the holders is done while they are being found ([`Survey::of`]); the rest is settled after.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sockeye_address::Name;

use crate::files::{Files, Located, Look, Lost, without_var};
use crate::index::Index;
use crate::model::{
    Connection, Endpoint, EndpointState, Fault, FileFacts, FileId, Holder, NetNamespace, Pid,
    Socket, Unseen,
};
use crate::scan::{Depth, Found, Start, scan};
use crate::{join, source};

/// Where programs leave sockets behind, and how many folders deep it is worth looking each time.
const USUAL_PLACES: [(&str, Depth); 2] = [("/run", Depth::Folders(8)), ("/tmp", Depth::Folders(2))];

/// How much older than it is a file may look: filesystems take their times from the last tick of the clock.
const TICK: Duration = Duration::from_millis(20);

/// Sockets in order, and what follows from them and from files.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    pub(crate) index: Index,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) connections: Vec<Connection>,
    pub(crate) unreadable_folders: u32,
}

/// What a survey goes by besides sockets.
pub(crate) struct Grounds<'a> {
    files: &'a Files,
    /// When the first socket was asked for.
    started: SystemTime,
    /// Socket files that a scan found; `None` to look where sockets usually are.
    scanned: Option<&'a Found>,
    /// Further folders to look at.
    beside: &'a [PathBuf],
    /// Other namespaces that were asked as well.
    elsewhere: &'a [(NetNamespace, OwnedFd)],
    /// Whether the sockets tell no files, so that names are all there is to go by.
    only_names: bool,
    /// Files that sockets are bound to when files were looked at.
    meanwhile: OnceCell<HashSet<FileId>>,
}

impl<'a> Grounds<'a> {
    pub(crate) fn new(
        files: &'a Files,
        started: SystemTime,
        scanned: Option<&'a Found>,
        beside: &'a [PathBuf],
        unseen: &Unseen,
    ) -> Self {
        Grounds {
            files,
            started,
            scanned,
            beside,
            elsewhere: &[],
            only_names: unseen.diag_refused,
            meanwhile: OnceCell::new(),
        }
    }

    /// The same, where other namespaces were asked as well.
    pub(crate) fn and_elsewhere(self, elsewhere: &'a [(NetNamespace, OwnedFd)]) -> Self {
        Grounds { elsewhere, ..self }
    }

    fn bound_now(&self) -> HashSet<FileId> {
        let (mut sockets, mut unseen) = (Vec::new(), Unseen::default());
        // What cannot be asked again is no worse known than before.
        let _ = source::own(NetNamespace(0), &mut sockets, &mut unseen);
        for (namespace, socket) in self.elsewhere {
            source::elsewhere(*namespace, socket, &mut sockets, &mut unseen);
        }
        sockets.iter().filter_map(|socket| socket.file).collect()
    }

    /// Whether a socket was bound to this file after the sockets were asked for. Asks again if the file is so young, and
    /// only once.
    fn is_bound_meanwhile(&self, path: &Path, file: FileId) -> bool {
        Files::is_younger(path, self.started - TICK)
            && self
                .meanwhile
                .get_or_init(|| self.bound_now())
                .contains(&file)
    }
}

impl Survey {
    pub(crate) fn of(sockets: &mut Vec<Socket>, grounds: &Grounds<'_>) -> Self {
        // The two ends of a connection are mostly made together: in this order they lie together, too, which saves more
        // time than sorting takes.
        sockets.sort_unstable_by_key(|socket| socket.inode);
        // An inode may have been used again between the answers of two namespaces.
        sockets.dedup_by_key(|socket| socket.inode);
        let index = Index::of(sockets);
        let (endpoints, connections) = join::join(sockets, &index);
        let mut survey = Survey {
            index,
            endpoints,
            connections,
            unreadable_folders: 0,
        };
        for endpoint in &mut survey.endpoints {
            if grounds.only_names {
                endpoint.queue = None; // which /proc/net/unix does not tell
            }
            if let Some(name) = endpoint.name.as_path() {
                let located = grounds.files.locate(name, endpoint.bound_file, &[]);
                endpoint.file = located.facts;
            }
        }
        let usual = grounds
            .scanned
            .is_none()
            .then(|| survey.scan_usual_places(grounds.beside));
        let found = grounds.scanned.or(usual.as_ref());
        let (unreadable_folders, paths) = found.map_or((0, &[][..]), |found| {
            (found.unreadable_folders, &found.sockets)
        });
        survey.unreadable_folders = unreadable_folders;
        survey.add_unbound(grounds, paths);
        join::order(&mut survey.endpoints, &mut survey.connections);
        survey
    }

    /// Looks again at what was not at its path, now through the eyes of those who hold it, and decides what files
    /// without a socket are.
    pub(crate) fn settle(&mut self, files: &Files, unseen: &Unseen, holders: &[Holder]) {
        let mut renamed = false;
        for endpoint in &mut self.endpoints {
            let Some(name) = endpoint.name.as_path() else {
                continue;
            };
            let Some(inode) = endpoint.socket else {
                continue;
            };
            if endpoint.file.as_ref().is_none_or(|file| file.path != name) {
                let range = self.index.holders(inode).unwrap_or_default();
                let holders = holders.get(range).unwrap_or_default();
                let pids: Vec<Pid> = holders.iter().map(|holder| holder.pid).collect();
                let located = files.locate(name, endpoint.bound_file, &pids);
                // A holder that was not seen may be in another mount namespace.
                let is_certain = located.holder_agrees || (pids.is_empty() && unseen.no_process());
                renamed |= apply(endpoint, located, is_certain);
            }
        }
        let sees_all = unseen.no_namespace();
        for endpoint in self
            .endpoints
            .iter_mut()
            .filter(|endpoint| endpoint.socket.is_none())
        {
            endpoint.state = if sees_all {
                EndpointState::Stale
            } else {
                EndpointState::Unclaimed
            };
            endpoint.fault = sees_all.then_some(Fault::Stale);
        }
        if renamed {
            join::order(&mut self.endpoints, &mut self.connections);
        }
    }

    /// The usual places, and every folder that a bound socket lies in.
    fn scan_usual_places(&self, beside: &[PathBuf]) -> Found {
        // A file that is not where it was bound was perhaps renamed: that is looked for in the folder it was in.
        let folders = self
            .endpoints
            .iter()
            .filter_map(|endpoint| match &endpoint.file {
                Some(file) => Some(file.path.parent()?.to_owned()),
                None => existing(endpoint.name.as_path()?.parent()?),
            });
        let beside = beside.iter().filter_map(|folder| existing(folder));
        let is_usual = |folder: &PathBuf| {
            USUAL_PLACES
                .iter()
                .any(|(place, _)| folder == Path::new(place))
                || folder.starts_with("/proc")
        };
        let folders: BTreeSet<PathBuf> = folders
            .chain(beside)
            .filter(|folder| !is_usual(folder))
            .collect();
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

    fn add_unbound(&mut self, grounds: &Grounds<'_>, paths: &[PathBuf]) {
        let known = self.endpoints.iter().enumerate();
        let bound: HashMap<FileId, usize> = known
            .filter_map(|(at, endpoint)| Some((endpoint.bound_file?, at)))
            .collect();
        let by_name: HashSet<PathBuf> = if grounds.only_names {
            let names = self
                .endpoints
                .iter()
                .filter_map(|endpoint| endpoint.name.as_path());
            names.map(without_var).collect()
        } else {
            HashSet::new()
        };
        let mut known = HashSet::new();
        let names: BTreeSet<PathBuf> = paths.iter().map(|path| without_var(path)).collect();
        for path in names {
            let Look::Socket(facts) = grounds.files.look(&path) else {
                continue;
            };
            let owner = bound.get(&facts.id).copied();
            match owner.and_then(|at| self.endpoints.get_mut(at)) {
                // Moved since it was bound: the name is wrong, the file is not lost.
                Some(endpoint) if endpoint.file.is_none() => {
                    if endpoint.name.as_path().is_some_and(says_nothing) {
                        endpoint.name = Name::Path(path);
                    }
                    endpoint.file = Some(facts);
                }
                Some(_) => {}
                None if by_name.contains(&path) || !known.insert(facts.id) => {}
                None if grounds.is_bound_meanwhile(&path, facts.id) => {}
                None => self.endpoints.push(unbound(path, facts)),
            }
        }
    }
}

/// Answers whether the endpoint has another name now.
fn apply(endpoint: &mut Endpoint, located: Located, is_certain: bool) -> bool {
    let fault = located.lost.map(|lost| match lost {
        Lost::Deleted => Fault::Deleted,
        Lost::Replaced => Fault::Replaced,
    });
    // A closed listener's file is expected to be gone.
    if endpoint.state != EndpointState::Closed {
        if is_certain {
            endpoint.fault = fault.or(endpoint.fault);
        } else {
            endpoint.possible_fault = fault;
        }
    }
    // A folder that is mounted there and here: what can be reached from here is of more use.
    if located.in_other_mount_namespace && endpoint.file.is_some() {
        return false;
    }
    endpoint.in_other_mount_namespace = located.in_other_mount_namespace;
    let Some(facts) = located.facts else {
        return false;
    };
    let renamed = endpoint.name.as_path().is_some_and(says_nothing);
    if renamed {
        endpoint.name = Name::Path(facts.path.clone());
    }
    endpoint.file = Some(facts);
    renamed
}

/// Whether a name is of no use to anybody but the process that bound it.
fn says_nothing(name: &Path) -> bool {
    name.is_relative() || name.starts_with("/proc/self")
}

/// A folder that can be looked into, or at least tried; what was removed with its sockets is no folder unread.
fn existing(folder: &Path) -> Option<PathBuf> {
    (folder.is_absolute() && folder.exists()).then(|| folder.to_owned())
}

/// A file without a socket; [`Survey::settle`] decides whether that is sure.
fn unbound(path: PathBuf, facts: FileFacts) -> Endpoint {
    Endpoint {
        name: Name::Path(path),
        kind: None,
        state: EndpointState::Unclaimed,
        socket: None,
        file: Some(facts),
        bound_file: None,
        fault: None,
        possible_fault: None,
        clients: 0,
        queue: None,
        namespace: None,
        in_other_mount_namespace: false,
    }
}

//! Network namespaces: which there are, and a socket to ask in each.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::thread;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::model::{NetNamespace, Pid};
use crate::source::diag;

/// Where `ip netns add` and Docker keep namespaces that may have no process.
const KEPT: [&str; 2] = ["/run/netns", "/run/docker/netns"];

/// The namespaces met while the holders were read, and how to get into them.
#[derive(Debug, Default)]
pub(crate) struct Entrances {
    /// A process in each.
    processes: BTreeMap<NetNamespace, Pid>,
}

impl Entrances {
    pub(crate) fn process_in(&mut self, namespace: NetNamespace, pid: Pid) {
        if namespace.0 != 0 {
            self.processes.entry(namespace).or_insert(pid);
        }
    }

    pub(crate) fn merge(&mut self, other: Entrances) {
        for (namespace, pid) in other.processes {
            self.process_in(namespace, pid);
        }
    }
}

/// The namespace of this process.
pub(crate) fn own() -> Option<NetNamespace> {
    fs::metadata("/proc/self/ns/net")
        .ok()
        .map(|metadata| NetNamespace(metadata.ino()))
}

/// Netlink sockets in every namespace but `own`, and how many namespaces refused.
pub(crate) fn ask_elsewhere(
    entrances: &Entrances,
    own: Option<NetNamespace>,
) -> (Vec<(NetNamespace, OwnedFd)>, u32) {
    let mut doors: BTreeMap<NetNamespace, PathBuf> = kept();
    let of_processes = entrances.processes.iter();
    doors.extend(
        of_processes
            .map(|(namespace, pid)| (*namespace, PathBuf::from(format!("/proc/{pid}/ns/net")))),
    );
    doors.retain(|namespace, _| Some(*namespace) != own);
    let mut refused = 0;
    let opened: Vec<_> = doors
        .into_iter()
        .map(|(namespace, door)| (namespace, enter(door)))
        .collect();
    let mut sockets = Vec::new();
    for (namespace, socket) in opened {
        match socket {
            Some(socket) => sockets.push((namespace, socket)),
            None => refused += 1,
        }
    }
    (sockets, refused)
}

fn kept() -> BTreeMap<NetNamespace, PathBuf> {
    let entries = KEPT
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok())
        .flatten()
        .flatten();
    entries
        .filter_map(|entry| Some((NetNamespace(entry.metadata().ok()?.ino()), entry.path())))
        .collect()
}

/// A netlink socket stays in the namespace it was made in, so a thread of its own goes there, makes it and ends.
fn enter(door: PathBuf) -> Option<OwnedFd> {
    let namespace = File::open(door).ok()?;
    let visit = move || {
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).ok()?;
        diag::open().ok()
    };
    thread::spawn(visit).join().ok().flatten()
}

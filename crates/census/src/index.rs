//! Sockets by inode. A map of 20,000 sockets asks 100,000 times which socket an inode is and who holds it; binary
//! searches took a fifth of the whole run.

use std::ops::Range;

use rustc_hash::FxHashMap;

use crate::model::{Holder, Socket, SocketInode};

/// Where each socket and its holders are.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// The kernel counts inodes up, nobody chooses them: no hash that resists attack is needed.
    places: FxHashMap<SocketInode, u32>,
    /// For each socket, where its holders are.
    holders: Vec<Range<u32>>,
}

impl Index {
    pub(crate) fn of(sockets: &[Socket]) -> Self {
        let places = sockets
            .iter()
            .zip(0..)
            .map(|(socket, at)| (socket.inode, at));
        Index {
            places: places.collect(),
            holders: vec![0..0; sockets.len()],
        }
    }

    /// Adds the holders, ordered by inode; answers those, one for each socket, whose socket is not among these.
    pub(crate) fn add_holders(&mut self, holders: &[Holder]) -> Vec<Holder> {
        let mut unlisted = Vec::new();
        let mut start = 0;
        for of_one in holders.chunk_by(|a, b| a.inode == b.inode) {
            let end = start + u32::try_from(of_one.len()).unwrap_or(u32::MAX);
            let Some(first) = of_one.first() else {
                continue;
            };
            let socket = self.socket(first.inode);
            match socket.and_then(|socket| self.holders.get_mut(socket)) {
                Some(place) => *place = start..end,
                None => unlisted.push(*first),
            }
            start = end;
        }
        unlisted
    }

    pub(crate) fn socket(&self, inode: SocketInode) -> Option<usize> {
        self.places.get(&inode).map(|at| *at as usize)
    }

    /// Where the holders of a socket are; `None` for a socket that is not in the census.
    pub(crate) fn holders(&self, inode: SocketInode) -> Option<Range<usize>> {
        let range = self.holders.get(self.socket(inode)?)?;
        Some(range.start as usize..range.end as usize)
    }
}

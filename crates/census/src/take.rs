//! Taking a census.

use std::path::PathBuf;
use std::thread::{self, ScopedJoinHandle};
use std::time::SystemTime;

use rustc_hash::FxHashMap;
use sockeye_address::Name;

use crate::files::Files;
use crate::index::Index;
use crate::model::{
    Connection, Endpoint, FileId, Holder, NetNamespace, Pid, Process, Socket, SocketInode, Unseen,
};
use crate::scan::{Depth, Start, scan};
use crate::survey::{Grounds, Survey};
use crate::{Error, HolderSource, holders, namespace, source, unlisted};

/// What to look at.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How to find who holds a socket; `None` for BPF where it is allowed, else `/proc`.
    pub holders: Option<HolderSource>,
    /// Folders whose socket files are listed even when nobody is bound to them, with everything below them.
    /// Without any, the folders of bound sockets and the usual places are looked at.
    pub scan: Vec<PathBuf>,
    /// Folder to keep a file of about 40 KB in, with what was learned of the kernel: the next census of this boot is 6 ms
    /// quicker for it. Only root keeps and reads it; the folder is made if need be, for root alone.
    pub keep: Option<PathBuf>,
    /// Further folders to look at, without what is below them: where an address that was asked for would be.
    pub beside: Vec<PathBuf>,
}

/// All Unix sockets at one moment.
#[derive(Debug, Default)]
pub struct Census {
    pub(crate) sockets: Vec<Socket>,
    pub(crate) index: Index,
    pub(crate) holders: Vec<Holder>,
    pub(crate) processes: FxHashMap<Pid, Process>,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) connections: Vec<Connection>,
    pub(crate) unseen: Unseen,
    pub(crate) holder_source: Option<HolderSource>,
    pub(crate) namespace: Option<NetNamespace>,
}

impl Census {
    /// Looks at the machine.
    ///
    /// # Errors
    /// Neither `unix_diag` nor `/proc/net/unix` could be read.
    ///
    /// # Privileges
    /// None for sockets, names, queues and peers of the own network namespace. The holders of other users' sockets
    /// need `CAP_BPF` and `CAP_PERFMON` (iterator), or `CAP_SYS_PTRACE` and `CAP_DAC_READ_SEARCH` (walk of `/proc`);
    /// other network namespaces need `CAP_SYS_ADMIN` and `CAP_SYS_PTRACE`. What was missing is in
    /// [`Census::unseen`].
    pub fn take(options: &Options) -> Result<Census, Error> {
        let mut unseen = Unseen::default();
        let own = namespace::own();
        let files = Files::new();
        let started = SystemTime::now();
        let mut sockets = Vec::new();
        let (mut survey, held, scanned) = thread::scope(|scope| {
            // Finding the holders takes longer than all the rest, so the rest is done meanwhile.
            let held = scope.spawn(|| holders::find(options.holders, options.keep.as_deref()));
            let starts = starts(options);
            let scan = (!starts.is_empty()).then(|| scope.spawn(move || scan(&starts)));
            let asked = source::own(own.unwrap_or(NetNamespace(0)), &mut sockets, &mut unseen);
            let scanned = scan.map(join_thread);
            let grounds = Grounds::new(&files, started, scanned.as_ref(), &options.beside, &unseen);
            let survey = Survey::of(&mut sockets, &grounds);
            let held = join_thread(held);
            asked.map(|()| (survey, held, scanned))
        })?;
        let (elsewhere, refused) = namespace::ask_elsewhere(&held.entrances, own);
        unseen.namespaces += refused;
        for (namespace, socket) in &elsewhere {
            source::elsewhere(*namespace, socket, &mut sockets, &mut unseen);
        }
        if !elsewhere.is_empty() {
            let grounds = Grounds::new(&files, started, scanned.as_ref(), &options.beside, &unseen)
                .and_elsewhere(&elsewhere);
            survey = Survey::of(&mut sockets, &grounds);
        }
        unseen.processes = held.unseen_processes;
        unseen.processes_hidden = held.hides_processes;
        unseen.bpf = held.bpf_refusal;
        unseen.folders = survey.unreadable_folders;
        let unlisted = survey.index.add_holders(&held.holders);
        // The walk of /proc cannot tell sockets of other families apart.
        let is_sure = held.source == Some(HolderSource::Bpf);
        if is_sure && unlisted::any_lives_nowhere(&unlisted, &elsewhere) {
            unseen.namespaces += 1;
        }
        survey.settle(&files, &unseen, &held.holders);
        Ok(Census {
            sockets,
            index: survey.index,
            holders: held.holders,
            processes: held.processes,
            endpoints: survey.endpoints,
            connections: survey.connections,
            unseen,
            holder_source: held.source,
            namespace: own,
        })
    }

    /// Every listener, bound socket and socket file, ordered by name.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// Every connection, ordered by endpoint; pairs without a name last.
    pub fn connections(&self) -> &[Connection] {
        &self.connections
    }

    /// Every socket, ordered by inode.
    pub fn sockets(&self) -> &[Socket] {
        &self.sockets
    }

    /// One socket.
    pub fn socket(&self, inode: SocketInode) -> Option<&Socket> {
        self.sockets.get(self.index.socket(inode)?)
    }

    /// Who holds a socket: none (in flight inside another socket, or held by `io_uring`), or many (fork, passed descriptors).
    pub fn holders(&self, inode: SocketInode) -> &[Holder] {
        let range = self.index.holders(inode).unwrap_or_else(|| {
            let start = self.holders.partition_point(|holder| holder.inode < inode);
            let count = self.holders[start..].partition_point(|holder| holder.inode == inode);
            start..start + count
        });
        self.holders.get(range).unwrap_or_default()
    }

    /// A process that holds sockets.
    pub fn process(&self, pid: Pid) -> Option<&Process> {
        self.processes.get(&pid)
    }

    /// Endpoints with exactly this name; several where namespaces or time (replaced files) allow it.
    pub fn endpoints_named<'a>(&'a self, name: &'a Name) -> impl Iterator<Item = &'a Endpoint> {
        self.endpoints
            .iter()
            .filter(move |endpoint| endpoint.name == *name)
    }

    /// The endpoint bound to a file, whatever it is called now.
    pub fn endpoint_of_file(&self, file: FileId) -> Option<&Endpoint> {
        self.endpoints
            .iter()
            .find(|endpoint| endpoint.bound_file == Some(file) && endpoint.socket.is_some())
    }

    /// What could not be seen.
    pub fn unseen(&self) -> &Unseen {
        &self.unseen
    }

    /// The network namespace of this process, whose abstract names it can connect to.
    pub fn namespace(&self) -> Option<NetNamespace> {
        self.namespace
    }

    /// How the holders were found.
    pub fn holder_source(&self) -> Option<HolderSource> {
        self.holder_source
    }
}

fn starts(options: &Options) -> Vec<Start> {
    let start = |folder: &PathBuf| Start {
        folder: folder.clone(),
        depth: Depth::All,
    };
    options.scan.iter().map(start).collect()
}

/// The value of a thread; should it have panicked, nothing rather than a second panic.
fn join_thread<T: Default>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_default()
}

//! Which endpoints and connections are shown.

use std::collections::HashSet;
use std::path::PathBuf;

use globset::GlobMatcher;
use sockeye_address::{Kind, escape};
use sockeye_census::{Census, Connection, Endpoint, Fault, Pid, SocketInode};

use super::args::{Arguments, State};
use super::wanted::{Reading, Wanted, glob};
use crate::error::Error;

/// The filters of a command line, resolved.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    addresses: Vec<Wanted>,
    processes: Vec<GlobMatcher>,
    pids: HashSet<u32>,
    uids: HashSet<u32>,
    kinds: Vec<Kind>,
    states: Vec<State>,
    below: Vec<PathBuf>,
}

/// The filters, applied to one census.
#[derive(Debug)]
pub(crate) struct Choice<'a> {
    filter: &'a Filter,
    census: &'a Census,
    readings: Vec<Reading>,
}

impl Filter {
    /// Resolves what was typed.
    ///
    /// # Errors
    /// A pattern or address that cannot be read, or a user who does not exist.
    pub(crate) fn resolve(arguments: &Arguments) -> Result<Self, Error> {
        let mut filter = Filter {
            pids: arguments.pid.iter().copied().collect(),
            kinds: arguments.kind.clone(),
            states: arguments.state.clone(),
            ..Filter::default()
        };
        for typed in &arguments.addresses {
            filter.addresses.push(Wanted::read(typed)?);
        }
        for name in &arguments.process {
            filter.processes.push(glob(name)?);
        }
        for user in &arguments.user {
            filter.uids.insert(uid_of(user)?);
        }
        if arguments.stale {
            filter.states.extend([State::Stale, State::Unclaimed]);
        }
        for folder in &arguments.scan {
            let absolute = folder.canonicalize().unwrap_or_else(|_| folder.clone());
            filter.below.push(absolute);
        }
        Ok(filter)
    }

    /// One address and nothing else.
    ///
    /// # Errors
    /// An address that cannot be read.
    pub(crate) fn of_address(typed: &std::ffi::OsStr) -> Result<Self, Error> {
        Ok(Filter {
            addresses: vec![Wanted::named(typed)?],
            ..Filter::default()
        })
    }

    /// Folders in which the addresses that were named would be.
    pub(crate) fn folders(&self) -> Vec<PathBuf> {
        self.addresses.iter().flat_map(Wanted::folders).collect()
    }

    /// Applies the filters to what there is.
    pub(crate) fn choose<'a>(&'a self, census: &'a Census) -> Choice<'a> {
        let addresses = self.addresses.iter();
        Choice {
            filter: self,
            census,
            readings: addresses.map(|wanted| wanted.reading(census)).collect(),
        }
    }

    /// All but who holds it and what it is called.
    fn allows(&self, endpoint: &Endpoint) -> bool {
        (self.kinds.is_empty() || endpoint.kind.is_some_and(|kind| self.kinds.contains(&kind)))
            && (self.states.is_empty() || self.states.iter().any(|state| is_in(endpoint, *state)))
            && (self.below.is_empty() || self.is_below(endpoint))
    }

    fn is_below(&self, endpoint: &Endpoint) -> bool {
        let path = endpoint
            .file
            .as_ref()
            .filter(|_| !endpoint.in_other_mount_namespace);
        path.is_some_and(|file| {
            self.below
                .iter()
                .any(|folder| file.path.starts_with(folder))
        })
    }

    fn asks_for_holders(&self) -> bool {
        !self.processes.is_empty() || !self.pids.is_empty() || !self.uids.is_empty()
    }

    fn names_process(&self, census: &Census, pid: Pid) -> bool {
        let Some(process) = census.process(pid) else {
            return self.pids.contains(&pid.0);
        };
        let name = String::from_utf8_lossy(&process.name);
        (self.pids.is_empty() || self.pids.contains(&pid.0))
            && (self.uids.is_empty() || self.uids.contains(&process.uid))
            && (self.processes.is_empty()
                || self
                    .processes
                    .iter()
                    .any(|glob| glob.is_match(name.as_ref())))
    }
}

impl Choice<'_> {
    /// Whether something was named, which asks for its connections too.
    pub(crate) fn names_one(&self) -> bool {
        self.readings.contains(&Reading::Literal)
    }

    /// Whether an endpoint is shown.
    pub(crate) fn shows(&self, endpoint: &Endpoint) -> bool {
        self.matches_address(endpoint)
            && self.filter.allows(endpoint)
            && self.matches_holder(endpoint)
    }

    /// Whether a connection is shown whose endpoint is not: one end of it may be held by the process asked for.
    ///
    /// An unnamed pair has no address or state to go by, and no kind but that of its sockets.
    pub(crate) fn shows_connection(&self, connection: &Connection) -> bool {
        let filter = self.filter;
        let ends = [connection.client, connection.server];
        let is_held = || ends.into_iter().flatten().any(|inode| self.is_held(inode));
        let endpoint = connection
            .endpoint
            .and_then(|at| self.census.endpoints().get(at));
        if let Some(endpoint) = endpoint {
            return filter.asks_for_holders()
                && self.matches_address(endpoint)
                && filter.allows(endpoint)
                && is_held();
        }
        let kind = ends
            .into_iter()
            .flatten()
            .find_map(|inode| self.census.socket(inode)?.kind);
        filter.addresses.is_empty()
            && filter.states.is_empty()
            && filter.below.is_empty()
            && (filter.kinds.is_empty() || kind.is_some_and(|kind| filter.kinds.contains(&kind)))
            && (!filter.asks_for_holders() || is_held())
    }

    fn matches_address(&self, endpoint: &Endpoint) -> bool {
        let mut wanted = self.filter.addresses.iter().zip(&self.readings);
        self.readings.is_empty()
            || wanted.any(|(wanted, reading)| wanted.matches(endpoint, *reading))
    }

    fn matches_holder(&self, endpoint: &Endpoint) -> bool {
        let filter = self.filter;
        if !filter.asks_for_holders() {
            return true;
        }
        let by_file = filter.processes.is_empty()
            && filter.pids.is_empty()
            && endpoint.socket.is_none()
            && endpoint
                .file
                .as_ref()
                .is_some_and(|file| filter.uids.contains(&file.uid));
        by_file || endpoint.socket.is_some_and(|inode| self.is_held(inode))
    }

    fn is_held(&self, inode: SocketInode) -> bool {
        let holders = self.census.holders(inode);
        holders
            .iter()
            .any(|holder| self.filter.names_process(self.census, holder.pid))
            || holders.is_empty() && self.is_made_by(inode)
    }

    /// The kernel tells everybody who made a socket, also where the processes that hold it are out of sight.
    fn is_made_by(&self, inode: SocketInode) -> bool {
        let filter = self.filter;
        let maker = || self.census.socket(inode).and_then(|socket| socket.uid);
        filter.processes.is_empty()
            && filter.pids.is_empty()
            && maker().is_some_and(|uid| filter.uids.contains(&uid))
    }
}

fn is_in(endpoint: &Endpoint, state: State) -> bool {
    if let Some(state) = state.as_state() {
        return endpoint.state == state;
    }
    let fault = match state {
        State::Deleted => Fault::Deleted,
        State::Replaced => Fault::Replaced,
        _ => Fault::Full,
    };
    endpoint.fault == Some(fault)
}

fn uid_of(user: &str) -> Result<u32, Error> {
    match sockeye_privilege::find_user(user) {
        Ok(Some(user)) => Ok(user.uid),
        Ok(None) => match user.parse() {
            Ok(uid) => Ok(uid),
            Err(_) => Err(Error::usage(format!(
                "find user {}: no such user",
                escape::escape(user.as_bytes(), "")
            ))),
        },
        Err(error) => Err(Error::failure(error)),
    }
}

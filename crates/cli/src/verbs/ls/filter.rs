//! Which endpoints and connections are shown.

use std::collections::HashSet;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use sockeye_address::{Kind, Name, escape};
use sockeye_census::{Census, Endpoint, EndpointState, Fault, Pid, SocketInode};

use super::args::{Arguments, State};
use crate::address::{KindFlags, unix_address};
use crate::error::Error;

/// The filters of a command line, resolved.
#[derive(Debug, Default)]
pub struct Filter {
    addresses: Vec<AddressFilter>,
    processes: Vec<GlobMatcher>,
    pids: HashSet<u32>,
    uids: HashSet<u32>,
    kinds: Vec<Kind>,
    states: Vec<State>,
    below: Vec<PathBuf>,
    /// A literal address asks for its connections too.
    pub names_one: bool,
}

#[derive(Debug)]
enum AddressFilter {
    Name(Name),
    Pattern(GlobMatcher),
}

impl Filter {
    /// Resolves what was typed.
    ///
    /// # Errors
    /// A pattern or address that cannot be read, or a user who does not exist.
    pub fn resolve(arguments: &Arguments) -> Result<Self, Error> {
        let mut filter = Filter {
            pids: arguments.pid.iter().copied().collect(),
            kinds: arguments.kind.clone(),
            states: arguments.state.clone(),
            ..Filter::default()
        };
        for typed in &arguments.addresses {
            filter.addresses.push(address_filter(typed)?);
        }
        filter.names_one = filter
            .addresses
            .iter()
            .any(|address| matches!(address, AddressFilter::Name(_)));
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

    /// Whether an endpoint is shown.
    pub fn shows(&self, census: &Census, endpoint: &Endpoint) -> bool {
        self.matches_address(endpoint)
            && (self.kinds.is_empty()
                || endpoint.kind.is_some_and(|kind| self.kinds.contains(&kind)))
            && (self.states.is_empty() || self.states.iter().any(|state| is_in(endpoint, *state)))
            && (self.below.is_empty() || self.is_below(endpoint))
            && self.matches_holder(census, endpoint)
    }

    /// Whether an unnamed pair is shown: it has no address, kind or state to go by but those of its sockets.
    pub fn shows_pair(&self, census: &Census, ends: [Option<SocketInode>; 2]) -> bool {
        let kind = ends
            .into_iter()
            .flatten()
            .find_map(|inode| census.socket(inode)?.kind);
        self.addresses.is_empty()
            && self.states.is_empty()
            && self.below.is_empty()
            && (self.kinds.is_empty() || kind.is_some_and(|kind| self.kinds.contains(&kind)))
            && (!self.asks_for_holders()
                || ends
                    .into_iter()
                    .flatten()
                    .any(|inode| self.is_held(census, inode)))
    }

    fn matches_address(&self, endpoint: &Endpoint) -> bool {
        let names = || {
            std::iter::once(&endpoint.name)
                .map(canonical)
                .chain(found_at(endpoint))
        };
        self.addresses.is_empty()
            || self.addresses.iter().any(|filter| match filter {
                AddressFilter::Name(name) => names().any(|known| known == *name),
                AddressFilter::Pattern(glob) => names().any(|known| matches_glob(glob, &known)),
            })
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

    fn matches_holder(&self, census: &Census, endpoint: &Endpoint) -> bool {
        if !self.asks_for_holders() {
            return true;
        }
        let by_file = self.processes.is_empty()
            && self.pids.is_empty()
            && endpoint.socket.is_none()
            && endpoint
                .file
                .as_ref()
                .is_some_and(|file| self.uids.contains(&file.uid));
        by_file
            || endpoint
                .socket
                .is_some_and(|inode| self.is_held(census, inode))
    }

    fn is_held(&self, census: &Census, inode: SocketInode) -> bool {
        census
            .holders(inode)
            .iter()
            .any(|holder| self.names_process(census, holder.pid))
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

fn address_filter(typed: &std::ffi::OsStr) -> Result<AddressFilter, Error> {
    let is_pattern = typed.as_bytes().iter().any(|byte| b"*?[".contains(byte));
    if is_pattern {
        let text = typed.to_string_lossy();
        return Ok(AddressFilter::Pattern(glob(&canonical_text(&text))?));
    }
    let name = unix_address(typed, KindFlags::default(), "ls")?.name;
    // A relative path is meant from here; the map shows where it really is.
    let name = match &name {
        Name::Path(path) if path.is_relative() => {
            std::env::current_dir().map_or(name.clone(), |folder| Name::Path(folder.join(path)))
        }
        _ => name,
    };
    Ok(AddressFilter::Name(canonical(&name)))
}

fn glob(pattern: &str) -> Result<GlobMatcher, Error> {
    let built = GlobBuilder::new(pattern).literal_separator(false).build();
    Ok(built
        .map_err(|error| Error::usage(format!("read pattern {pattern:?}: {}", error.kind())))?
        .compile_matcher())
}

fn matches_glob(glob: &GlobMatcher, name: &Name) -> bool {
    match name {
        Name::Path(path) => glob.is_match(path),
        other => glob.is_match(other.to_string()),
    }
}

/// `/var/run` is `/run`, and `.` and `..` lead where they lead.
fn canonical(name: &Name) -> Name {
    let Name::Path(path) = name else {
        return name.clone();
    };
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir if plain.file_name().is_some() => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    match plain.strip_prefix("/var/run") {
        Ok(rest) => Name::Path(Path::new("/run").join(rest)),
        Err(_) => Name::Path(plain),
    }
}

fn canonical_text(pattern: &str) -> String {
    match pattern.strip_prefix("/var/run/") {
        Some(rest) => format!("/run/{rest}"),
        None => pattern.to_owned(),
    }
}

fn found_at(endpoint: &Endpoint) -> Option<Name> {
    let file = endpoint.file.as_ref()?;
    Some(canonical(&Name::Path(file.path.clone())))
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

/// Whether a state is a file alone.
pub fn is_file_only(state: EndpointState) -> bool {
    matches!(state, EndpointState::Stale | EndpointState::Unclaimed)
}

//! Processes, users and files as words.

use std::fmt::Write as _;
use std::path::Path;
use std::rc::Rc;

use rustc_hash::FxHashMap;
use sockeye_address::{Name, escape};
use sockeye_census::{Census, Endpoint, Fault, FileFacts, Pid, SocketInode};
use sockeye_privilege::Names;

use crate::table::Text;

/// Writes labels, remembering what it looked up: a map of 10,000 connections has few users and processes.
pub(crate) struct Labels<'a> {
    census: &'a Census,
    names: Names,
    processes: FxHashMap<Pid, (String, u32)>,
    single: FxHashMap<Pid, Rc<str>>,
    /// Address of the endpoint asked for last: connections come ordered by endpoint.
    last_address: Option<(*const Endpoint, Rc<str>)>,
}

impl<'a> Labels<'a> {
    /// Labels for what a census holds.
    pub(crate) fn new(census: &'a Census) -> Self {
        Labels {
            census,
            names: Names::default(),
            processes: FxHashMap::default(),
            single: FxHashMap::default(),
            last_address: None,
        }
    }

    /// What is labelled.
    pub(crate) fn census(&self) -> &'a Census {
        self.census
    }

    /// A user by name, else by number; `?` for that of a process that ended while it was looked at.
    pub(crate) fn user(&mut self, uid: u32) -> String {
        if uid == u32::MAX {
            return "?".to_owned();
        }
        match self.names.user(uid) {
            Some(name) => escape::escape(name.as_bytes(), ""),
            None => uid.to_string(),
        }
    }

    /// A group by name, else by number.
    pub(crate) fn group(&mut self, gid: u32) -> String {
        match self.names.group(gid) {
            Some(name) => escape::escape(name.as_bytes(), ""),
            None => gid.to_string(),
        }
    }

    /// Everybody who holds a socket: `nginx[812,813] www-data, logger[9] root`.
    pub(crate) fn holders(&mut self, inode: Option<SocketInode>) -> Text {
        let Some(inode) = inode else {
            return "".into();
        };
        match self.census.holders(inode) {
            [] => self.nobody().into(),
            [holder] => self.one(holder.pid).into(),
            holders => {
                let mut pids: Vec<Pid> = holders.iter().map(|holder| holder.pid).collect();
                pids.dedup();
                self.many(&pids).into()
            }
        }
    }

    fn one(&mut self, pid: Pid) -> Rc<str> {
        if let Some(label) = self.single.get(&pid) {
            return Rc::clone(label);
        }
        let (name, uid) = self.process(pid);
        let label: Rc<str> = format!("{name}[{pid}] {}", self.user(uid)).into();
        self.single.insert(pid, Rc::clone(&label));
        label
    }

    /// What to say of a socket without a known holder.
    fn nobody(&self) -> &'static str {
        if self.census.unseen().no_process() {
            "(no process)"
        } else {
            "(not visible)"
        }
    }

    fn many(&mut self, pids: &[Pid]) -> String {
        let mut groups: Vec<((String, u32), Vec<Pid>)> = Vec::new();
        for pid in pids {
            let process = self.process(*pid);
            match groups.iter_mut().find(|(known, _)| *known == process) {
                Some((_, pids)) => pids.push(*pid),
                None => groups.push((process, vec![*pid])),
            }
        }
        let mut text = String::new();
        for ((name, uid), pids) in groups {
            let separator = if text.is_empty() { "" } else { ", " };
            let pids: Vec<String> = pids.iter().map(ToString::to_string).collect();
            let user = self.user(uid);
            let _ = write!(text, "{separator}{name}[{}] {user}", pids.join(","));
        }
        text
    }

    /// The address of an endpoint as it can be pasted after a command.
    pub(crate) fn address_of(&mut self, endpoint: &Endpoint) -> Rc<str> {
        let key = std::ptr::from_ref(endpoint);
        match &self.last_address {
            Some((last, text)) if *last == key => Rc::clone(text),
            _ => {
                let text: Rc<str> = address(&endpoint.name).into();
                self.last_address = Some((key, Rc::clone(&text)));
                text
            }
        }
    }

    /// Name, escaped, and user of a process.
    pub(crate) fn process(&mut self, pid: Pid) -> (String, u32) {
        let census = self.census;
        let entry = self
            .processes
            .entry(pid)
            .or_insert_with(|| match census.process(pid) {
                Some(process) => (escape::escape(&process.name, "[]"), process.uid),
                None => ("?".to_owned(), u32::MAX),
            });
        entry.clone()
    }

    /// Mode and owner of a file: `660 root:docker`.
    pub(crate) fn file(&mut self, file: &FileFacts) -> String {
        format!(
            "{:03o} {}:{}",
            file.mode,
            self.user(file.uid),
            self.group(file.gid)
        )
    }
}

/// An address as it can be pasted after a command.
pub(crate) fn address(name: &Name) -> String {
    escape::shell_word(&name.to_string()).into_owned()
}

/// What is worth a word: a fault, a mount namespace, a service.
pub(crate) fn remark(census: &Census, endpoint: &Endpoint) -> String {
    let mut words = Vec::new();
    let moved_to = moved_to(endpoint);
    match endpoint.fault {
        Some(Fault::Deleted) if moved_to.is_some() => words.push("moved".to_owned()),
        Some(fault) if fault.word() != endpoint.state.word() => words.push(fault.word().to_owned()),
        _ => {}
    }
    if let Some(path) = moved_to {
        let now = if endpoint.fault.is_some() { "now " } else { "" };
        words.push(format!("{now}at {}", address(&Name::Path(path.to_owned()))));
    } else if let Some(fault) = endpoint.possible_fault {
        words.push(format!("{}, or in another mount namespace", fault.word()));
    }
    if endpoint.in_other_mount_namespace {
        words.push("in another mount namespace".to_owned());
    }
    // A path leads there all the same; an abstract name means another socket there.
    let is_abstract = matches!(endpoint.name, Name::Abstract(_));
    if is_abstract && endpoint.namespace != census.namespace() {
        words.push("in another network namespace".to_owned());
    }
    if let Some(service) = endpoint.service() {
        words.push(format!("({})", service.title));
    }
    words.join(" ")
}

/// Where the file of a socket is, when clients do not find it under its address: it was renamed, or bound by a process
/// with another root.
pub(crate) fn moved_to(endpoint: &Endpoint) -> Option<&Path> {
    let file = endpoint
        .file
        .as_ref()
        .filter(|_| !endpoint.in_other_mount_namespace)?;
    let bound_at = endpoint.name.as_path()?;
    (file.path != bound_at).then_some(&file.path)
}

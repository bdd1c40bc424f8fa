//! An endpoint, line by line.

use std::io::{self, Write};

use sockeye_address::escape;
use sockeye_census::{Census, Connection, Endpoint, EndpointState, Fault, Holder};

use crate::terminal::{ADDRESS, FAINT, HEADING, WARNING, WRONG, styled};
use crate::verbs::ls::label::{self, Labels};
use crate::verbs::ls::rows::absent;

/// Writes everything about an endpoint.
pub(super) fn write(out: &mut impl Write, census: &Census, endpoint: &Endpoint) -> io::Result<()> {
    let mut facts = Facts {
        out,
        census,
        labels: Labels::new(census),
    };
    facts.title(endpoint)?;
    facts.state(endpoint)?;
    facts.file(endpoint)?;
    facts.socket(endpoint)?;
    facts.holders(endpoint)?;
    facts.clients(endpoint)
}

struct Facts<'a, W> {
    out: &'a mut W,
    census: &'a Census,
    labels: Labels<'a>,
}

impl<W: Write> Facts<'_, W> {
    fn line(&mut self, key: &str, value: &str) -> io::Result<()> {
        writeln!(self.out, "  {HEADING}{key:<10}{HEADING:#} {value}")
    }

    fn title(&mut self, endpoint: &Endpoint) -> io::Result<()> {
        let service = endpoint
            .service()
            .map(|service| format!("  ({})", service.title))
            .unwrap_or_default();
        writeln!(
            self.out,
            "{}{}",
            styled(ADDRESS, label::address(&endpoint.name)),
            styled(FAINT, service)
        )
    }

    fn state(&mut self, endpoint: &Endpoint) -> io::Result<()> {
        let kind = endpoint
            .kind
            .map(|kind| format!("{kind}, "))
            .unwrap_or_default();
        self.line(
            "state",
            &format!("{kind}{}", state_sentence(endpoint.state)),
        )?;
        if let Some(fault) = endpoint.fault.filter(|fault| *fault != Fault::Stale) {
            let sentence = match label::moved_to(endpoint) {
                Some(_) if fault == Fault::Deleted => {
                    "moved: clients do not find it under its address any more"
                }
                _ => fault_sentence(fault),
            };
            self.line("wrong", &styled(WRONG, sentence))?;
        }
        if let Some(fault) = endpoint.possible_fault {
            let text = format!(
                "{}, unless a process that is not visible has it in another mount namespace",
                fault.word()
            );
            self.line("perhaps", &styled(WARNING, text))?;
        }
        if let Some(queue) = endpoint.queue {
            let text = format!(
                "{} wait to be accepted, backlog {}",
                queue.used, queue.limit
            );
            self.line("queue", &text)?;
        }
        Ok(())
    }

    fn file(&mut self, endpoint: &Endpoint) -> io::Result<()> {
        let Some(file) = &endpoint.file else {
            return Ok(());
        };
        let owner = self.labels.file(file);
        self.line(
            "file",
            &format!("{owner}, device {} inode {}", file.id.device, file.id.inode),
        )?;
        if endpoint.name.as_path() != Some(&file.path) || endpoint.in_other_mount_namespace {
            let place = label::address(&sockeye_address::Name::Path(file.path.clone()));
            let whose = if endpoint.in_other_mount_namespace {
                " in another mount namespace"
            } else {
                ""
            };
            self.line("found at", &format!("{place}{whose}"))?;
        }
        Ok(())
    }

    fn socket(&mut self, endpoint: &Endpoint) -> io::Result<()> {
        let Some(socket) = endpoint.socket.and_then(|inode| self.census.socket(inode)) else {
            return Ok(());
        };
        let bound_as = label::address(&socket.name);
        self.line(
            "socket",
            &format!(
                "inode {}, network namespace {}",
                socket.inode, socket.namespace.0
            ),
        )?;
        if socket.name != endpoint.name {
            self.line("bound as", &bound_as)?;
        }
        if let Some(uid) = socket.uid {
            let user = self.labels.user(uid);
            self.line("made by", &user)?;
        }
        Ok(())
    }

    fn holders(&mut self, endpoint: &Endpoint) -> io::Result<()> {
        let Some(inode) = endpoint.socket else {
            return Ok(());
        };
        let holders = self.census.holders(inode);
        if holders.is_empty() {
            let text = if self.census.unseen().no_process() {
                "no process"
            } else {
                "a process that is not visible"
            };
            return self.line("held by", text);
        }
        for of_process in holders.chunk_by(|a, b| a.pid == b.pid) {
            self.holder(of_process)?;
        }
        Ok(())
    }

    fn holder(&mut self, descriptors: &[Holder]) -> io::Result<()> {
        let Some(first) = descriptors.first() else {
            return Ok(());
        };
        let (name, uid) = self.labels.process(first.pid);
        let user = self.labels.user(uid);
        let numbers: Vec<String> = descriptors
            .iter()
            .map(|holder| holder.fd.to_string())
            .collect();
        let plural = if numbers.len() == 1 { "" } else { "s" };
        self.line(
            "held by",
            &format!(
                "{name}[{}] {user}, descriptor{plural} {}",
                first.pid,
                numbers.join(", ")
            ),
        )?;
        let Some(process) = self.census.process(first.pid) else {
            return Ok(());
        };
        if let Some(program) = process.executable() {
            self.line(
                "",
                &format!(
                    "program {}",
                    escape::escape(program.as_os_str().as_encoded_bytes(), "")
                ),
            )?;
        }
        let words = process.command_line();
        if !words.is_empty() {
            let words: Vec<String> = words
                .iter()
                .map(|word| {
                    escape::shell_word(&escape::escape(word.as_encoded_bytes(), "")).into_owned()
                })
                .collect();
            self.line("", &format!("command {}", words.join(" ")))?;
        }
        Ok(())
    }

    fn clients(&mut self, endpoint: &Endpoint) -> io::Result<()> {
        let census = self.census;
        let is_ours = |connection: &&Connection| {
            let known = connection
                .endpoint
                .and_then(|at| census.endpoints().get(at));
            known.is_some_and(|known| std::ptr::eq(known, endpoint))
        };
        let connections: Vec<&Connection> = census.connections().iter().filter(is_ours).collect();
        if endpoint.socket.is_some() {
            self.line("clients", &connections.len().to_string())?;
        }
        for connection in connections {
            let client = self.end(connection.client);
            let server = if connection.is_waiting {
                "waits to be accepted".to_owned()
            } else {
                self.end(connection.server)
            };
            let unread = match (connection.to_server_bytes, connection.to_client_bytes) {
                (Some(0), 0) => String::new(),
                (None, _) => "  unread: something by server".to_owned(),
                (Some(to_server), to_client) => {
                    format!("  unread: {to_server} by server, {to_client} by client")
                }
            };
            self.line("", &format!("{client} → {server}{unread}"))?;
        }
        Ok(())
    }

    fn end(&mut self, inode: Option<sockeye_census::SocketInode>) -> String {
        match inode {
            None => absent(self.census).to_owned(),
            Some(_) => self.labels.holders(inode).as_str().to_owned(),
        }
    }
}

const fn state_sentence(state: EndpointState) -> &'static str {
    match state {
        EndpointState::Listening => "listening: clients can connect",
        EndpointState::Bound => "bound",
        EndpointState::Closed => "listener closed, its connections live on",
        EndpointState::Stale => "stale: a file that no socket is bound to",
        EndpointState::Unclaimed => "unclaimed: a file that no visible socket is bound to",
    }
}

const fn fault_sentence(fault: Fault) -> &'static str {
    match fault {
        Fault::Stale => "no socket is bound to the file",
        Fault::Deleted => "deleted: its file is gone, nobody new can connect",
        Fault::Replaced => "replaced: its path now leads to another file, clients reach that one",
        Fault::Full => "full: the accept queue is at its limit, further clients wait or get EAGAIN",
    }
}

//! System calls as C writes them and strace shows them.

use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use sockeye_address::Name;
use sockeye_address::escape::escape;

use super::{DescriptorNumber, Direction, Event, SystemCall};

/// Data longer than this is cut, with dots behind it, as strace does.
const SHOWN_BYTES: usize = 32;

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = ", self.call)?;
        match &self.result {
            Ok(value) => write!(f, "{value}"),
            Err(number) => write!(f, "-1 {number}"),
        }
    }
}

impl fmt::Display for SystemCall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.name())?;
        self.write_arguments(f)?;
        f.write_str(")")
    }
}

impl SystemCall<'_> {
    fn write_arguments(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            SystemCall::Socket { kind } => {
                write!(f, "AF_UNIX, {}|SOCK_CLOEXEC, 0", kind.constant())
            }
            SystemCall::SocketPair { kind, ends } => {
                write!(f, "AF_UNIX, {}|SOCK_CLOEXEC, 0", kind.constant())?;
                ends.map_or(Ok(()), |[near, far]| write!(f, ", [{near}, {far}]"))
            }
            SystemCall::Bind { fd, name } | SystemCall::Connect { fd, name, .. } => {
                write!(f, "{fd}, {}", SocketAddress(name))
            }
            SystemCall::Listen { fd, backlog } => write!(f, "{fd}, {backlog}"),
            SystemCall::Accept { fd, peer } => {
                write!(f, "{fd}, {}, SOCK_CLOEXEC", SocketAddress(peer))
            }
            SystemCall::PeerCredentials { fd, credentials } => {
                write!(f, "{fd}, SOL_SOCKET, SO_PEERCRED")?;
                let Some(peer) = credentials else {
                    return Ok(());
                };
                let pid = peer.pid.unwrap_or(0);
                write!(f, ", {{pid={pid}, uid={}, gid={}}}", peer.uid, peer.gid)
            }
            SystemCall::Shutdown { fd, direction } => write!(f, "{fd}, {}", constant(direction)),
            SystemCall::Close { fd } => write!(f, "{fd}"),
            SystemCall::Read { .. }
            | SystemCall::Send { .. }
            | SystemCall::SendMessage { .. }
            | SystemCall::ReceiveMessage { .. } => self.write_transfer(f),
            _ => self.write_file_arguments(f),
        }
    }

    fn write_transfer(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            SystemCall::Read {
                fd,
                data,
                capacity_bytes,
            } => write!(f, "{fd}, {}, {capacity_bytes}", Data(data)),
            SystemCall::Send { fd, data } => {
                write!(f, "{fd}, {}, {}, MSG_NOSIGNAL", Data(data), data.len())
            }
            SystemCall::SendMessage {
                fd,
                data,
                passed,
                to,
            } => {
                write!(
                    f,
                    "{fd}, {{{}}}, MSG_NOSIGNAL",
                    MessageHeader {
                        name: to,
                        data,
                        size: data.len(),
                        passed
                    }
                )
            }
            SystemCall::ReceiveMessage {
                fd,
                data,
                capacity_bytes,
                passed,
                from,
            } => {
                let header = MessageHeader {
                    name: from,
                    data,
                    size: capacity_bytes,
                    passed,
                };
                write!(f, "{fd}, {{{header}}}, MSG_CMSG_CLOEXEC")
            }
            _ => Ok(()),
        }
    }

    fn write_file_arguments(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            SystemCall::Open { path, is_folder } => {
                let folder = if is_folder { "|O_DIRECTORY" } else { "" };
                write!(f, "AT_FDCWD, {}, O_PATH|O_CLOEXEC{folder}", Quoted(path))
            }
            SystemCall::ModeBeforeBind { fd, mode } => write!(f, "{fd}, 0{mode}"),
            SystemCall::ChangeOwner { path, user, group } => {
                write!(
                    f,
                    "{}, {}, {}",
                    Quoted(path),
                    OrUnchanged(user),
                    OrUnchanged(group)
                )
            }
            SystemCall::ChangeMode { path, mode } => write!(f, "{}, 0{mode}", Quoted(path)),
            SystemCall::Lock { path } => write!(f, "{}, LOCK_EX|LOCK_NB", Quoted(path)),
            SystemCall::Rename { from, to } => write!(f, "{}, {}", Quoted(from), Quoted(to)),
            SystemCall::Unlink { path } => write!(f, "{}", Quoted(path)),
            _ => Ok(()),
        }
    }
}

const fn constant(direction: Direction) -> &'static str {
    match direction {
        Direction::Read => "SHUT_RD",
        Direction::Write => "SHUT_WR",
        Direction::Both => "SHUT_RDWR",
    }
}

/// `{sun_path="/run/app.sock"}`
struct SocketAddress<'a>(&'a Name);

impl fmt::Display for SocketAddress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Name::Unnamed => f.write_str("{AF_UNIX}"),
            Name::Path(path) => write!(f, "{{AF_UNIX, {}}}", Quoted(path)),
            Name::Abstract(name) => {
                write!(f, "{{AF_UNIX, @\"{}\"}}", escape(name.as_bytes(), "\""))
            }
        }
    }
}

struct Quoted<'a>(&'a Path);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", escape(self.0.as_os_str().as_bytes(), "\""))
    }
}

struct OrUnchanged(Option<u32>);

impl fmt::Display for OrUnchanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(id) => id.fmt(f),
            None => f.write_str("-1"),
        }
    }
}

struct Data<'a>(&'a [u8]);

impl fmt::Display for Data<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.0[..self.0.len().min(SHOWN_BYTES)];
        let text = escape(shown, "\"")
            .replace("\\x0a", "\\n")
            .replace("\\x09", "\\t");
        let dots = if shown.len() < self.0.len() {
            "..."
        } else {
            ""
        };
        write!(f, "\"{text}\"{dots}")
    }
}

/// The parts of `struct msghdr` that say something.
struct MessageHeader<'a> {
    name: &'a Name,
    data: &'a [u8],
    size: usize,
    passed: &'a [DescriptorNumber],
}

impl fmt::Display for MessageHeader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.name.is_unnamed() {
            write!(f, "name={}, ", SocketAddress(self.name))?;
        }
        write!(f, "data={}, size={}", Data(self.data), self.size)?;
        if let [first, rest @ ..] = self.passed {
            write!(f, ", SCM_RIGHTS=[{first}")?;
            rest.iter().try_for_each(|fd| write!(f, ", {fd}"))?;
            f.write_str("]")?;
        }
        Ok(())
    }
}

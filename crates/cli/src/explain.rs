//! `--explain`: the life of a socket as it happens.

use sockeye_address::{Kind, Name};
use sockeye_socket::{Direction, Event, Life, SystemCall};

use crate::terminal::{self, FAINT};

/// An account of every system call on standard error, when it is wanted.
pub(crate) fn life(explain: bool) -> Life {
    if explain {
        Life::watched(tell)
    } else {
        Life::default()
    }
}

fn tell(event: &Event<'_>) {
    terminal::note(format_args!(
        "{event}\n    {FAINT}{}{FAINT:#}",
        meaning(event)
    ));
}

/// One line for a learner.
fn meaning(event: &Event<'_>) -> &'static str {
    match &event.result {
        Ok(value) => success(&event.call, *value),
        Err(number) => failure(
            &event.call,
            std::io::Error::from(*number).raw_os_error().unwrap_or(0),
        ),
    }
}

fn success(call: &SystemCall<'_>, value: u64) -> &'static str {
    match call {
        SystemCall::Socket { kind } => made(*kind),
        SystemCall::SocketPair { .. } => "two sockets connected to each other; neither has a name",
        SystemCall::Open {
            is_folder: true, ..
        } => {
            "the path has over 107 bytes, more than an address holds: the folder is reached through this descriptor"
        }
        SystemCall::Open { .. } => {
            "the path has over 107 bytes, more than an address holds: the file is reached through this descriptor"
        }
        SystemCall::ModeBeforeBind { .. } => {
            "bind will make the file private; it is opened up when all is set"
        }
        SystemCall::Bind { name, .. } => bound(name),
        SystemCall::ChangeOwner { .. } => "the file changes hands before anybody can connect",
        SystemCall::ChangeMode { .. } => "who may write to the file may connect",
        SystemCall::Listen { .. } => {
            "clients can connect from now on: they wait in a queue until they are accepted"
        }
        SystemCall::Accept { .. } => {
            "takes the first client out of the queue: a new socket for this client alone, the old one listens on"
        }
        SystemCall::Connect {
            kind: Kind::Datagram,
            ..
        } => "from now on messages go there and come from there only; nobody is told of it",
        SystemCall::Connect { .. } => {
            "there is room in the queue: this succeeds before the server has accepted"
        }
        SystemCall::PeerCredentials { .. } => {
            "the kernel vouches for it: this process, user and group called connect (or listen)"
        }
        SystemCall::Read { .. }
        | SystemCall::Send { .. }
        | SystemCall::SendMessage { .. }
        | SystemCall::ReceiveMessage { .. } => moved(call, value),
        SystemCall::Shutdown { direction, .. } => shut(*direction),
        SystemCall::Close { .. } => {
            "this process lets go of it; the kernel ends the socket with its last descriptor"
        }
        SystemCall::Lock { .. } => "two programs that want the same stale file take turns",
        SystemCall::Rename { .. } => {
            "the new socket takes the place of the old one: no moment without a socket"
        }
        SystemCall::Unlink { .. } => {
            "the file is gone: it does not go by itself when the socket is closed"
        }
        _ => "",
    }
}

fn moved(call: &SystemCall<'_>, value: u64) -> &'static str {
    match call {
        SystemCall::Read { .. } if value == 0 => {
            "nothing, at once: the other end will send no more (end of stream)"
        }
        SystemCall::Read { .. } => {
            "bytes from the other end; one read may bring less or more than one write sent"
        }
        SystemCall::SendMessage { passed: [], .. } => "one message, whole or not at all",
        SystemCall::SendMessage { .. } => {
            "descriptors travel with the bytes: the receiver gets its own duplicates"
        }
        SystemCall::ReceiveMessage {
            passed: [_, ..], ..
        } => "descriptors came along: they are this process's own now, under new numbers",
        SystemCall::ReceiveMessage { from, .. } if !from.is_unnamed() => {
            "a message, and the name to answer to"
        }
        SystemCall::ReceiveMessage { .. } if value == 0 => {
            "nothing: the other end will send no more, or said nothing"
        }
        SystemCall::ReceiveMessage { .. } => {
            "what the other end sent; descriptors would come this way too"
        }
        _ => "the bytes are in the queue of the other end; whether they are read is not known",
    }
}

const fn shut(direction: Direction) -> &'static str {
    match direction {
        Direction::Write => {
            "half-close: the other end reads the end of the stream, and can still answer"
        }
        Direction::Read => "the other end can send no more",
        Direction::Both => "both directions end, though the descriptor stays open",
    }
}

const fn made(kind: Kind) -> &'static str {
    match kind {
        Kind::Stream => {
            "a descriptor for a new socket: no name, no peer yet; bytes will flow like in a pipe, both ways"
        }
        Kind::Datagram => {
            "a descriptor for a new socket: no name, no peer; it sends and receives whole messages"
        }
        Kind::Seqpacket => {
            "a descriptor for a new socket: no name, no peer yet; whole messages over a connection"
        }
    }
}

const fn bound(name: &Name) -> &'static str {
    match name {
        Name::Path(_) => {
            "the socket has a name now, and the name is a file: ls -l shows it with an s"
        }
        Name::Abstract(_) => {
            "the socket has a name now; it begins with a NUL byte, makes no file, and goes with the socket"
        }
        Name::Unnamed => {
            "the kernel chooses an abstract name, so that an answer can find this socket"
        }
    }
}

fn failure(call: &SystemCall<'_>, number: i32) -> &'static str {
    use rustix::io::Errno;
    let number = Errno::from_raw_os_error(number);
    match (call, number) {
        (SystemCall::Connect { .. }, Errno::CONNREFUSED) => {
            "nobody is bound to this name (with this kind of socket); a file may be left over: it is stale"
        }
        (SystemCall::Connect { .. }, Errno::NOENT) => "there is no file of this name",
        (SystemCall::Connect { .. }, Errno::PROTOTYPE) => {
            "somebody is bound to it, with another kind of socket"
        }
        (SystemCall::Connect { .. }, Errno::ACCESS) => {
            "to connect takes write permission on the file and search permission on every folder above"
        }
        (SystemCall::Bind { .. }, Errno::ADDRINUSE) => {
            "the name is taken: by a live socket, or a file left over"
        }
        (SystemCall::Accept { .. }, Errno::MFILE | Errno::NFILE) => {
            "a new socket needs a descriptor and none is left; the client stays in the queue"
        }
        (_, Errno::AGAIN) => "nothing to do yet: try again when the kernel says so",
        (_, Errno::PIPE) => "the other end reads no more",
        (_, Errno::CONNRESET) => "the other end closed without reading all that was sent to it",
        _ => "the kernel refuses",
    }
}

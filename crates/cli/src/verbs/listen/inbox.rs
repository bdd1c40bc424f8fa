//! Datagrams: senders with names that can be answered, and no clients.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt as _;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use sockeye_address::Name;
use sockeye_socket::{Datagram, Message};

use super::lines::{Begun, Lines};
use super::typed::Typed;
use super::{Plan, Service};
use crate::Exit;
use crate::error::{Error, error_with};
use crate::terminal::note;
use crate::verbs::connect::MESSAGE_BYTES;
use crate::verbs::talk::passed::Passed;
use crate::verbs::talk::refusal::refused;
use crate::verbs::talk::stop::Stop;

/// What is typed goes to this many of the senders that were heard first.
const SENDERS: usize = 4096;

/// Serves until a signal comes, or one message has.
pub(crate) fn serve(plan: &Plan, socket: Datagram, stop: &Stop) -> Result<Exit, Error> {
    socket.set_nonblocking(true).map_err(refused)?;
    let mut inbox = Inbox {
        plan,
        socket,
        stop,
        lines: Lines::new(!matches!(plan.service, Service::Print { labels: false })),
        passed: Passed::new(None),
        senders: BTreeSet::new(),
        buffer: vec![0; MESSAGE_BYTES],
    };
    let mut typed = match plan.service {
        Service::Print { .. } => Some(Typed::start()?),
        _ => None,
    };
    loop {
        let (stopped, arrived, has_line) = inbox.wait(typed.as_ref())?;
        if stopped {
            break;
        }
        if arrived && inbox.receive()? && plan.once {
            break;
        }
        if has_line {
            match typed.as_ref().and_then(Typed::line) {
                Some(line) => inbox.send_to_all(&line),
                None => typed = None,
            }
        }
    }
    inbox.socket.close().map_err(refused)?;
    Ok(Exit::Success)
}

struct Inbox<'a> {
    plan: &'a Plan,
    socket: Datagram,
    stop: &'a Stop,
    lines: Lines,
    passed: Passed,
    senders: BTreeSet<Name>,
    buffer: Vec<u8>,
}

impl Inbox<'_> {
    fn wait(&self, typed: Option<&Typed>) -> Result<(bool, bool, bool), Error> {
        let mut watched = vec![
            PollFd::new(self.stop, PollFlags::IN),
            PollFd::new(&self.socket, PollFlags::IN),
        ];
        // Input waits until there is somebody to send it to.
        if let Some(typed) = typed.filter(|_| !self.senders.is_empty()) {
            watched.push(PollFd::new(typed, PollFlags::IN));
        }
        loop {
            match poll(&mut watched, None) {
                Err(Errno::INTR) => {}
                Err(number) => return Err(Error::failure(error_with("wait", number))),
                Ok(_) => break,
            }
        }
        let ready = |at: usize| watched.get(at).is_some_and(|fd| !fd.revents().is_empty());
        Ok((ready(0), ready(1), ready(2)))
    }

    /// Whether a message was there.
    fn receive(&mut self) -> Result<bool, Error> {
        let message = match self.socket.receive(&mut self.buffer) {
            Err(error) if error.would_block() => return Ok(false),
            answer => answer.map_err(refused)?,
        };
        let label = message.sender.to_string();
        if message.is_cut() {
            let (kept, full) = (message.length_bytes, message.full_length_bytes);
            note(format_args!(
                "{label}: message of {full} bytes: only the first {kept} could be taken"
            ));
        }
        let whose = format!("{label}: ");
        if message.descriptors_lost {
            Passed::lost(&whose);
        }
        let data = &self.buffer[..message.length_bytes];
        if self.plan.service == Service::Echo {
            self.answer(&message, data);
        } else {
            let mut begun = Begun::default();
            self.lines.print(&label, &mut begun, data, self.stop)?;
            self.lines.finish(&label, &mut begun, self.stop)?;
        }
        if can_be_answered(&message.sender) && self.senders.len() < SENDERS {
            self.senders.insert(message.sender);
        }
        self.passed
            .show(message.descriptors, &whose, Some(self.stop))?;
        Ok(true)
    }

    fn answer(&self, message: &Message, data: &[u8]) {
        let sender = &message.sender;
        if !can_be_answered(sender) {
            self.plan.say(format_args!(
                "{sender}: cannot be answered, it has no name that means anything here"
            ));
        } else if let Err(error) = self.socket.send_to(data, sender) {
            self.plan.say(Error::failure(error));
        }
    }

    fn send_to_all(&mut self, line: &[u8]) {
        let (socket, plan) = (&self.socket, self.plan);
        self.senders
            .retain(|sender| match socket.send_to(line, sender) {
                Ok(()) => true,
                Err(error) if error.would_block() => {
                    plan.say(format_args!(
                        "{sender} does not read: a line is left out for it"
                    ));
                    true
                }
                Err(_) => false,
            });
    }
}

/// A long name is one that only its owner's `/proc/self` resolves; here it would lead to a descriptor of ours.
fn can_be_answered(sender: &Name) -> bool {
    match sender {
        Name::Unnamed => false,
        Name::Abstract(_) => true,
        Name::Path(path) => {
            path.is_absolute() && !path.as_os_str().as_bytes().starts_with(b"/proc/self/")
        }
    }
}

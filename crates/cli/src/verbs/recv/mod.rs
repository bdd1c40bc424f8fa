//! `sockeye recv`

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use sockeye_address::{Kind, UnixAddress};
use sockeye_socket::{BindOptions, Connection, Datagram, Listener, Message};

use crate::address::{KindFlags, unix_address};
use crate::error::Error;
use crate::terminal::note;
use crate::verbs::connect::{MESSAGE_BYTES, seconds};
use crate::verbs::talk::bound::BoundArguments;
use crate::verbs::talk::passed::{Passed, WriteTo};
use crate::verbs::talk::refusal::refused;
use crate::verbs::talk::screen::Screen;
use crate::verbs::talk::stop::{Stop, Woken};
use crate::{Exit, explain};

/// Bind, receive one message or stream, print it and leave
///
/// Without a kind it makes a stream socket and receives one stream until its end; `send` finds the kind out by itself.
/// Of datagram and seqpacket sockets it receives one message. Into a pipe the bytes go unchanged, one message after the
/// other; on a terminal each begins on a new line and can do no harm.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Arguments {
    /// The socket to make; a stream unless another kind is said
    #[arg(value_name = "ADDRESS")]
    pub address: OsString,
    #[command(flatten)]
    pub kind: KindFlags,
    /// Receive this many messages (or streams) before leaving
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "follow")]
    pub count: u64,
    /// Receive until interrupted
    #[arg(long)]
    pub follow: bool,
    /// Write the content of handed descriptors into new files in DIR, or to standard output (-)
    #[arg(long, value_name = "DIR")]
    pub write_fds: Option<PathBuf>,
    /// Leave with status 4 when nothing has arrived for this long
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,
    /// Do not say when the socket is ready
    #[arg(long, short)]
    pub quiet: bool,
    /// Show every system call and what it means
    #[arg(long)]
    pub explain: bool,
    #[command(flatten)]
    pub bound: BoundArguments,
}

/// What the arguments mean.
struct Plan {
    address: UnixAddress,
    kind: Kind,
    bind: BindOptions,
    /// `None`: no end.
    count: Option<u64>,
    timeout: Option<Duration>,
    quiet: bool,
}

impl Plan {
    fn resolve(arguments: &Arguments) -> Result<Self, Error> {
        let address = unix_address(&arguments.address, arguments.kind, "recv")?;
        let bind = arguments
            .bound
            .resolve(&address, explain::life(arguments.explain))?;
        Ok(Plan {
            kind: address.kind.unwrap_or(Kind::Stream),
            address,
            bind,
            count: (!arguments.follow).then_some(arguments.count),
            timeout: arguments.timeout,
            quiet: arguments.quiet,
        })
    }
}

/// Runs the verb.
pub(crate) fn run(arguments: Arguments) -> Result<Exit, Error> {
    let plan = Plan::resolve(&arguments)?;
    let stop = Stop::on_signals()?;
    let mut receiver = Receiver {
        screen: Screen::new(),
        passed: Passed::new(arguments.write_fds.map(WriteTo::from)),
        buffer: vec![0; MESSAGE_BYTES],
        left: plan.count,
        stop,
        timeout: plan.timeout,
    };
    let ended = if plan.kind == Kind::Datagram {
        let inbox = Datagram::bind(&plan.address.name, &plan.bind).map_err(refused)?;
        ready(&plan);
        let ended = receiver.datagrams(&inbox);
        inbox.close().map_err(refused)?;
        ended
    } else {
        let listener =
            Listener::bind(&plan.address.name, plan.kind, &plan.bind).map_err(refused)?;
        ready(&plan);
        let ended = receiver.clients(&listener);
        listener.close().map_err(refused)?;
        ended
    };
    // Someone who asked for no end has got what was wanted when it is interrupted.
    ended.map(|exit| {
        if arguments.follow && matches!(exit, Exit::Signal(_)) {
            Exit::Success
        } else {
            exit
        }
    })
}

fn ready(plan: &Plan) {
    if !plan.quiet {
        note(format_args!("listening on {}", plan.address.name));
    }
}

struct Receiver {
    screen: Screen,
    passed: Passed,
    buffer: Vec<u8>,
    /// How many more are wanted.
    left: Option<u64>,
    stop: Stop,
    timeout: Option<Duration>,
}

impl Receiver {
    fn datagrams(&mut self, inbox: &Datagram) -> Result<Exit, Error> {
        while self.left != Some(0) {
            if let Some(exit) = self.wait(inbox)? {
                return Ok(exit);
            }
            let message = inbox.receive(&mut self.buffer).map_err(refused)?;
            self.show(message)?;
            self.end_one()?;
        }
        Ok(Exit::Success)
    }

    fn clients(&mut self, listener: &Listener) -> Result<Exit, Error> {
        while self.left != Some(0) {
            if let Some(exit) = self.wait(listener)? {
                return Ok(exit);
            }
            let client = listener.accept().map_err(refused)?;
            if let Some(exit) = self.client(&client)? {
                return Ok(exit);
            }
        }
        Ok(Exit::Success)
    }

    /// Receives what one client says; `Some` when the program is to end for it.
    fn client(&mut self, client: &Connection) -> Result<Option<Exit>, Error> {
        while self.left != Some(0) {
            if let Some(exit) = self.wait(client)? {
                return Ok(Some(exit));
            }
            let message = client.receive_message(&mut self.buffer).map_err(refused)?;
            let keeps_boundaries = client.kind().keeps_boundaries();
            if message.is_empty() && (!keeps_boundaries || client.is_at_end().map_err(refused)?) {
                if !keeps_boundaries {
                    self.end_one()?;
                }
                return Ok(None);
            }
            self.show(message)?;
            if keeps_boundaries {
                self.end_one()?;
            }
        }
        Ok(None)
    }

    fn show(&mut self, message: Message) -> Result<(), Error> {
        if message.is_cut() {
            let (kept, full) = (message.length_bytes, message.full_length_bytes);
            note(format_args!(
                "message of {full} bytes: only the first {kept} could be taken"
            ));
        }
        let stop = Some(&self.stop);
        self.screen
            .write(&self.buffer[..message.length_bytes], stop)?;
        if message.descriptors_lost {
            Passed::lost("");
        }
        self.passed.show(message.descriptors, "", stop)
    }

    /// One message, or one stream, is complete.
    fn end_one(&mut self) -> Result<(), Error> {
        self.left = self.left.map(|left| left.saturating_sub(1));
        self.screen.end(Some(&self.stop))
    }

    fn wait(&self, fd: &impl std::os::fd::AsFd) -> Result<Option<Exit>, Error> {
        let deadline = self
            .timeout
            .and_then(|timeout| Instant::now().checked_add(timeout));
        Ok(match self.stop.wait(fd.as_fd(), PollFlags::IN, deadline)? {
            Woken::Ready => None,
            Woken::Stopped => self.stop.exit().or(Some(Exit::Success)),
            Woken::TimedOut => return Err(Error::timed_out("receive: nothing arrived in time")),
        })
    }
}

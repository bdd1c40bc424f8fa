//! Many clients at once, in one thread.

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use rustix::process::Rlimit;
use sockeye_privilege::Names;
use sockeye_socket::{Connection, Error as SocketError, Listener};

use super::child::{self, Served, Situation};
use super::client::{self, Client};
use super::lines::Lines;
use super::typed::Typed;
use super::{Plan, Service};
use crate::Exit;
use crate::error::{Error, error_with};
use crate::terminal::note;
use crate::verbs::connect::MESSAGE_BYTES;
use crate::verbs::talk::passed::Passed;
use crate::verbs::talk::peer::Peer;
use crate::verbs::talk::refusal::refused;
use crate::verbs::talk::stop::{Stop, out_of_the_way, timespec};

/// What an event is about. Clients and commands have their numbers, from 1, behind these.
const STOP: u64 = 0;
const LISTENER: u64 = 1;
const TYPED: u64 = 2;
const FIRST_CLIENT: u64 = 3;

/// A line that does not end is shown to a person after this long.
const BEGUN_LINE_WAIT: Duration = Duration::from_millis(200);
/// How long to wait for descriptors that another process may give back.
const EXHAUSTED_WAIT: Duration = Duration::from_secs(1);
/// Clients accepted before others get their turn.
const ACCEPTS_IN_A_ROW: usize = 64;

/// Serves until a signal comes, or one client has left.
pub(crate) fn serve(
    plan: Plan,
    listener: Listener,
    stop: Stop,
    limit: Rlimit,
) -> Result<Exit, Error> {
    let mut server = Server::new(plan, listener, stop, limit)?;
    let outcome = server.run();
    child::end_all(server.commands.drain().map(|(_, served)| served));
    if let Some(listener) = server.listener.take() {
        listener.close().map_err(refused)?;
    }
    outcome
}

struct Server {
    plan: Plan,
    /// Gone once no more clients are wanted.
    listener: Option<Listener>,
    stop: Stop,
    limit: Rlimit,
    epoll: OwnedFd,
    clients: HashMap<u64, Client>,
    commands: HashMap<u64, Served>,
    typed: Option<Typed>,
    /// Whether epoll watches the listener, and the input.
    accepting: bool,
    hearing: bool,
    /// Whether the last accept found no descriptor left.
    exhausted: bool,
    last_number: u64,
    lines: Lines,
    passed: Passed,
    names: Names,
    buffer: Vec<u8>,
    /// How the only command ended.
    once_exit: Exit,
}

impl Server {
    fn new(plan: Plan, listener: Listener, stop: Stop, limit: Rlimit) -> Result<Self, Error> {
        listener.set_nonblocking(true).map_err(refused)?;
        let typed = if matches!(plan.service, Service::Print { .. }) {
            Some(Typed::start()?)
        } else {
            None
        };
        let epoll = out_of_the_way(epoll::create(CreateFlags::CLOEXEC).map_err(cannot_wait)?);
        let data = EventData::new_u64;
        epoll::add(&epoll, &stop, data(STOP), EventFlags::IN).map_err(cannot_wait)?;
        epoll::add(&epoll, &listener, data(LISTENER), EventFlags::IN).map_err(cannot_wait)?;
        if let Some(typed) = &typed {
            epoll::add(&epoll, typed, data(TYPED), EventFlags::empty()).map_err(cannot_wait)?;
        }
        Ok(Server {
            lines: Lines::new(plan.service == Service::Print { labels: true }),
            plan,
            listener: Some(listener),
            stop,
            limit,
            epoll,
            clients: HashMap::new(),
            commands: HashMap::new(),
            typed,
            accepting: true,
            hearing: false,
            exhausted: false,
            last_number: 0,
            passed: Passed::new(None),
            names: Names::default(),
            buffer: vec![0; MESSAGE_BYTES],
            once_exit: Exit::Success,
        })
    }

    fn run(&mut self) -> Result<Exit, Error> {
        let mut events = Vec::with_capacity(256);
        loop {
            self.watch()?;
            events.clear();
            let timeout = self.timeout();
            match epoll::wait(
                &self.epoll,
                rustix::buffer::spare_capacity(&mut events),
                timeout.as_ref(),
            ) {
                Err(Errno::INTR) => continue,
                Err(number) => return Err(cannot_wait(number)),
                Ok(0) => self.time_passed()?,
                Ok(_) => {}
            }
            for event in &events {
                if self.stop.exit().is_some() {
                    return Ok(Exit::Success);
                }
                self.serve_event(event)?;
            }
            if self.stop.exit().is_some() {
                return Ok(Exit::Success);
            }
            if self.listener.is_none() && self.clients.is_empty() && self.commands.is_empty() {
                return Ok(self.once_exit);
            }
        }
    }

    fn serve_event(&mut self, event: &Event) -> Result<(), Error> {
        match event.data.u64() {
            STOP => Ok(()),
            LISTENER => self.accept(),
            TYPED => self.pass_on_typed(),
            token => {
                let number = token - FIRST_CLIENT;
                if let Some(served) = self.commands.remove(&number) {
                    self.command_ended(served);
                    return Ok(());
                }
                self.serve_client(number, event.flags)
            }
        }
    }

    /// Tells epoll what is of interest now.
    fn watch(&mut self) -> Result<(), Error> {
        let busy = self.clients.len() + self.commands.len();
        let accepting = !self.exhausted && self.plan.max_clients.is_none_or(|most| busy < most);
        if let Some(listener) = self
            .listener
            .as_ref()
            .filter(|_| accepting != self.accepting)
        {
            watch(&self.epoll, listener, LISTENER, accepting)?;
            self.accepting = accepting;
        }
        // Input waits until there is somebody to send it to, at the pace of whoever reads fastest.
        let hearing = self.typed.is_some() && self.clients.values().any(Client::listens);
        if let Some(typed) = self.typed.as_ref().filter(|_| hearing != self.hearing) {
            watch(&self.epoll, typed, TYPED, hearing)?;
            self.hearing = hearing;
        }
        Ok(())
    }

    fn timeout(&self) -> Option<Timespec> {
        let begun = self.lines.shows_begun_lines()
            && self.clients.values().any(|client| !client.begun.is_empty());
        match (begun, self.exhausted) {
            (true, _) => Some(timespec(BEGUN_LINE_WAIT)),
            (_, true) => Some(timespec(EXHAUSTED_WAIT)),
            _ => None,
        }
    }

    fn time_passed(&mut self) -> Result<(), Error> {
        if self.lines.shows_begun_lines() {
            for client in self.clients.values_mut() {
                self.lines
                    .finish(&client.label, &mut client.begun, &self.stop)?;
            }
        }
        if self.exhausted {
            self.accept()
        } else {
            Ok(())
        }
    }

    fn accept(&mut self) -> Result<(), Error> {
        for _ in 0..ACCEPTS_IN_A_ROW {
            let busy = self.clients.len() + self.commands.len();
            let Some(listener) = self
                .listener
                .as_ref()
                .filter(|_| self.plan.max_clients.is_none_or(|most| busy < most))
            else {
                return Ok(());
            };
            match listener.try_accept() {
                Ok(None) => {
                    self.exhausted = false;
                    return Ok(());
                }
                Ok(Some(connection)) => {
                    if std::mem::take(&mut self.exhausted) {
                        note("accepting again");
                    }
                    self.welcome(connection)?;
                }
                Err(error @ SocketError::Exhausted { .. }) => {
                    self.exhaust(error);
                    return Ok(());
                }
                Err(error) => return Err(refused(error)),
            }
        }
        Ok(())
    }

    /// Says once that nobody can be accepted.
    fn exhaust(&mut self, error: SocketError) {
        if !std::mem::replace(&mut self.exhausted, true) {
            let served = self.clients.len() + self.commands.len();
            note(format_args!(
                "{}: {served} clients are served, the next waits in the queue until there is room",
                Error::failure(error)
            ));
        }
    }

    fn welcome(&mut self, connection: Connection) -> Result<(), Error> {
        self.last_number += 1;
        let number = self.last_number;
        let peer = Peer::of(&connection, number, &mut self.names);
        self.plan.say(format_args!("{peer} connected"));
        if self.plan.once {
            // Nobody else will be served: who comes now is refused instead of waiting for nothing.
            self.listener
                .take()
                .map_or(Ok(()), Listener::close)
                .map_err(refused)?;
        }
        let token = EventData::new_u64(FIRST_CLIENT + number);
        if let Service::Exec(command) = &self.plan.service {
            let (name, kind, limit) = (&self.plan.address.name, self.plan.kind, self.limit);
            match (Situation {
                command,
                name,
                kind,
                limit,
            })
            .start(&connection, peer)
            {
                Ok(served) => {
                    epoll::add(&self.epoll, &served, token, EventFlags::IN).map_err(cannot_wait)?;
                    self.commands.insert(number, served);
                }
                // The client is let go; the others are no worse off.
                Err(error) => note(error),
            }
            return Ok(());
        }
        connection.set_nonblocking(true).map_err(refused)?;
        let mut client = Client::new(connection, &peer, self.plan.service == Service::Echo);
        client.watched = client.interest();
        epoll::add(&self.epoll, &client.connection, token, client.watched).map_err(cannot_wait)?;
        self.clients.insert(number, client);
        Ok(())
    }

    fn serve_client(&mut self, number: u64, flags: EventFlags) -> Result<(), Error> {
        let Some(client) = self.clients.get_mut(&number) else {
            return Ok(());
        };
        let mut outcome = Ok(());
        if flags.contains(EventFlags::OUT) {
            client.flush();
        }
        let readable = flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR);
        if readable && client.interest().contains(EventFlags::IN) {
            match client.connection.receive_message(&mut self.buffer) {
                Ok(message) => outcome = self.take(number, message)?,
                Err(error) if error.would_block() => {}
                Err(error) => outcome = Err(error),
            }
        } else if flags.intersects(EventFlags::HUP | EventFlags::ERR) {
            // Nobody is left to send to, and nothing more is read from it.
            if let Some(client) = self.clients.get_mut(&number) {
                client.flush();
                client.end();
            }
        }
        self.settle(number, outcome)
    }

    /// Serves what a client sent. The outer result ends the server, the inner one only the client.
    fn take(
        &mut self,
        number: u64,
        message: sockeye_socket::Message,
    ) -> Result<Result<(), SocketError>, Error> {
        let Some(client) = self.clients.get_mut(&number) else {
            return Ok(Ok(()));
        };
        if message.is_empty() {
            match client.connection.is_at_end() {
                Ok(true) => {
                    client.end();
                    return Ok(Ok(()));
                }
                Ok(false) => {}
                Err(error) => return Ok(Err(error)),
            }
        }
        if message.is_cut() {
            let (kept, full) = (message.length_bytes, message.full_length_bytes);
            note(format_args!(
                "{}: message of {full} bytes: only the first {kept} could be taken",
                client.label
            ));
        }
        let whose = format!("{}: ", client.label);
        if message.descriptors_lost {
            Passed::lost(&whose);
        }
        let data = &self.buffer[..message.length_bytes];
        if self.plan.service == Service::Echo {
            client.send(data);
            return Ok(Ok(()));
        }
        self.lines
            .print(&client.label, &mut client.begun, data, &self.stop)?;
        if self.plan.kind.keeps_boundaries() {
            self.lines
                .finish(&client.label, &mut client.begun, &self.stop)?;
        }
        self.passed
            .show(message.descriptors, &whose, Some(&self.stop))?;
        Ok(Ok(()))
    }

    /// Lets a client go that is done or lost, and tells epoll what the others wait for.
    fn settle(&mut self, number: u64, outcome: Result<(), SocketError>) -> Result<(), Error> {
        let Some(client) = self.clients.get_mut(&number) else {
            return Ok(());
        };
        if outcome.is_err() || client.is_done() {
            return self.let_go(number, outcome.err());
        }
        let interest = client.interest();
        if interest != client.watched {
            let token = EventData::new_u64(FIRST_CLIENT + number);
            epoll::modify(&self.epoll, &client.connection, token, interest).map_err(cannot_wait)?;
            client.watched = interest;
        }
        Ok(())
    }

    fn let_go(&mut self, number: u64, error: Option<SocketError>) -> Result<(), Error> {
        let Some(mut client) = self.clients.remove(&number) else {
            return Ok(());
        };
        self.lines
            .finish(&client.label, &mut client.begun, &self.stop)?;
        match error.or(client.take_loss()).map(Error::failure) {
            Some(error) => self
                .plan
                .say(format_args!("{} left: {error}", client.label)),
            None => self.plan.say(format_args!("{} left", client.label)),
        }
        drop(client);
        // There may be room for one that waits.
        if self.exhausted {
            self.accept()
        } else {
            Ok(())
        }
    }

    fn command_ended(&mut self, served: Served) {
        let label = served.peer.label();
        match served.reap() {
            Some(status) => {
                if !status.success() {
                    self.once_exit = Exit::Failure;
                }
                self.plan.say(format_args!("{label} left: {status}"));
            }
            None => self.plan.say(format_args!("{label} left")),
        }
        if self.exhausted {
            self.exhausted = false;
            note("accepting again");
        }
    }

    fn pass_on_typed(&mut self) -> Result<(), Error> {
        let Some(line) = self.typed.as_ref().and_then(Typed::line) else {
            self.typed = None;
            return Ok(());
        };
        let numbers: Vec<_> = self.clients.keys().copied().collect();
        for number in numbers {
            let Some(client) = self.clients.get_mut(&number) else {
                continue;
            };
            match client.send_typed(&line) {
                client::Typed::FirstLeftOut => {
                    note(format_args!(
                        "{} does not read: what is typed is left out for it",
                        client.label
                    ));
                }
                client::Typed::CaughtUp { lines } => {
                    note(format_args!(
                        "{} reads again: {lines} typed lines were left out",
                        client.label
                    ));
                }
                _ => {}
            }
            self.settle(number, Ok(()))?;
        }
        Ok(())
    }
}

fn watch(epoll: &OwnedFd, fd: impl AsFd, token: u64, wanted: bool) -> Result<(), Error> {
    let flags = if wanted {
        EventFlags::IN
    } else {
        EventFlags::empty()
    };
    epoll::modify(epoll, fd, EventData::new_u64(token), flags).map_err(cannot_wait)
}

fn cannot_wait(number: Errno) -> Error {
    Error::failure(error_with("wait for clients", number))
}

//! The server that sends back what comes: one thread, any number of connections.

use std::collections::HashMap;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::event::epoll;
use rustix::io::Errno;
use rustix::net::{SocketFlags, accept_with};

use crate::Outcome;

/// The number under which the listener is watched; no descriptor has it.
const LISTENER: u64 = u64::MAX;
/// More than one message of any client of ours.
const ROOM: usize = 64 * 1024;

/// Serves until it is killed.
pub(super) fn serve(listener: impl AsFd) -> Outcome {
    let watch = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let interest = epoll::EventFlags::IN;
    rustix::io::ioctl_fionbio(&listener, true)?;
    epoll::add(
        &watch,
        &listener,
        epoll::EventData::new_u64(LISTENER),
        interest,
    )?;
    let mut clients = HashMap::new();
    let mut room = vec![MaybeUninit::uninit(); 512];
    let mut buffer = vec![0; ROOM];
    loop {
        let (events, _) = epoll::wait(&watch, room.as_mut_slice(), None)?;
        for event in events {
            let number = event.data.u64();
            if number == LISTENER {
                for client in arrivals(&listener)? {
                    let number = u64::try_from(client.as_raw_fd())?;
                    epoll::add(&watch, &client, epoll::EventData::new_u64(number), interest)?;
                    clients.insert(number, client);
                }
            } else if clients
                .get(&number)
                .is_some_and(|client| !send_back(client, &mut buffer))
            {
                // Closing it also ends the watch.
                clients.remove(&number);
            }
        }
    }
}

/// Everyone who waits. Fails when descriptors run out: then the measurement means nothing.
fn arrivals(listener: impl AsFd) -> Outcome<Vec<OwnedFd>> {
    let mut arrivals = Vec::new();
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    loop {
        match accept_with(&listener, flags) {
            Ok(client) => arrivals.push(client),
            Err(Errno::AGAIN) => return Ok(arrivals),
            Err(Errno::CONNABORTED | Errno::INTR) => {}
            Err(cause) => return Err(format!("echo: accept: {cause}").into()),
        }
    }
}

/// Whether the client is still there. Its next message comes after our answer, so there is always room for that.
fn send_back(client: &OwnedFd, buffer: &mut [u8]) -> bool {
    match rustix::io::read(client, &mut *buffer) {
        Ok(0) => false,
        Ok(count) => rustix::io::write(client, &buffer[..count]) == Ok(count),
        Err(cause) => cause == Errno::AGAIN,
    }
}

//! A terminal: what a person types and sees at one end, what a program reads and writes at the other.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};

/// Far beyond what a slow machine needs.
const PATIENCE: Timespec = Timespec {
    tv_sec: 60,
    tv_nsec: 0,
};

/// What a terminal is told when a line begins to be edited (bracketed paste on).
pub(crate) const PROMPTED: &str = "\x1b[?2004h";

/// The end of the person and everything seen at it, and the end of the program.
pub(crate) fn terminal() -> (Person, OwnedFd) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let person = openpt(flags).unwrap();
    grantpt(&person).unwrap();
    unlockpt(&person).unwrap();
    let program = ioctl_tiocgptpeer(&person, flags).unwrap();
    let person = Person {
        end: File::from(person),
        seen: String::new(),
    };
    (person, program)
}

/// Somebody at a terminal.
pub(crate) struct Person {
    end: File,
    pub(crate) seen: String,
}

impl Person {
    pub(crate) fn types(&mut self, keys: &[u8]) {
        std::io::Write::write_all(&mut self.end, keys).unwrap();
    }

    /// Waits until `text` has been seen `times` times.
    #[track_caller]
    pub(crate) fn sees(&mut self, text: &str, times: usize) {
        assert!(self.looks(text, times), "{text:?} in {:?}", self.seen);
    }

    /// Whether `text` is seen before patience ends.
    pub(crate) fn soon_sees(&mut self, text: &str) -> bool {
        self.looks(text, 1)
    }

    fn looks(&mut self, text: &str, times: usize) -> bool {
        while self.seen.matches(text).count() < times {
            let mut watched = [PollFd::new(&self.end, PollFlags::IN)];
            if poll(&mut watched, Some(&PATIENCE)).unwrap() == 0 {
                return false;
            }
            let mut buffer = [0; 1024];
            let length = self.end.read(&mut buffer).unwrap();
            self.seen
                .push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
        true
    }
}

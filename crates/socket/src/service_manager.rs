//! Telling the service manager how the service does (`sd_notify(3)`).

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use sockeye_address::escape::escape;
use sockeye_address::{AbstractName, Name};

use crate::activation::unreadable;
use crate::{Datagram, Error, Life};

const VARIABLE: &str = "NOTIFY_SOCKET";

/// How the service does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum State<'a> {
    /// It serves, after its start or after a reload.
    Ready,
    /// It reads its configuration again; [`State::Ready`] follows. Carries the time, which `Type=notify-reload` wants.
    Reloading,
    /// It ends, which may take a while.
    Stopping,
    /// What it does, in a line for people; what would not fit in one is escaped.
    Status(&'a str),
    /// Another process is the service from now on.
    MainProcess(u32),
}

impl fmt::Display for State<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            State::Ready => f.write_str("READY=1"),
            State::Reloading => {
                let now = Duration::try_from(clock_gettime(ClockId::Monotonic)).unwrap_or_default();
                write!(f, "RELOADING=1\nMONOTONIC_USEC={}", now.as_micros())
            }
            State::Stopping => f.write_str("STOPPING=1"),
            State::Status(text) => write!(f, "STATUS={}", escape(text.as_bytes(), "")),
            State::MainProcess(pid) => write!(f, "MAINPID={pid}"),
        }
    }
}

/// The way to the service manager that waits for word of this process.
///
/// ```
/// use sockeye_socket::{BindOptions, Datagram, Name, Notifier, State};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("notify");
/// let manager = Datagram::bind(&Name::Path(path.clone()), &BindOptions::new())?;
/// let notifier = Notifier::parse(Some(path.as_os_str()))?.ok_or("no manager")?;
/// notifier.tell(&[State::Ready, State::Status("relaying")])?;
///
/// let mut buffer = [0; 64];
/// let length = manager.receive(&mut buffer)?.length_bytes;
/// assert_eq!(&buffer[..length], b"READY=1\nSTATUS=relaying");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notifier {
    manager: Name,
}

impl Notifier {
    /// Reads `$NOTIFY_SOCKET`; `None` when nobody waits for word.
    ///
    /// # Errors
    /// [`Error::Variable`] when it is no address of a Unix socket.
    pub fn from_environment() -> Result<Option<Self>, Error> {
        Notifier::parse(std::env::var_os(VARIABLE).as_deref())
    }

    /// Reads the value of `$NOTIFY_SOCKET`: an absolute path, or an abstract name behind an `@`.
    ///
    /// # Errors
    /// As [`Self::from_environment`]; so for the `vsock:` of virtual machines.
    pub fn parse(value: Option<&OsStr>) -> Result<Option<Self>, Error> {
        let Some(value) = value else {
            return Ok(None);
        };
        let refused = |problem| unreadable(VARIABLE, value, problem);
        let manager = match value.as_bytes() {
            [] => return Ok(None),
            [b'/', ..] => Name::Path(PathBuf::from(value)),
            [b'@', name @ ..] => AbstractName::new(name)
                .map(Name::Abstract)
                .map_err(|_| refused("it is too long for an abstract name"))?,
            _ => return Err(refused("it is neither a path nor an abstract name")),
        };
        Ok(Some(Notifier { manager }))
    }

    /// Tells all `states` in one message. It waits while the queue of the service manager is full.
    ///
    /// # Errors
    /// The service manager cannot be reached. The service itself can go on.
    pub fn tell(&self, states: &[State<'_>]) -> Result<(), Error> {
        let lines: Vec<String> = states.iter().map(State::to_string).collect();
        Datagram::unbound(&Life::default())?.send_to(lines.join("\n").as_bytes(), &self.manager)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::BindOptions;

    #[rstest]
    #[case(None)]
    #[case(Some(""))]
    fn without_a_socket_nobody_waits(#[case] value: Option<&str>) {
        assert_eq!(Notifier::parse(value.map(OsStr::new)).unwrap(), None);
    }

    #[rstest]
    #[case("/run/systemd/notify", "/run/systemd/notify")]
    #[case(
        "@/org/freedesktop/systemd1/notify",
        "@/org/freedesktop/systemd1/notify"
    )]
    fn a_path_and_an_abstract_name_are_read(#[case] value: &str, #[case] expected: &str) {
        let notifier = Notifier::parse(Some(OsStr::new(value))).unwrap().unwrap();
        assert_eq!(notifier.manager.to_string(), expected);
    }

    #[rstest]
    #[case("vsock:2:1234", "it is neither a path nor an abstract name")]
    #[case("run/notify", "it is neither a path nor an abstract name")]
    #[case(&format!("@{}", "n".repeat(108)), "it is too long for an abstract name")]
    fn other_addresses_are_refused(#[case] value: &str, #[case] problem: &str) {
        let error = Notifier::parse(Some(OsStr::new(value))).unwrap_err();
        let expected = format!("read NOTIFY_SOCKET={value}: {problem}");
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_message_arrives_at_an_abstract_name_and_a_status_stays_in_its_line() {
        let manager = Datagram::bind(&Name::Unnamed, &BindOptions::new()).unwrap();
        let Name::Abstract(name) = manager.name() else {
            panic!("the kernel chooses abstract names");
        };
        let value = [b"@".as_slice(), name.as_bytes()].concat();
        let notifier = Notifier::parse(Some(OsStr::from_bytes(&value)))
            .unwrap()
            .unwrap();
        let states = [
            State::Reloading,
            State::Status("a\nREADY=1"),
            State::MainProcess(7),
        ];
        notifier.tell(&states).unwrap();
        let mut buffer = [0; 128];
        let length = manager.receive(&mut buffer).unwrap().length_bytes;
        let text = std::str::from_utf8(&buffer[..length]).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].starts_with("MONOTONIC_USEC="));
        assert_eq!(
            (lines[0], &lines[2..]),
            (
                "RELOADING=1",
                ["STATUS=a\\x0aREADY=1", "MAINPID=7"].as_slice()
            )
        );
    }
}

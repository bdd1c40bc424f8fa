//! Sockets that were open when the process started: those of the service manager, and those that a person names by
//! number.
//!
//! The service manager says in three environment variables what it has opened (`sd_listen_fds(3)`): `LISTEN_PID`, whom
//! it means; `LISTEN_FDS`, how many descriptors there are from 3 on; `LISTEN_FDNAMES`, what they are named, with colons
//! between. Children inherit the variables but are not meant by them.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::{Mutex, PoisonError};

use rustix::io::Errno;
use sockeye_address::escape::escape;

use crate::{Error, sys};

/// The first descriptor that the service manager hands over (`SD_LISTEN_FDS_START`).
const FIRST: i32 = 3;

/// What a descriptor is named when the service manager says nothing, as in `sd_listen_fds_with_names(3)`.
const UNNAMED: &str = "unknown";

/// A descriptor from the service manager.
#[derive(Debug)]
pub struct Inherited {
    /// What the service manager calls it: `FileDescriptorName=` of the socket unit, or else the unit. Several may have
    /// the same name.
    pub name: String,
    /// The descriptor, closed on exec. What it is says [`Nature::of`](crate::Nature::of).
    pub fd: OwnedFd,
}

/// Takes the descriptors that the service manager opened for this process, in its order. None when there are none or
/// they are another process's, and none when they were taken before: they are handed out once.
///
/// # Errors
/// [`Error::Variable`] when what is announced to this process cannot be understood, otherwise when a descriptor that is
/// announced is not there. Those before it are closed then.
///
/// # Examples
/// ```
/// use sockeye_socket::{Custody, Life, Listener, activation};
///
/// for inherited in activation::take()? {
///     let listener = Listener::adopt(inherited.fd, Custody::Theirs, &Life::default())?;
///     println!("{} is {}", inherited.name, listener.name());
/// }
/// assert!(activation::take()?.is_empty());
/// # Ok::<(), sockeye_socket::Error>(())
/// ```
pub fn take() -> Result<Vec<Inherited>, Error> {
    let announced = announced(std::process::id(), |variable| std::env::var_os(variable))?;
    let Some(Announced { count, names }) = announced else {
        return Ok(Vec::new());
    };
    let Some(descriptors) = sys::take_announced(FIRST, count) else {
        return Ok(Vec::new());
    };
    let names = names.into_iter().map(Some).chain(std::iter::repeat(None));
    let mut all = Vec::new();
    for ((fd, name), number) in descriptors.zip(names).zip(3..) {
        let name = name.unwrap_or_else(|| UNNAMED.to_owned());
        all.push(Inherited {
            name,
            fd: opened_before(number, fd)?,
        });
    }
    Ok(all)
}

/// A descriptor that whoever started the process left open for it, by its number: `fd:3`. What is returned is a
/// duplicate, closed on exec, and the original is closed on exec too, except for standard input, output and error.
///
/// The original stays open until the process ends, so the peer of a pipe or a connection sees no end by the mere closing
/// of the duplicate; [`Connection::shutdown`](crate::Connection::shutdown) tells it.
///
/// # Errors
/// The number is not open, or this process itself has opened it, or [`take`] has taken it.
///
/// # Examples
/// ```
/// use sockeye_socket::{Nature, activation};
/// let standard_error = activation::inherited_descriptor(2)?;
/// println!("{:?}", Nature::of(&standard_error)?);
/// assert!(activation::inherited_descriptor(1_000_000).is_err());
/// # Ok::<(), sockeye_socket::Error>(())
/// ```
pub fn inherited_descriptor(number: u32) -> Result<OwnedFd, Error> {
    let answer = i32::try_from(number)
        .map_err(|_| Errno::BADF)
        .and_then(duplicate);
    opened_before(number, answer)
}

/// `None` for what this process has opened.
fn duplicate(number: i32) -> Result<Option<OwnedFd>, Errno> {
    /// Those that were duplicated before: closed on exec, but not because this process had opened them.
    static KNOWN: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if sys::is_closed_on_exec(number)? && !known.contains(&number) {
        return Ok(None);
    }
    let duplicate = sys::duplicate(number)?;
    if number >= FIRST {
        sys::close_on_exec(number)?;
        known.insert(number);
    }
    Ok(Some(duplicate))
}

fn opened_before(number: u32, fd: Result<Option<OwnedFd>, Errno>) -> Result<OwnedFd, Error> {
    fd.map_err(|error| refused(number, error))?
        .ok_or(Error::Unfit {
            number,
            problem: "it was not open when the process started, or is taken already",
        })
}

fn refused(number: u32, error: Errno) -> Error {
    Error::call("use", &format_args!("descriptor {number}"), error)
}

/// What the service manager says.
#[derive(Debug, PartialEq, Eq)]
struct Announced {
    count: u32,
    /// As many as descriptors, or none.
    names: Vec<String>,
}

/// Reads the three variables; `None` when nothing is announced to the process `own_pid`.
fn announced(
    own_pid: u32,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<Announced>, Error> {
    let (Some(pid), Some(count)) = (variable("LISTEN_PID"), variable("LISTEN_FDS")) else {
        return Ok(None);
    };
    if number("LISTEN_PID", &pid)? != own_pid {
        return Ok(None);
    }
    let count = number("LISTEN_FDS", &count)?;
    let names = variable("LISTEN_FDNAMES").unwrap_or_default();
    if names.is_empty() {
        return Ok(Some(Announced {
            count,
            names: Vec::new(),
        }));
    }
    let refused = |problem| unreadable("LISTEN_FDNAMES", &names, problem);
    let text = names.to_str().ok_or_else(|| refused("it is no text"))?;
    let names: Vec<String> = text.split(':').map(str::to_owned).collect();
    if u32::try_from(names.len()) != Ok(count) {
        return Err(refused("it has not as many names as LISTEN_FDS says"));
    }
    Ok(Some(Announced { count, names }))
}

fn number(variable: &'static str, value: &OsStr) -> Result<u32, Error> {
    value
        .to_str()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| unreadable(variable, value, "it is no number"))
}

pub(crate) fn unreadable(variable: &'static str, value: &OsStr, problem: &'static str) -> Error {
    Error::Variable {
        variable,
        value: escape(value.as_bytes(), ""),
        problem,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn read(
        pid: Option<&str>,
        count: Option<&str>,
        names: Option<&str>,
    ) -> Result<Option<Announced>, Error> {
        announced(42, |variable| {
            let value = match variable {
                "LISTEN_PID" => pid,
                "LISTEN_FDS" => count,
                _ => names,
            };
            value.map(OsString::from)
        })
    }

    #[rstest]
    #[case(None, None, None)]
    #[case(None, Some("1"), None)]
    #[case(Some("42"), None, None)]
    #[case(Some("43"), Some("1"), Some("another process's"))]
    #[case(Some("43"), Some("nonsense for another process"), None)]
    fn nothing_is_announced_to_this_process(
        #[case] pid: Option<&str>,
        #[case] count: Option<&str>,
        #[case] names: Option<&str>,
    ) {
        assert_eq!(read(pid, count, names).unwrap(), None);
    }

    #[rstest]
    #[case("0", None, 0, &[])]
    #[case("2", None, 2, &[])]
    #[case("2", Some(""), 2, &[])]
    #[case("1", Some("web.socket"), 1, &["web.socket"])]
    #[case("3", Some("a::a"), 3, &["a", "", "a"])]
    fn the_descriptors_are_counted_and_named(
        #[case] count: &str,
        #[case] names: Option<&str>,
        #[case] expected_count: u32,
        #[case] expected_names: &[&str],
    ) {
        let announced = read(Some("42"), Some(count), names).unwrap().unwrap();
        assert_eq!(announced.count, expected_count);
        assert_eq!(announced.names, expected_names);
    }

    #[rstest]
    #[case("", "1", None, "read LISTEN_PID=: it is no number")]
    #[case("-1", "1", None, "read LISTEN_PID=-1: it is no number")]
    #[case("42", "+1", None, "read LISTEN_FDS=+1: it is no number")]
    #[case(
        "42",
        "4294967296",
        None,
        "read LISTEN_FDS=4294967296: it is no number"
    )]
    #[case("42", "1\n", None, "read LISTEN_FDS=1\\x0a: it is no number")]
    #[case(
        "42",
        "2",
        Some("one"),
        "read LISTEN_FDNAMES=one: it has not as many names as LISTEN_FDS says"
    )]
    fn what_cannot_be_understood_is_refused(
        #[case] pid: &str,
        #[case] count: &str,
        #[case] names: Option<&str>,
        #[case] expected: &str,
    ) {
        let error = read(Some(pid), Some(count), names).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_number_that_is_not_open_and_one_that_this_process_opened_are_refused() {
        let refused = |number| inherited_descriptor(number).unwrap_err();
        assert!(matches!(refused(1_000_000), Error::Call { .. }));
        assert!(matches!(refused(u32::MAX), Error::Call { .. }));
        let own = std::fs::File::open("/dev/null").unwrap();
        let number = crate::DescriptorNumber::of(&own).as_u32();
        assert!(matches!(refused(number), Error::Unfit { .. }));
    }

    #[test]
    fn a_number_that_was_open_before_is_duplicated_again_and_again() {
        // Without the flag it could have come through an exec.
        let original = rustix::io::dup(std::io::stderr()).unwrap();
        let number = crate::DescriptorNumber::of(&original).as_u32();
        for _ in 0..2 {
            let duplicate = inherited_descriptor(number).unwrap();
            let flags = rustix::io::fcntl_getfd(&duplicate).unwrap();
            assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
        }
        let flags = rustix::io::fcntl_getfd(&original).unwrap();
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
        // Closed, the number would be another file's, and other tests run.
        std::mem::forget(original);
    }
}

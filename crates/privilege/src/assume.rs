//! Run a closure as another user, wholly or to the peers of its sockets only.

use std::{io, panic, thread};

use nix::unistd;
use rustix::io::Errno;
use rustix::thread::{CapabilitySet, CapabilitySets, Gid, Uid};

use crate::{Error, User};

/// Runs `work` in a thread that is `user`: with their groups, and for anyone but root without capabilities, so that
/// the kernel answers as it would answer them. The other threads of the process keep their identity.
///
/// Two things remain the caller's: the security module's label of the process, and, when `user` is root, the
/// capabilities (root is only as mighty as the process that asks).
///
/// The kernel makes a process that changes the user of a thread undumpable (`kernel/cred.c`, `commit_creds`): from
/// then on others of its user cannot look into it, as with a set-user-ID program.
///
/// ```
/// use sockeye_privilege::{as_user, find_user};
/// if let Some(nobody) = find_user("nobody")? {
///     match as_user(&nobody, || std::fs::read("/etc/shadow").is_ok()) {
///         Ok(readable) => assert!(!readable),
///         Err(error) => assert!(error.is_permission_denied(), "only root may ask: {error}"),
///     }
/// }
/// # Ok::<(), sockeye_privilege::Error>(())
/// ```
///
/// # Errors
/// The kernel refused the identity, or could not start a thread.
///
/// # Panics
/// When `work` does.
///
/// # Privileges
/// `CAP_SETUID` and `CAP_SETGID`.
pub fn as_user<T: Send>(user: &User, work: impl FnOnce() -> T + Send) -> Result<T, Error> {
    in_thread(user.uid, || become_user(user), work)
}

/// Runs `work` in a thread that shows itself as `uid`, `gid` and `groups` to the peers of the sockets it connects
/// (`SO_PEERCRED`, `SO_PEERGROUPS`), and to who receives its messages (`SCM_CREDENTIALS`), but that reaches files with
/// the rights of the process: what is asked of the file of a socket is asked of the process, not of the user. The pid
/// that peers see is that of the process. The other threads keep their identity.
///
/// Of root's capabilities the thread keeps those for files only, and takes them up again with the file system user
/// (`cap_task_fix_setuid`, `security/commoncap.c`; `capabilities(7)`, "Effect of user ID changes"). A process that is not
/// root keeps its capabilities, but has the rights of `groups` instead of those of its own supplementary groups.
///
/// The kernel makes the process undumpable, as [`as_user`] does.
///
/// ```
/// use std::os::unix::net::UnixDatagram;
/// use sockeye_privilege::as_peer;
/// match as_peer(12345, 23456, &[34567], UnixDatagram::unbound) {
///     Ok(socket) => drop(socket?), // what it connects to now shows 12345
///     Err(error) => assert!(error.is_permission_denied(), "only root may: {error}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The kernel refused the identity, or could not start a thread.
///
/// # Panics
/// When `work` does.
///
/// # Privileges
/// `CAP_SETUID` and `CAP_SETGID`.
pub fn as_peer<T: Send>(
    uid: u32,
    gid: u32,
    groups: &[u32],
    work: impl FnOnce() -> T + Send,
) -> Result<T, Error> {
    in_thread(uid, || show_as(uid, gid, groups), work)
}

fn in_thread<T: Send>(
    uid: u32,
    prepare: impl FnOnce() -> rustix::io::Result<()> + Send,
    work: impl FnOnce() -> T + Send,
) -> Result<T, Error> {
    let failed = |source: io::Error| Error::Assume { uid, source };
    thread::scope(|scope| {
        let acting = || prepare().map(|()| work());
        let thread = thread::Builder::new()
            .spawn_scoped(scope, acting)
            .map_err(failed)?;
        match thread.join() {
            Ok(done) => done.map_err(|error| failed(error.into())),
            Err(cause) => panic::resume_unwind(cause),
        }
    })
}

/// The user goes last: without its old one the thread may no longer change its groups.
fn become_user(user: &User) -> rustix::io::Result<()> {
    let (uid, gid) = (Uid::from_raw(user.uid), Gid::from_raw(user.gid));
    let groups: Vec<Gid> = user.groups.iter().copied().map(Gid::from_raw).collect();
    rustix::thread::set_thread_groups(&groups)?;
    rustix::thread::set_thread_res_gid(gid, gid, gid)?;
    rustix::thread::set_thread_res_uid(uid, uid, uid)?;
    if uid.is_root() {
        return Ok(());
    }
    // They fall away by themselves only when root was left; a program with file capabilities would keep them.
    let none = CapabilitySet::empty();
    rustix::thread::set_capabilities(
        None,
        CapabilitySets {
            effective: none,
            permitted: none,
            inheritable: none,
        },
    )
}

/// Each effective number takes the file system's along with it, so that one is set back right after. The user goes last:
/// without its old one the thread may no longer change its groups, but may always go back to its real user's files.
fn show_as(uid: u32, gid: u32, groups: &[u32]) -> rustix::io::Result<()> {
    if uid == u32::MAX || gid == u32::MAX {
        // To the kernel it means "leave as it is".
        return Err(Errno::INVAL);
    }
    let files = FileRights::of_this_thread();
    let groups: Vec<Gid> = groups.iter().copied().map(Gid::from_raw).collect();
    rustix::thread::set_thread_groups(&groups)?;
    rustix::thread::set_thread_res_gid(None, Gid::from_raw(gid), None)?;
    unistd::setfsgid(files.gid);
    rustix::thread::set_thread_res_uid(None, Uid::from_raw(uid), None)?;
    unistd::setfsuid(files.uid);
    if FileRights::of_this_thread() == files {
        Ok(())
    } else {
        // The two calls do not say themselves that they were refused.
        Err(Errno::PERM)
    }
}

/// As whom a thread reaches files.
#[derive(Debug, PartialEq, Eq)]
struct FileRights {
    uid: unistd::Uid,
    gid: unistd::Gid,
}

impl FileRights {
    /// The calls answer with what was before, and change nothing for a number that is nobody's (`setfsuid(2)`).
    fn of_this_thread() -> Self {
        FileRights {
            uid: unistd::setfsuid(unistd::Uid::from_raw(u32::MAX)),
            gid: unistd::setfsgid(unistd::Gid::from_raw(u32::MAX)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Capabilities, caller, effective};

    fn somebody() -> User {
        User {
            uid: 12_345,
            gid: 23_456,
            name: None,
            groups: vec![23_456, 34_567],
        }
    }

    #[test]
    #[ignore = "needs root"]
    fn the_closure_runs_as_the_user_and_nobody_else_does() {
        let before = caller().unwrap();
        let (inside, capabilities) =
            as_user(&somebody(), || (caller().unwrap(), effective())).unwrap();
        assert_eq!(inside, somebody());
        assert_eq!(capabilities, Capabilities::NONE);
        assert_eq!(caller().unwrap(), before);
    }

    #[test]
    #[ignore = "needs root"]
    fn without_privilege_it_is_refused() {
        let other = User {
            uid: 54_321,
            ..somebody()
        };
        let refused = as_user(&somebody(), || as_user(&other, || ()).unwrap_err()).unwrap();
        assert!(refused.is_permission_denied());
        assert_eq!(refused.to_string(), "act as user 54321");
    }
}

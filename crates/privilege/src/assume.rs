//! Run a closure as another user.

use std::{io, panic, thread};

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
    let failed = |source: io::Error| Error::Assume {
        uid: user.uid,
        source,
    };
    thread::scope(|scope| {
        let acting = || become_user(user).map(|()| work());
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

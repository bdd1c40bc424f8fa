//! Whose connect it is.

use sockeye_address::escape::escape;
use sockeye_privilege::{self as privilege, User, as_user};

/// The user whose connect is examined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// This process, with the groups and capabilities it has.
    Caller(User),
    /// Another user, as a new login would make them.
    Other(User),
}

impl Who {
    /// This process.
    ///
    /// # Errors
    /// The kernel does not tell its groups.
    pub fn caller() -> Result<Who, privilege::Error> {
        privilege::caller().map(Who::Caller)
    }

    /// A user by name or number; `None` when there is none. The caller's own name stands for the caller as long as
    /// no group was given or taken since the login, so that it needs no privilege.
    ///
    /// # Errors
    /// The user database cannot be read.
    pub fn named(name_or_number: &str) -> Result<Option<Who>, privilege::Error> {
        let Some(user) = privilege::find_user(name_or_number)? else {
            return Ok(None);
        };
        let caller = privilege::caller()?;
        Ok(Some(if caller == user {
            Who::Caller(caller)
        } else {
            Who::Other(user)
        }))
    }

    /// Who it is.
    pub fn user(&self) -> &User {
        let (Who::Caller(user) | Who::Other(user)) = self;
        user
    }

    /// Runs `work` with their permissions.
    pub(crate) fn run<T: Send>(
        &self,
        work: impl FnOnce() -> T + Send,
    ) -> Result<T, privilege::Error> {
        match self {
            Who::Caller(_) => Ok(work()),
            Who::Other(user) => as_user(user, work),
        }
    }
}

/// A user in a sentence.
pub(crate) fn user_label(uid: u32) -> String {
    match privilege::user_name(uid) {
        Some(name) => format!("user {}", escape(name.as_bytes(), "")),
        None => format!("user {uid}"),
    }
}

/// A group in a sentence.
pub(crate) fn group_label(gid: u32) -> String {
    match privilege::group_name(gid) {
        Some(name) => format!("group {}", escape(name.as_bytes(), "")),
        None => format!("group {gid}"),
    }
}

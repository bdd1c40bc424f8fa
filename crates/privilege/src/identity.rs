//! Users and groups by number and by name.

use std::collections::HashMap;
use std::ffi::CString;

use nix::unistd::{self, Gid, Uid};

use crate::Error;

/// Who somebody is to the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Number.
    pub uid: u32,
    /// First group.
    pub gid: u32,
    /// Name, if the number has one.
    pub name: Option<String>,
    /// Every group, the first among them, ordered.
    pub groups: Vec<u32>,
}

impl User {
    /// Whether the user is in a group.
    pub fn is_in(&self, gid: u32) -> bool {
        self.groups.contains(&gid)
    }
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Number.
    pub gid: u32,
    /// Name, if the number has one.
    pub name: Option<String>,
}

/// The name of a user; `None` when the number has none or the database cannot be read.
///
/// ```
/// assert_eq!(sockeye_privilege::user_name(0).as_deref(), Some("root"));
/// ```
pub fn user_name(uid: u32) -> Option<String> {
    Some(unistd::User::from_uid(Uid::from_raw(uid)).ok()??.name)
}

/// The name of a group; `None` when the number has none or the database cannot be read.
pub fn group_name(gid: u32) -> Option<String> {
    Some(unistd::Group::from_gid(Gid::from_raw(gid)).ok()??.name)
}

/// Who this thread acts as: its effective user and the groups it has now, which may be older than the database.
///
/// # Errors
/// The kernel does not tell the groups.
pub fn caller() -> Result<User, Error> {
    let (uid, gid) = (
        rustix::process::geteuid().as_raw(),
        rustix::process::getegid().as_raw(),
    );
    let supplementary = rustix::process::getgroups()
        .map_err(|error| Error::look_up("groups of the caller", error))?;
    let groups = supplementary.into_iter().map(rustix::process::Gid::as_raw);
    Ok(User {
        uid,
        gid,
        name: user_name(uid),
        groups: ordered(gid, groups),
    })
}

/// Finds a user by name, or by number when nobody has that name. A number without an entry in the database is a
/// user without a name, in the group of the same number and in no other.
///
/// ```
/// use sockeye_privilege::find_user;
/// let root = find_user("root")?;
/// assert_eq!(root.as_ref().map(|user| user.uid), Some(0));
/// assert_eq!(find_user("0")?, root);
/// # Ok::<(), sockeye_privilege::Error>(())
/// ```
///
/// # Errors
/// The user database cannot be read.
pub fn find_user(name_or_number: &str) -> Result<Option<User>, Error> {
    let failed = |error| Error::look_up(format!("user {name_or_number}"), error);
    if let Some(entry) = unistd::User::from_name(name_or_number).map_err(failed)? {
        return with_groups(&entry).map(Some);
    }
    let Some(uid) = number(name_or_number) else {
        return Ok(None);
    };
    match unistd::User::from_uid(Uid::from_raw(uid)).map_err(failed)? {
        Some(entry) => with_groups(&entry).map(Some),
        None => Ok(Some(User {
            uid,
            gid: uid,
            name: None,
            groups: vec![uid],
        })),
    }
}

/// Finds a group by name, or by number when no group has that name.
///
/// # Errors
/// The group database cannot be read.
pub fn find_group(name_or_number: &str) -> Result<Option<Group>, Error> {
    let failed = |error| Error::look_up(format!("group {name_or_number}"), error);
    if let Some(entry) = unistd::Group::from_name(name_or_number).map_err(failed)? {
        return Ok(Some(Group {
            gid: entry.gid.as_raw(),
            name: Some(entry.name),
        }));
    }
    Ok(number(name_or_number).map(|gid| Group {
        gid,
        name: group_name(gid),
    }))
}

/// `u32::MAX` means "leave as it is" to the kernel and is nobody's number.
fn number(digits: &str) -> Option<u32> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits
        .parse()
        .ok()
        .filter(|number| plain && *number != u32::MAX)
}

fn with_groups(entry: &unistd::User) -> Result<User, Error> {
    let failed = |error| Error::look_up(format!("groups of user {}", entry.name), error);
    // The name came out of the database as a C string.
    let name =
        CString::new(entry.name.as_bytes()).map_err(|_| failed(nix::errno::Errno::EINVAL))?;
    let groups = unistd::getgrouplist(&name, entry.gid).map_err(failed)?;
    let (uid, gid) = (entry.uid.as_raw(), entry.gid.as_raw());
    Ok(User {
        uid,
        gid,
        name: Some(entry.name.clone()),
        groups: ordered(gid, groups.into_iter().map(Gid::as_raw)),
    })
}

fn ordered(gid: u32, groups: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut groups: Vec<u32> = groups.chain([gid]).collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

/// Names that were asked for once, for tables that ask thousands of times.
///
/// ```
/// let mut names = sockeye_privilege::Names::default();
/// assert_eq!(names.user(0), Some("root"));
/// ```
#[derive(Debug, Default)]
pub struct Names {
    users: HashMap<u32, Option<String>>,
    groups: HashMap<u32, Option<String>>,
}

impl Names {
    /// The name of a user.
    pub fn user(&mut self, uid: u32) -> Option<&str> {
        self.users
            .entry(uid)
            .or_insert_with(|| user_name(uid))
            .as_deref()
    }

    /// The name of a group.
    pub fn group(&mut self, gid: u32) -> Option<&str> {
        self.groups
            .entry(gid)
            .or_insert_with(|| group_name(gid))
            .as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_is_in_its_first_group() {
        let caller = caller().unwrap();
        assert!(caller.is_in(caller.gid));
    }

    #[test]
    fn a_number_without_an_entry_is_a_user_in_the_group_of_that_number() {
        let free = (3_000_000_000..u32::MAX)
            .find(|uid| user_name(*uid).is_none())
            .unwrap();
        let user = find_user(&free.to_string()).unwrap().unwrap();
        assert_eq!(
            (user.uid, user.gid, user.name, user.groups),
            (free, free, None, vec![free])
        );
    }

    #[test]
    fn neither_a_sign_nor_the_number_for_nobody_is_a_user() {
        for word in [
            "",
            "+0",
            "-1",
            "4294967295",
            "4294967296",
            "no such user",
            "a\0b",
        ] {
            assert_eq!(find_user(word).unwrap(), None, "{word:?}");
            assert_eq!(find_group(word).unwrap(), None, "{word:?}");
        }
    }
}

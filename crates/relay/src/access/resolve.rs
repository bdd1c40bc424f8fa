//! What a rule means on this machine.

use std::fmt;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use sockeye_privilege::{find_group, find_user};

use super::{Peer, Rule, Unknown};

/// A rule with its names looked up.
///
/// It prints as it was typed. Names keep the meaning that they had here: a user database or a symbolic link that
/// changes later changes no rule that is resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    rule: Rule,
    whom: Whom,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Whom {
    Everybody,
    Uid(RangeInclusive<u32>),
    Gid(RangeInclusive<u32>),
    Executable(PathBuf),
}

/// Why a rule means nothing on this machine.
#[derive(Debug, thiserror::Error)]
pub enum Unresolved {
    /// Nobody has that name.
    #[error("resolve rule {rule}: there is no such user")]
    User {
        /// As typed.
        rule: Rule,
    },
    /// No group has that name.
    #[error("resolve rule {rule}: there is no such group")]
    Group {
        /// As typed.
        rule: Rule,
    },
    /// The user or group database cannot be read.
    #[error("resolve rule {rule}")]
    Database {
        /// As typed.
        rule: Rule,
        /// What could not be looked up.
        source: sockeye_privilege::Error,
    },
    /// The program cannot be found from here.
    #[error("resolve rule {rule}")]
    File {
        /// As typed.
        rule: Rule,
        /// Why not.
        source: io::Error,
    },
    /// The path leads to something that cannot be run.
    #[error("resolve rule {rule}: it is no regular file")]
    NotAFile {
        /// As typed.
        rule: Rule,
    },
}

impl Rule {
    /// Looks up the name of the user or group; follows the symbolic links of a program, as the kernel knows a
    /// running one by the path of its file.
    ///
    /// # Errors
    /// There is no such user, group or file, or that cannot be found out. A rule that could never match would deny
    /// nobody, so it is refused.
    ///
    /// # Examples
    /// ```
    /// use sockeye_relay::access::Rule;
    /// assert!("user:root".parse::<Rule>()?.resolve().is_ok());
    /// let error = "exe:/no/such/program".parse::<Rule>()?.resolve().unwrap_err();
    /// assert_eq!(error.to_string(), "resolve rule exe:/no/such/program");
    /// # Ok::<(), sockeye_relay::access::BadRule>(())
    /// ```
    pub fn resolve(self) -> Result<Resolved, Unresolved> {
        let whom = match &self {
            Rule::All => Ok(Whom::Everybody),
            Rule::Uid(range) => Ok(Whom::Uid(range.clone())),
            Rule::Gid(range) => Ok(Whom::Gid(range.clone())),
            Rule::User(name) => user(&self, name),
            Rule::Group(name) => group(&self, name),
            Rule::Executable(path) => executable(&self, path),
        };
        whom.map(|whom| Resolved { rule: self, whom })
    }
}

fn user(rule: &Rule, name: &str) -> Result<Whom, Unresolved> {
    let rule = || rule.clone();
    let found = find_user(name).map_err(|source| Unresolved::Database {
        rule: rule(),
        source,
    })?;
    let user = found.ok_or_else(|| Unresolved::User { rule: rule() })?;
    Ok(Whom::Uid(user.uid..=user.uid))
}

fn group(rule: &Rule, name: &str) -> Result<Whom, Unresolved> {
    let rule = || rule.clone();
    let found = find_group(name).map_err(|source| Unresolved::Database {
        rule: rule(),
        source,
    })?;
    let group = found.ok_or_else(|| Unresolved::Group { rule: rule() })?;
    Ok(Whom::Gid(group.gid..=group.gid))
}

fn executable(rule: &Rule, path: &Path) -> Result<Whom, Unresolved> {
    let failed = |source| Unresolved::File {
        rule: rule.clone(),
        source,
    };
    let path = path.canonicalize().map_err(failed)?;
    if !path.metadata().map_err(failed)?.is_file() {
        return Err(Unresolved::NotAFile { rule: rule.clone() });
    }
    Ok(Whom::Executable(path))
}

impl Resolved {
    /// As typed.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// Whether the rule is about this peer.
    pub(super) fn is_about(&self, peer: &Peer) -> Result<bool, Unknown> {
        match &self.whom {
            Whom::Everybody => Ok(true),
            Whom::Uid(range) => Ok(range.contains(&peer.uid)),
            Whom::Gid(range) if range.contains(&peer.gid) => Ok(true),
            Whom::Gid(range) => {
                let groups = peer.groups.as_ref().map_err(Clone::clone)?;
                Ok(groups.iter().any(|gid| range.contains(gid)))
            }
            Whom::Executable(path) => {
                let executable = peer.executable.as_ref().map_err(Clone::clone)?;
                Ok(executable == path)
            }
        }
    }

    pub(super) fn needs_groups(&self) -> bool {
        matches!(self.whom, Whom::Gid(_))
    }

    /// The file of the program that the rule is about.
    pub(super) fn executable(&self) -> Option<&PathBuf> {
        match &self.whom {
            Whom::Executable(path) => Some(path),
            _ => None,
        }
    }

    /// A rule about a program, whether it is there or not.
    #[cfg(test)]
    pub(super) fn about_executable(path: &str) -> Self {
        Resolved {
            rule: Rule::Executable(path.into()),
            whom: Whom::Executable(path.into()),
        }
    }
}

impl fmt::Display for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rule.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use rstest::rstest;

    use super::*;

    fn resolve(text: &str) -> Result<Resolved, Unresolved> {
        text.parse::<Rule>().unwrap().resolve()
    }

    #[rstest]
    #[case("all", Whom::Everybody)]
    #[case("uid:3-4", Whom::Uid(3..=4))]
    #[case("gid:5", Whom::Gid(5..=5))]
    #[case("user:root", Whom::Uid(0..=0))]
    #[case("user:3000000001", Whom::Uid(3_000_000_001..=3_000_000_001))]
    #[case("group:root", Whom::Gid(0..=0))]
    #[case("group:3000000001", Whom::Gid(3_000_000_001..=3_000_000_001))]
    fn names_become_numbers_and_the_rule_prints_as_typed(#[case] text: &str, #[case] whom: Whom) {
        let resolved = resolve(text).unwrap();
        assert_eq!(resolved.whom, whom);
        assert_eq!(resolved.to_string(), text);
    }

    #[rstest]
    #[case(
        "user:no such user",
        "resolve rule user:no such user: there is no such user"
    )]
    #[case(
        "group:no\nsuch",
        r"resolve rule group:no\x0asuch: there is no such group"
    )]
    #[case("exe:/usr", "resolve rule exe:/usr: it is no regular file")]
    fn a_name_that_nothing_has_is_an_error(#[case] text: &str, #[case] message: &str) {
        assert_eq!(resolve(text).unwrap_err().to_string(), message);
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error_with_its_cause() {
        let error = resolve("exe:/no/such/program").unwrap_err();
        let cause = error.source().unwrap().downcast_ref::<io::Error>().unwrap();
        assert_eq!(cause.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_link_to_a_program_means_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        let program = std::env::current_exe().unwrap().canonicalize().unwrap();
        std::os::unix::fs::symlink(&program, &link).unwrap();
        let resolved = Rule::Executable(link.clone()).resolve().unwrap();
        assert_eq!(resolved.executable(), Some(&program));
        assert_eq!(resolved.rule(), &Rule::Executable(link));
    }
}

//! A folder on the way, or the socket itself, is closed to the user.

use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use sockeye_address::escape::escape;
use sockeye_privilege::{User, find_user};

use super::Cause;
use crate::scene::Scene;
use crate::who::{group_label, user_label};
use crate::{Found, Owner, Step};

/// The kernel answers `EACCES`. That it does was asked of it; the mode only explains which way may be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionDenied {
    /// The folder or socket.
    pub at: PathBuf,
    /// Which of the two.
    pub part: Part,
    /// Whose it is.
    pub owner: Owner,
    /// Who was refused.
    pub user: User,
    /// Which of the three triples of its mode is the user's.
    pub class: Class,
    /// Whether the mode explains it. If not, an access list or a security module does.
    pub mode_explains: bool,
    /// What would open it, the least invasive first.
    pub ways: Vec<Way>,
}

/// What is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A folder: search permission (`x`) is missing.
    Folder,
    /// The socket: write permission (`w`) is missing (`unix_find_bsd` in `net/unix/af_unix.c`).
    Socket,
    /// A link in a sticky folder that only its owner may follow (`fs.protected_symlinks`).
    Link,
}

impl Part {
    /// The bit of a triple that is needed.
    const fn bit(self) -> u32 {
        match self {
            Part::Folder => 0o1,
            Part::Socket => 0o2,
            Part::Link => 0,
        }
    }
}

/// The triple of a mode that counts for a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The owner's.
    Owner,
    /// The group's.
    Group,
    /// Everybody else's.
    Others,
}

impl Class {
    const fn of(user: &User, owner: Owner, in_group: bool) -> Self {
        if user.uid == owner.uid {
            Class::Owner
        } else if in_group {
            Class::Group
        } else {
            Class::Others
        }
    }

    /// How far its bits are shifted in a mode.
    const fn shift(self) -> u32 {
        match self {
            Class::Owner => 6,
            Class::Group => 3,
            Class::Others => 0,
        }
    }

    /// The letter `chmod` takes.
    pub const fn letter(self) -> char {
        match self {
            Class::Owner => 'u',
            Class::Group => 'g',
            Class::Others => 'o',
        }
    }
}

/// What would open what is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// Be in its group.
    Group {
        /// The group.
        gid: u32,
        /// The group database has the user in it: only the login is older than that.
        already_member: bool,
    },
    /// Be its owner.
    Owner {
        /// The owner.
        uid: u32,
    },
    /// Have its owner change the mode.
    Mode {
        /// For whom.
        class: Class,
    },
}

impl Cause for PermissionDenied {
    const WORD: &'static str = "permission-denied";

    fn find(scene: &Scene<'_>) -> Option<Self> {
        let walk = scene.walk.as_ref()?;
        let closed = walk.steps.iter().find(|step| step.allowed == Some(false));
        if let Some(step) = closed {
            return denied(step, scene.who.user());
        }
        // Every part is open and the whole is not: the kernel will not follow a link of somebody else.
        if walk.whole != Some(false) {
            return None;
        }
        let link = walk
            .steps
            .iter()
            .find(|step| matches!(step.found, Found::Link(_)));
        denied(link.or(walk.steps.last())?, scene.who.user())
    }
}

fn denied(step: &Step, user: &User) -> Option<PermissionDenied> {
    let (at, owner, user) = (step.path.clone(), step.owner?, user.clone());
    let part = match step.found {
        Found::Folder => Part::Folder,
        Found::Link(_) => Part::Link,
        _ => Part::Socket,
    };
    let class = Class::of(&user, owner, user.is_in(owner.gid));
    let mode_explains = part != Part::Link && !grants(owner, class, part);
    let ways = if mode_explains {
        ways(&user, owner, class, part)
    } else {
        Vec::new()
    };
    Some(PermissionDenied {
        at,
        part,
        owner,
        user,
        class,
        mode_explains,
        ways,
    })
}

fn grants(owner: Owner, class: Class, part: Part) -> bool {
    owner.mode >> class.shift() & part.bit() != 0
}

fn ways(user: &User, owner: Owner, class: Class, part: Part) -> Vec<Way> {
    let mut ways = Vec::new();
    // Nobody should be told to join root's group.
    if class == Class::Others && owner.gid != 0 && grants(owner, Class::Group, part) {
        let gid = owner.gid;
        ways.push(Way::Group {
            gid,
            already_member: is_member_by_now(user, gid),
        });
    }
    if class != Class::Owner && (grants(owner, Class::Owner, part) || owner.uid == 0) {
        ways.push(Way::Owner { uid: owner.uid });
    }
    ways.push(Way::Mode { class });
    ways
}

/// Groups are given at login; the database may be newer.
fn is_member_by_now(user: &User, gid: u32) -> bool {
    let now = user
        .name
        .as_ref()
        .and_then(|name| find_user(name).ok().flatten());
    now.is_some_and(|now| now.uid == user.uid && now.is_in(gid))
}

impl fmt::Display for PermissionDenied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (user, at) = (
            user_label(self.user.uid),
            escape(self.at.as_os_str().as_bytes(), ""),
        );
        match self.part {
            Part::Folder => write!(f, "{user} may not pass through the folder {at}")?,
            Part::Socket => write!(
                f,
                "{user} may not write to the socket {at}, which a connect needs"
            )?,
            Part::Link => {
                return write!(
                    f,
                    "{user} may not follow the link {at}, which is somebody else's in a shared folder"
                );
            }
        }
        let (owner, group) = (user_label(self.owner.uid), group_label(self.owner.gid));
        write!(
            f,
            ": it belongs to {owner} and {group} with mode {:04o}",
            self.owner.mode
        )?;
        if self.mode_explains {
            return Ok(());
        }
        f.write_str(", which would allow it, so an access list or a security module forbids it")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(uid: u32, groups: &[u32]) -> User {
        User {
            uid,
            gid: groups[0],
            name: None,
            groups: groups.to_vec(),
        }
    }

    fn socket(mode: u32) -> Step {
        let file = sockeye_census::FileId {
            device: sockeye_census::Device { major: 0, minor: 1 },
            inode: 2,
        };
        let owner = Some(Owner {
            mode,
            uid: 10,
            gid: 20,
        });
        Step {
            path: "/run/a".into(),
            found: Found::Socket(file),
            owner,
            allowed: Some(false),
        }
    }

    #[test]
    fn a_group_that_may_write_is_the_first_way() {
        let denied = denied(&socket(0o660), &user(1, &[1])).unwrap();
        assert_eq!(denied.class, Class::Others);
        assert!(denied.mode_explains);
        let group = Way::Group {
            gid: 20,
            already_member: false,
        };
        assert_eq!(
            denied.ways,
            [
                group,
                Way::Owner { uid: 10 },
                Way::Mode {
                    class: Class::Others
                }
            ]
        );
    }

    #[test]
    fn the_owner_can_only_change_the_mode() {
        let denied = denied(&socket(0o466), &user(10, &[1])).unwrap();
        assert_eq!(
            (denied.class, denied.ways),
            (
                Class::Owner,
                vec![Way::Mode {
                    class: Class::Owner
                }]
            )
        );
    }

    #[test]
    fn a_mode_that_allows_it_points_to_an_access_list() {
        let denied = denied(&socket(0o666), &user(1, &[1])).unwrap();
        assert!(!denied.mode_explains && denied.ways.is_empty());
        assert!(
            denied
                .to_string()
                .contains("access list or a security module"),
            "{denied}"
        );
    }
}

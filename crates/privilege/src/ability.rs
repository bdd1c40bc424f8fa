//! What Sockeye wants to do, and which capabilities that takes.

use crate::{Capabilities, Capability};

/// Something that an ordinary user may do for what is theirs only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ability {
    /// Find the processes behind the sockets of other users by reading `/proc/PID/fd`.
    SeeHolders,
    /// Find them in one pass, with a BPF iterator.
    IterateHolders,
    /// List the sockets of other network namespaces, and what is in other mount namespaces.
    EnterNamespaces,
    /// Look into every folder for socket files.
    SearchFolders,
    /// Answer with the permissions of another user.
    ActAsUser,
    /// Give a socket file to another user, or to a group the caller is not in.
    GiveAway,
}

impl Ability {
    /// Every one.
    pub const ALL: [Ability; 6] = [
        Ability::SeeHolders,
        Ability::IterateHolders,
        Ability::EnterNamespaces,
        Ability::SearchFolders,
        Ability::ActAsUser,
        Ability::GiveAway,
    ];

    /// The capabilities it takes, all of them.
    pub const fn needs(self) -> &'static [Capability] {
        match self {
            // The folder /proc/PID/fd is readable by its owner only, and each link in it asks for a ptrace check
            // (fs/proc/fd.c: proc_fd_permission, fs/proc/base.c: proc_fd_access_allowed).
            Ability::SeeHolders => &[Capability::DacReadSearch, Capability::SysPtrace],
            // kernel/bpf/syscall.c: bpf_prog_load asks for both for a program of type tracing.
            Ability::IterateHolders => &[Capability::Perfmon, Capability::Bpf],
            // fs/proc/namespaces.c asks for a ptrace check to open /proc/PID/ns/*, net/core/net_namespace.c:
            // netns_install for CAP_SYS_ADMIN to enter.
            Ability::EnterNamespaces => &[Capability::SysPtrace, Capability::SysAdmin],
            Ability::SearchFolders => &[Capability::DacReadSearch],
            Ability::ActAsUser => &[Capability::Setgid, Capability::Setuid],
            Ability::GiveAway => &[Capability::Chown],
        }
    }

    /// What of that `capabilities` lack; nothing when it can be done.
    ///
    /// ```
    /// use sockeye_privilege::{Ability, Capabilities, Capability};
    /// let some = Capabilities::NONE.with(Capability::SysPtrace);
    /// assert_eq!(Ability::EnterNamespaces.missing(some), [Capability::SysAdmin]);
    /// ```
    pub fn missing(self, capabilities: Capabilities) -> Vec<Capability> {
        let lacks = |capability: &Capability| {
            !capabilities.has(*capability) && !is_implied(*capability, capabilities)
        };
        self.needs().iter().copied().filter(lacks).collect()
    }
}

/// Whether another capability brings this one along.
const fn is_implied(capability: Capability, capabilities: Capabilities) -> bool {
    match capability {
        // Who may write anywhere may search anywhere (fs/namei.c: generic_permission).
        Capability::DacReadSearch => capabilities.has(Capability::DacOverride),
        // They were carved out of it (include/linux/capability.h: bpf_capable, perfmon_capable).
        Capability::Bpf | Capability::Perfmon => capabilities.has(Capability::SysAdmin),
        _ => false,
    }
}

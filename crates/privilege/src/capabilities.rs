//! What this thread may do.

use std::fmt;

use rustix::thread::CapabilitySet;

/// A part of root's power (`capabilities(7)`); those that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    /// Read and write any file.
    DacOverride,
    /// Read any file and search any folder.
    DacReadSearch,
    /// Change the owner of files.
    Chown,
    /// Act on any file as its owner does.
    Fowner,
    /// Take on any group.
    Setgid,
    /// Take on any user.
    Setuid,
    /// Administer the network of its namespace.
    NetAdmin,
    /// Look into any process.
    SysPtrace,
    /// Enter namespaces, and much else.
    SysAdmin,
    /// Go past limits on resources.
    SysResource,
    /// Observe the kernel and other processes. Linux 5.8.
    Perfmon,
    /// Load BPF programs. Linux 5.8.
    Bpf,
}

impl Capability {
    /// Every one, in the kernel's order (`include/uapi/linux/capability.h`).
    pub const ALL: [Capability; 12] = [
        Capability::Chown,
        Capability::DacOverride,
        Capability::DacReadSearch,
        Capability::Fowner,
        Capability::Setgid,
        Capability::Setuid,
        Capability::NetAdmin,
        Capability::SysPtrace,
        Capability::SysAdmin,
        Capability::SysResource,
        Capability::Perfmon,
        Capability::Bpf,
    ];

    /// Its name as `setcap` and systemd units take it.
    ///
    /// ```
    /// assert_eq!(sockeye_privilege::Capability::SysPtrace.name(), "cap_sys_ptrace");
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Capability::DacOverride => "cap_dac_override",
            Capability::DacReadSearch => "cap_dac_read_search",
            Capability::Chown => "cap_chown",
            Capability::Fowner => "cap_fowner",
            Capability::Setgid => "cap_setgid",
            Capability::Setuid => "cap_setuid",
            Capability::NetAdmin => "cap_net_admin",
            Capability::SysPtrace => "cap_sys_ptrace",
            Capability::SysAdmin => "cap_sys_admin",
            Capability::SysResource => "cap_sys_resource",
            Capability::Perfmon => "cap_perfmon",
            Capability::Bpf => "cap_bpf",
        }
    }

    const fn set(self) -> CapabilitySet {
        match self {
            Capability::DacOverride => CapabilitySet::DAC_OVERRIDE,
            Capability::DacReadSearch => CapabilitySet::DAC_READ_SEARCH,
            Capability::Chown => CapabilitySet::CHOWN,
            Capability::Fowner => CapabilitySet::FOWNER,
            Capability::Setgid => CapabilitySet::SETGID,
            Capability::Setuid => CapabilitySet::SETUID,
            Capability::NetAdmin => CapabilitySet::NET_ADMIN,
            Capability::SysPtrace => CapabilitySet::SYS_PTRACE,
            Capability::SysAdmin => CapabilitySet::SYS_ADMIN,
            Capability::SysResource => CapabilitySet::SYS_RESOURCE,
            Capability::Perfmon => CapabilitySet::PERFMON,
            Capability::Bpf => CapabilitySet::BPF,
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Some capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities(CapabilitySet);

impl Capabilities {
    /// No capability: an ordinary user.
    pub const NONE: Capabilities = Capabilities(CapabilitySet::empty());

    /// Whether it is among them.
    pub const fn has(self, capability: Capability) -> bool {
        self.0.contains(capability.set())
    }

    /// These and one more.
    #[must_use]
    pub const fn with(self, capability: Capability) -> Capabilities {
        Capabilities(self.0.union(capability.set()))
    }
}

/// What this thread may do now. It holds in the user namespace of this process only: root of a container has them
/// all and may still be refused by what belongs to the host.
///
/// ```
/// use sockeye_privilege::{Capability, effective};
/// println!("may look into any process: {}", effective().has(Capability::SysPtrace));
/// ```
pub fn effective() -> Capabilities {
    // capget on the own thread fails only where a filter forbids it; then nothing is assumed.
    rustix::thread::capabilities(None)
        .map_or(Capabilities::NONE, |sets| Capabilities(sets.effective))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `CapEff` is the same set by another way.
    #[test]
    fn the_effective_capabilities_are_those_of_proc_status() {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let mask = status
            .lines()
            .find_map(|line| line.strip_prefix("CapEff:"))
            .unwrap();
        let mask = u64::from_str_radix(mask.trim(), 16).unwrap();
        for capability in Capability::ALL {
            let expected = mask & capability.set().bits() != 0;
            assert_eq!(effective().has(capability), expected, "{capability}");
        }
    }
}

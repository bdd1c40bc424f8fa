//! `cargo xtask setup`: the Debian packages the tests need.

use std::collections::HashSet;
use std::process::{Command, Stdio};

use crate::{Outcome, cargo};

/// One package, what else will do in its place, and why it is needed.
struct Need {
    package: &'static str,
    or: &'static [&'static str],
    reason: &'static str,
}

const fn need(package: &'static str, reason: &'static str) -> Need {
    Need {
        package,
        or: &[],
        reason,
    }
}

const fn need_or(package: &'static str, or: &'static [&'static str], reason: &'static str) -> Need {
    Need {
        package,
        or,
        reason,
    }
}

const NEEDS: &[Need] = &[
    need("clang", "freshness of the BPF objects"),
    need("llvm", "llvm-strip for the BPF objects"),
    need("libbpf-dev", "headers of the BPF objects"),
    need(
        "iproute2",
        "ss, compared with ls; ip, for network namespaces",
    ),
    need("lsof", "compared with ls"),
    need("socat", "talks to connect and listen"),
    need("haproxy", "compared with relay"),
    need("systemd", "systemd-socket-proxyd, compared with relay"),
    need("netcat-openbsd", "talks to connect and listen"),
    need("redis-server", "a real service with many clients"),
    need("redis-tools", "its clients"),
    need_or("docker.io", &["docker-ce"], "a real service: dockerd"),
    need_or(
        "containerd",
        &["containerd.io"],
        "a real service, and dockerd's own",
    ),
    need("iptables", "dockerd does not start without it"),
    need("busybox-static", "all that is in a container of dockerd"),
    need("dbus", "a real service: dbus-daemon"),
    need(
        "python3-gi",
        "a service and a caller on its bus that pass descriptors",
    ),
    need_or(
        "nginx-light",
        &["nginx-core", "nginx-full", "nginx-extras"],
        "a real HTTP server on a Unix socket",
    ),
    need("curl", "a client of the HTTP server"),
    need("tmux", "a real service with terminal clients"),
    need("postgresql", "a real database"),
    need("postgresql-client", "psql, its client"),
    need("openssh-server", "a real sshd, to relay to and through"),
    need("openssh-client", "ssh, and keys for sshd"),
    need("openssl", "the other end of TLS, and certificates for it"),
    need("gcc", "examples in C"),
    need("libc6-dev", "examples in C"),
    need("python3", "examples in Python"),
    need("gdc", "examples in D"),
    need_or(
        "default-jdk-headless",
        &[
            "openjdk-17-jdk-headless",
            "openjdk-21-jdk-headless",
            "openjdk-25-jdk-headless",
        ],
        "examples in Java, 16 or later",
    ),
    need("ghc", "examples in Haskell"),
    need("libghc-network-dev", "examples in Haskell"),
    need("util-linux", "unshare, nsenter and setpriv"),
    need("procps", "ps, in scenarios"),
];

/// Installs what is missing; without root, or without apt, prints the line that would and fails.
pub(crate) fn run() -> Outcome {
    let missing = missing(&installed());
    if missing.is_empty() {
        println!("setup: all {} packages are installed", NEEDS.len());
        return Ok(());
    }
    println!(
        "setup: {} of {} packages are missing:",
        missing.len(),
        NEEDS.len()
    );
    for need in &missing {
        println!("  {:<22} {}", need.package, need.reason);
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    let line = format!(
        "apt-get install -y --no-install-recommends {}",
        packages.join(" ")
    );
    if !has_apt() {
        println!(
            "This system has no apt-get. Install the same with your package manager; on Debian:"
        );
        println!("  {line}");
        return Err("set up: no apt-get here".into());
    }
    if !rustix::process::geteuid().is_root() {
        println!("Run this once:");
        println!("  sudo apt-get update && sudo {line}");
        return Err("set up: installing packages needs root".into());
    }
    install(&packages)
}

fn install(packages: &[&str]) -> Outcome {
    cargo::run(&mut apt_get(&["update"]))?;
    let mut command = apt_get(&["install", "-y", "--no-install-recommends"]);
    cargo::run(command.args(packages))
}

/// The installer, never asking, and patient with a mirror that drops a connection.
fn apt_get(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["-q", "-o", "Acquire::Retries=3"])
        .args(arguments)
        .stdin(Stdio::null());
    command
}

fn has_apt() -> bool {
    let asked = Command::new("apt-get")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    asked.is_ok_and(|status| status.success())
}

/// Names of the packages that are unpacked and configured; empty where there is no dpkg.
fn installed() -> HashSet<String> {
    let asked = Command::new("dpkg-query")
        .args(["-W", "-f", "${db:Status-Abbrev} ${Package}\n"])
        .stderr(Stdio::null())
        .output();
    let Ok(answer) = asked else {
        return HashSet::new();
    };
    read_installed(&String::from_utf8_lossy(&answer.stdout))
}

fn read_installed(listing: &str) -> HashSet<String> {
    let lines = listing.lines().filter_map(|line| line.split_once(' '));
    // A held package reads "hi": the second letter is the state, the first only the wish.
    lines
        .filter(|(state, _)| state.ends_with('i'))
        .map(|(_, name)| name.trim().to_owned())
        .collect()
}

fn missing(installed: &HashSet<String>) -> Vec<&'static Need> {
    let there = |name: &&str| installed.contains(*name);
    NEEDS
        .iter()
        .filter(|need| !there(&need.package) && !need.or.iter().any(there))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_package_whose_configuration_stayed_is_not_installed() {
        let found = read_installed("ii  clang\nrc  lsof\nhi  socat\n");
        assert!(found.contains("clang") && found.contains("socat"));
        assert!(!found.contains("lsof"));
    }

    #[test]
    fn another_package_that_does_the_same_is_enough() {
        let mut all: HashSet<String> = NEEDS.iter().map(|need| need.package.to_owned()).collect();
        assert!(missing(&all).is_empty());
        all.remove("default-jdk-headless");
        assert_eq!(missing(&all).len(), 1);
        all.insert("openjdk-17-jdk-headless".to_owned());
        assert!(missing(&all).is_empty());
    }
}

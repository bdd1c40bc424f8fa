//! Services whose sockets everybody knows: `docker`, `journal`, `x11`, ….

use std::path::PathBuf;

use crate::{AbstractName, Name};

/// A service that a bare word stands for.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Service {
    /// What is typed.
    pub word: &'static str,
    /// What it is, for tables.
    pub title: &'static str,
    /// Where its socket may be, best guess first. `$NAME` at the start is an environment variable; `*` in the
    /// last component stands for any characters and can only be recognised, not typed; `@` begins an abstract name.
    pub places: &'static [&'static str],
}

macro_rules! services {
    ($($word:literal, $title:literal, [$($place:literal),* $(,)?];)*) => {
        /// Every service known.
        pub const SERVICES: &[Service] = &[$(Service { word: $word, title: $title, places: &[$($place),*] }),*];
    };
}

services! {
    "docker", "Docker Engine", ["$DOCKER_HOST", "/run/docker.sock", "$XDG_RUNTIME_DIR/docker.sock"];
    "docker-metrics", "Docker metrics plugin", ["/run/docker/metrics.sock"];
    "libnetwork", "Docker network driver", ["/run/docker/libnetwork/*.sock"];
    "containerd", "containerd", ["/run/containerd/containerd.sock", "/run/docker/containerd/containerd.sock"];
    "containerd-ttrpc", "containerd shim API", ["/run/containerd/containerd.sock.ttrpc",
        "/run/docker/containerd/containerd.sock.ttrpc"];
    "containerd-debug", "containerd debug", ["/run/containerd/debug.sock",
        "/run/docker/containerd/containerd-debug.sock"];
    "podman", "Podman", ["$XDG_RUNTIME_DIR/podman/podman.sock", "/run/podman/podman.sock"];
    "buildkit", "BuildKit", ["/run/buildkit/buildkitd.sock"];
    "crio", "CRI-O", ["/run/crio/crio.sock"];
    "dbus-system", "D-Bus system bus", ["/run/dbus/system_bus_socket"];
    "dbus-session", "D-Bus session bus", ["$XDG_RUNTIME_DIR/bus", "@/tmp/dbus-*"];
    "systemd", "systemd", ["/run/systemd/private"];
    "notify", "systemd notification", ["$NOTIFY_SOCKET", "/run/systemd/notify"];
    "journal", "systemd journal", ["/run/systemd/journal/socket"];
    "journal-stdout", "journal of standard output", ["/run/systemd/journal/stdout"];
    "syslog", "system log", ["/run/systemd/journal/dev-log", "/dev/log"];
    "udev", "udev control", ["/run/udev/control"];
    "resolved", "systemd-resolved", ["/run/systemd/resolve/io.systemd.Resolve"];
    "userdb", "systemd user database", ["/run/systemd/userdb/io.systemd.*"];
    "x11", "X11 display", ["/tmp/.X11-unix/X0", "@/tmp/.X11-unix/X*", "/tmp/.X11-unix/X*"];
    "wayland", "Wayland display", ["$WAYLAND_DISPLAY", "$XDG_RUNTIME_DIR/wayland-0", "$XDG_RUNTIME_DIR/wayland-*"];
    "pipewire", "PipeWire", ["$XDG_RUNTIME_DIR/pipewire-0"];
    "pulseaudio", "PulseAudio", ["$XDG_RUNTIME_DIR/pulse/native"];
    "ssh-agent", "SSH agent", ["$SSH_AUTH_SOCK", "/tmp/ssh-*/agent.*"];
    "gpg-agent", "GnuPG agent", ["$XDG_RUNTIME_DIR/gnupg/S.gpg-agent"];
    "tmux", "tmux server", ["/tmp/tmux-*/default"];
    "postgres", "PostgreSQL", ["/run/postgresql/.s.PGSQL.5432", "/tmp/.s.PGSQL.5432", "/run/postgresql/.s.PGSQL.*"];
    "mysql", "MySQL", ["/run/mysqld/mysqld.sock"];
    "redis", "Redis", ["/run/redis/redis-server.sock", "/run/redis/redis.sock"];
    "memcached", "memcached", ["/run/memcached/memcached.sock"];
    "php-fpm", "PHP FastCGI", ["/run/php/php-fpm.sock", "/run/php/php*-fpm.sock"];
    "snapd", "snapd", ["/run/snapd.socket"];
    "libvirt", "libvirt", ["/run/libvirt/libvirt-sock"];
    "lxd", "LXD", ["/var/lib/lxd/unix.socket"];
    "avahi", "Avahi", ["/run/avahi-daemon/socket"];
    "cups", "CUPS printing", ["/run/cups/cups.sock"];
    "acpid", "ACPI events", ["/run/acpid.socket"];
    "nscd", "name service cache", ["/run/nscd/socket"];
}

/// The service a word stands for.
pub fn find(word: &str) -> Option<&'static Service> {
    SERVICES.iter().find(|service| service.word == word)
}

/// The service a socket belongs to, by its name.
///
/// ```
/// use sockeye_address::{Name, well_known};
/// let name = Name::Path("/var/run/docker.sock".into());
/// assert_eq!(well_known::recognise(&name).map(|service| service.word), Some("docker"));
/// ```
pub fn recognise(name: &Name) -> Option<&'static Service> {
    let (text, is_abstract) = match name {
        Name::Unnamed => return None,
        Name::Path(path) => (path.to_str()?, false),
        Name::Abstract(name) => (std::str::from_utf8(name.as_bytes()).ok()?, true),
    };
    let text = if is_abstract { text } else { without_var(text) };
    SERVICES.iter().find(|service| {
        service
            .places
            .iter()
            .any(|place| stands_at(place, text, is_abstract))
    })
}

/// `/var/run/x` is `/run/x` wherever it matters.
fn without_var(path: &str) -> &str {
    match path.strip_prefix("/var") {
        Some(rest) if rest.starts_with("/run/") => rest,
        _ => path,
    }
}

fn stands_at(place: &str, text: &str, is_abstract: bool) -> bool {
    match (place.strip_prefix('@'), is_abstract) {
        (Some(place), true) => matches(place, text),
        (None, false) => match place.strip_prefix("$XDG_RUNTIME_DIR/") {
            Some(rest) => runtime_folder_tail(text).is_some_and(|tail| matches(rest, tail)),
            // Nearly every place is elsewhere, which the first letter of the first folder tells: no place has a `*` there.
            None => place.as_bytes().get(1) == text.as_bytes().get(1) && matches(place, text),
        },
        _ => false,
    }
}

/// What follows `/run/user/NUMBER/`.
fn runtime_folder_tail(path: &str) -> Option<&str> {
    let (number, tail) = path.strip_prefix("/run/user/")?.split_once('/')?;
    number
        .bytes()
        .all(|digit| digit.is_ascii_digit())
        .then_some(tail)
}

/// Matches `*` against any characters but `/`.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            rest.char_indices()
                .map(|(at, _)| at)
                .chain([rest.len()])
                .take_while(|at| !rest[..*at].contains('/'))
                .any(|at| matches(tail, &rest[at..]))
        }),
    }
}

impl Service {
    /// The names to try, best guess first, with `variable` looking up environment variables.
    ///
    /// ```
    /// use sockeye_address::well_known;
    /// let docker = well_known::find("docker").unwrap();
    /// let names = docker.names(|variable| (variable == "DOCKER_HOST").then(|| "unix:///tmp/d.sock".into()));
    /// assert_eq!(names[0].to_string(), "/tmp/d.sock");
    /// ```
    pub fn names(&self, variable: impl Fn(&str) -> Option<String>) -> Vec<Name> {
        let typed = self.places.iter().filter(|place| !place.contains('*'));
        typed.filter_map(|place| expand(place, &variable)).collect()
    }
}

fn expand(place: &str, variable: &impl Fn(&str) -> Option<String>) -> Option<Name> {
    if let Some(name) = place.strip_prefix('@') {
        return AbstractName::new(name).ok().map(Name::Abstract);
    }
    let Some(rest) = place.strip_prefix('$') else {
        return Some(Name::Path(PathBuf::from(place)));
    };
    let (name, tail) = rest
        .split_once('/')
        .map_or((rest, None), |(name, tail)| (name, Some(tail)));
    let value = variable(name).filter(|value| !value.is_empty())?;
    match tail {
        Some(tail) => Some(Name::Path(PathBuf::from(value).join(tail))),
        // A display is named relative to the user's runtime folder.
        None if name == "WAYLAND_DISPLAY" && !value.starts_with('/') => Some(Name::Path(
            PathBuf::from(variable("XDG_RUNTIME_DIR")?).join(value),
        )),
        // A whole address: a path, `@name`, or `unix:///path`; another protocol is no Unix socket.
        None => match value.parse() {
            Ok(crate::Address::Unix(unix)) => Some(unix.name),
            _ => None,
        },
    }
}

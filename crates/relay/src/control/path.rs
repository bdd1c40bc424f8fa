//! Where the control socket of a relay is: the same place for whoever knows where the relay listens.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use sockeye_address::{Address, Kind, Name, Options, UnixAddress, VsockAddress};

use super::{EXTENSION, Error};

/// So much of an address is in a file name, for people: a hash of the whole is behind it.
const READABLE_BYTES: usize = 32;

/// Where the control socket of the relay is that listens on an address, when this user runs it: in `/run/sockeye` for
/// root, else in `$XDG_RUNTIME_DIR/sockeye`, and where there is none in `/tmp/sockeye-UID`.
///
/// A relative path means what it means from the current folder, and links among the folders of a path do not matter.
/// Standard input and output, and descriptors by number, mean another thing in each process, so their sockets are named
/// after this process.
pub fn default_path(listen: &Address) -> PathBuf {
    Folder::of_this_user().path.join(file_name(&key(listen)))
}

/// The folder of default control sockets.
#[derive(Debug, PartialEq, Eq)]
struct Folder {
    path: PathBuf,
    /// It is in a folder where anybody may make files.
    among_strangers: bool,
}

impl Folder {
    fn of_this_user() -> Self {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        Folder::of(geteuid().as_raw(), runtime)
    }

    fn of(uid: u32, runtime: Option<PathBuf>) -> Self {
        let (path, among_strangers) = match runtime.filter(|path| path.is_absolute()) {
            _ if uid == 0 => (PathBuf::from("/run/sockeye"), false),
            Some(runtime) => (runtime.join("sockeye"), false),
            None => (PathBuf::from(format!("/tmp/sockeye-{uid}")), true),
        };
        Folder {
            path,
            among_strangers,
        }
    }

    fn make(&self) -> io::Result<()> {
        match DirBuilder::new().mode(0o700).create(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    }

    /// Nobody else may have put a socket there.
    fn check(&self, uid: u32) -> Result<(), Error> {
        let refused = |problem| Error::folder(&self.path, problem);
        let facts = std::fs::symlink_metadata(&self.path).map_err(|source| Error::Folder {
            path: Name::Path(self.path.clone()),
            source,
        })?;
        let foreign_bits = if self.among_strangers { 0o077 } else { 0o022 };
        if !facts.is_dir() {
            return Err(refused("it is no folder"));
        }
        if facts.uid() != uid {
            return Err(refused("it belongs to another user"));
        }
        if facts.mode() & foreign_bits != 0 {
            return Err(refused("others may use it"));
        }
        Ok(())
    }
}

/// Makes the folder of a control socket, if it is the one of [`default_path`], and sees that it is nobody else's.
pub(super) fn prepare_folder(path: &Path) -> Result<(), Error> {
    let folder = Folder::of_this_user();
    if path.parent() != Some(&folder.path) {
        return Ok(());
    }
    folder.make().map_err(|source| Error::Folder {
        path: Name::Path(folder.path.clone()),
        source,
    })?;
    folder.check(geteuid().as_raw())
}

/// Whether whoever serves a path can be believed: not if it is in a folder that is as good as anybody's.
pub(super) fn check_folder(path: &Path) -> Result<(), Error> {
    let folder = Folder::of_this_user();
    if path.parent() != Some(&folder.path) || !folder.path.exists() {
        return Ok(());
    }
    folder.check(geteuid().as_raw())
}

/// What is the same for every way to write the address of a relay.
pub(super) fn key(listen: &Address) -> String {
    match listen {
        Address::Unix(unix) => unix_key(unix).to_string(),
        Address::Tcp(network) => format!("tcp:{}", network.place).to_ascii_lowercase(),
        Address::Tls(network) => format!("tls:{}", network.place).to_ascii_lowercase(),
        Address::Udp(network) => format!("udp:{}", network.place).to_ascii_lowercase(),
        Address::Vsock(vsock) => Address::Vsock(VsockAddress {
            options: Options::default(),
            ..*vsock
        })
        .to_string(),
        Address::Stdio | Address::Descriptor(_) | Address::Exec(_) => {
            format!("{listen}#{}", std::process::id())
        }
        Address::WellKnown(_) | Address::Activation(_) | Address::Ssh(_) => listen.to_string(),
    }
}

fn unix_key(unix: &UnixAddress) -> UnixAddress {
    match &unix.name {
        // A path leads to one socket, whatever its kind.
        Name::Path(path) => UnixAddress::new(Name::Path(settled(path))),
        // Each kind has names of its own (`unix_abstract_hash`, `net/unix/af_unix.c`).
        name => UnixAddress {
            kind: unix.kind.filter(|kind| *kind != Kind::Stream),
            ..UnixAddress::new(name.clone())
        },
    }
}

/// A path from the root, through no link but perhaps the last part, which is the socket itself.
pub(super) fn settled(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (Some(folder), Some(leaf)) = (absolute.parent(), absolute.file_name()) else {
        return absolute;
    };
    match folder.canonicalize() {
        Ok(folder) => folder.join(leaf),
        Err(_) => absolute,
    }
}

fn file_name(key: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._".contains(&byte);
    let from = key.len().saturating_sub(READABLE_BYTES);
    let readable: String = key.as_bytes()[from..]
        .iter()
        .map(|byte| if plain(*byte) { char::from(*byte) } else { '-' })
        .collect();
    let readable = readable.trim_start_matches(['-', '.']);
    format!("{readable}-{:016x}.{EXTENSION}", hash(key.as_bytes()))
}

/// FNV-1a: it must be the same in every version of this program, and has no enemy.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use rstest::rstest;

    use super::*;
    use crate::control::error::told;

    fn name(address: &str) -> String {
        file_name(&key(&address.parse().unwrap()))
    }

    #[rstest]
    #[case("/nowhere/app.sock", "unix:/nowhere/app.sock,mode=600,backlog=5")]
    #[case("/nowhere/app.sock", "unix-seqpacket:/nowhere/./app.sock")]
    #[case("/nowhere/app.sock", "UNIX-LISTEN:/nowhere/app.sock,fork")]
    #[case("@name", "unix-stream:@name")]
    #[case("tcp:Localhost:80", "tcp:localhost:80,backlog=3")]
    #[case("vsock:2:80", "vsock:2:80,backlog=3")]
    fn one_address_has_one_socket(#[case] one: &str, #[case] other: &str) {
        assert_eq!(name(one), name(other));
    }

    #[rstest]
    #[case("/nowhere/a/sock", "/nowhere/a-sock")]
    #[case("@name", "unix-dgram:@name")]
    #[case("@name", "/nowhere/name")]
    #[case("tcp:localhost:80", "tls:localhost:80")]
    fn two_addresses_have_two(#[case] one: &str, #[case] other: &str) {
        assert_ne!(name(one), name(other));
    }

    #[test]
    fn a_name_says_for_which_relay_it_is_and_stays_the_same() {
        let from_root = hash(b"/nowhere/app.sock");
        assert_eq!(
            name("/nowhere/app.sock"),
            format!("nowhere-app.sock-{from_root:016x}.ctl")
        );
        assert_eq!(hash(b"foobar"), 0x8594_4171_f739_67e8); // of the inventors' table
        let long = name(&format!("/nowhere/{}", "long/".repeat(100)));
        assert!(long.len() <= READABLE_BYTES + 21, "{long}");
    }

    #[test]
    fn a_relative_path_and_links_among_folders_lead_to_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().join("real");
        std::fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, folder.path().join("link")).unwrap();
        let through_link = settled(&folder.path().join("link/../link/a.sock"));
        assert_eq!(through_link, settled(&real.join("a.sock")));
        let here = std::env::current_dir().unwrap().canonicalize().unwrap();
        assert_eq!(settled(Path::new("./a.sock")), here.join("a.sock"));
    }

    #[test]
    fn each_user_has_a_folder() {
        let of = |uid, runtime: Option<&str>| Folder::of(uid, runtime.map(PathBuf::from)).path;
        assert_eq!(of(0, Some("/run/user/0")), Path::new("/run/sockeye"));
        assert_eq!(of(7, Some("/run/user/7")), Path::new("/run/user/7/sockeye"));
        assert_eq!(of(7, Some("relative")), Path::new("/tmp/sockeye-7"));
        assert_eq!(of(7, None), Path::new("/tmp/sockeye-7"));
    }

    #[test]
    fn a_folder_that_others_could_have_put_a_socket_into_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let uid = geteuid().as_raw();
        let folder = |name: &str, among_strangers| Folder {
            path: place.path().join(name),
            among_strangers,
        };
        let own = folder("own", true);
        own.make().unwrap();
        own.make().unwrap();
        own.check(uid).unwrap();
        let said = |folder: &Folder, uid| told(&folder.check(uid).unwrap_err());
        assert!(said(&own, uid + 1).ends_with("it belongs to another user"));
        std::fs::set_permissions(&own.path, std::fs::Permissions::from_mode(0o750)).unwrap();
        assert!(said(&own, uid).ends_with("others may use it"));
        folder("own", false).check(uid).unwrap();
        std::os::unix::fs::symlink(&own.path, place.path().join("link")).unwrap();
        assert!(said(&folder("link", true), uid).ends_with("it is no folder"));
    }
}

//! What may have been meant.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use sockeye_address::{AbstractName, Name};
use sockeye_census::{Census, Endpoint, Fault};

use crate::scene::is_live;

/// How many are worth showing.
const SHOWN: usize = 5;
/// How many names of a folder are compared; one with more is no place for sockets.
const COMPARED: usize = 10_000;

/// A socket that exists and is called nearly so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Near {
    /// Its name.
    pub name: Name,
    /// How near it is.
    pub nearness: Nearness,
}

/// How near a name is, the likeliest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nearness {
    /// The same text, as a path instead of an abstract name or the other way round.
    OtherFamily,
    /// The same abstract name with NULs behind it: the server gave `bind` the size of the whole address.
    TrailingNuls,
    /// The same but for `.sock`, `.socket` and the like.
    Suffix,
    /// So many letters apart.
    Letters(usize),
    /// The same file name in another folder.
    OtherFolder,
}

/// Sockets near a path whose part `missing` is missing.
pub(super) fn to_path(typed: &Path, missing: &Path, census: &Census) -> Vec<Near> {
    let mut near = siblings(typed, missing);
    near.extend(in_usual_folders(typed));
    for name in live_names(census) {
        let nearness = match &name {
            Name::Path(path) => compare_paths(typed, path),
            Name::Abstract(other) => {
                (other.as_bytes() == typed.as_os_str().as_bytes()).then_some(Nearness::OtherFamily)
            }
            Name::Unnamed => None,
        };
        near.extend(nearness.map(|nearness| Near { name, nearness }));
    }
    ranked(near)
}

/// Sockets near an abstract name.
pub(super) fn to_abstract(wanted: &Name, census: &Census) -> Vec<Near> {
    let bytes = wanted.as_bytes();
    let nearness = |name: &Name| match name {
        Name::Abstract(other) => compare_abstract(bytes, other),
        Name::Path(path) => {
            let same = path.as_os_str().as_bytes() == bytes
                || path.file_name().map(OsStr::as_bytes) == Some(bytes);
            same.then_some(Nearness::OtherFamily)
        }
        Name::Unnamed => None,
    };
    let near = live_names(census).filter(|name| name != wanted);
    ranked(
        near.filter_map(|name| {
            Some(Near {
                nearness: nearness(&name)?,
                name,
            })
        })
        .collect(),
    )
}

/// Names that a connect would find.
fn live_names(census: &Census) -> impl Iterator<Item = Name> {
    let findable = |endpoint: &&Endpoint| {
        is_live(endpoint) && !matches!(endpoint.fault, Some(Fault::Deleted | Fault::Replaced))
    };
    census
        .endpoints()
        .iter()
        .filter(findable)
        .map(|endpoint| endpoint.name.clone())
}

fn ranked(mut near: Vec<Near>) -> Vec<Near> {
    near.sort_by(|a, b| {
        a.nearness
            .cmp(&b.nearness)
            .then_with(|| a.name.cmp(&b.name))
    });
    let mut seen = std::collections::HashSet::new();
    near.retain(|near| seen.insert(near.name.clone()));
    near.truncate(SHOWN);
    near
}

/// Names in the folder where the path breaks off, if putting one in makes it a path to a socket.
fn siblings(typed: &Path, missing: &Path) -> Vec<Near> {
    let (Some(folder), Some(wanted)) = (missing.parent(), missing.file_name()) else {
        return Vec::new();
    };
    let Some(rest) = behind(typed, wanted) else {
        return Vec::new();
    };
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let names = entries
        .take(COMPARED)
        .filter_map(|entry| Some(entry.ok()?.file_name()));
    let near = names.filter_map(|name| {
        let nearness = compare(wanted.as_bytes(), name.as_bytes())?;
        let path = rest
            .iter()
            .fold(folder.join(&name), |path, part| path.join(part));
        is_socket(&path).then_some(Near {
            name: Name::Path(path),
            nearness,
        })
    });
    near.collect()
}

/// What follows the missing part in the path that was typed; `None` when that part came out of a link.
fn behind<'a>(typed: &'a Path, missing: &OsStr) -> Option<Vec<&'a OsStr>> {
    let parts: Vec<&OsStr> = typed.iter().collect();
    let at = parts.iter().position(|part| *part == missing)?;
    Some(parts.get(at + 1..)?.to_vec())
}

fn in_usual_folders(typed: &Path) -> Vec<Near> {
    let Some(file) = typed.file_name() else {
        return Vec::new();
    };
    let places = ["/run", "/tmp", "/var/lib"].map(|folder| Path::new(folder).join(file));
    let there = places
        .into_iter()
        .filter(|place| place != typed && is_socket(place));
    there
        .map(|place| Near {
            name: Name::Path(place),
            nearness: Nearness::OtherFolder,
        })
        .collect()
}

fn is_socket(path: &PathBuf) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket())
}

fn compare_paths(typed: &Path, other: &Path) -> Option<Nearness> {
    if typed == other {
        return None;
    }
    let (wanted, file) = (typed.file_name()?.as_bytes(), other.file_name()?.as_bytes());
    if typed.parent() == other.parent() {
        return compare(wanted, file);
    }
    (stem(wanted) == stem(file)).then_some(Nearness::OtherFolder)
}

fn compare_abstract(wanted: &[u8], other: &AbstractName) -> Option<Nearness> {
    let trimmed =
        |name: &[u8]| name.len() - name.iter().rev().take_while(|byte| **byte == 0).count();
    let (a, b) = (
        &wanted[..trimmed(wanted)],
        &other.as_bytes()[..trimmed(other.as_bytes())],
    );
    if a == b {
        Some(Nearness::TrailingNuls)
    } else {
        compare(a, b)
    }
}

fn compare(wanted: &[u8], other: &[u8]) -> Option<Nearness> {
    if wanted == other {
        return None;
    }
    if stem(wanted) == stem(other) {
        return Some(Nearness::Suffix);
    }
    // A third of the letters wrong is another name.
    let (wanted, other) = (stem(wanted), stem(other));
    let limit = (wanted.len() / 3).clamp(1, 4);
    let distance = distance(wanted, other, limit)?;
    Some(Nearness::Letters(distance))
}

fn stem(name: &[u8]) -> &[u8] {
    let suffixes: [&[u8]; 6] = [b".socket", b".sock", b".skt", b".s", b"-socket", b"-sock"];
    suffixes
        .iter()
        .find_map(|suffix| name.strip_suffix(*suffix))
        .unwrap_or(name)
}

/// Letters to insert, remove, replace or swap with their neighbour, if no more than `limit`.
fn distance(a: &[u8], b: &[u8], limit: usize) -> Option<usize> {
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let mut rows = [
        vec![0; b.len() + 1],
        (0..=b.len()).collect::<Vec<usize>>(),
        vec![0; b.len() + 1],
    ];
    for i in 1..=a.len() {
        let [before, last, next] = &mut rows;
        next[0] = i;
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            next[j] = replaced.min(last[j] + 1).min(next[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                next[j] = next[j].min(before[j - 2] + 1);
            }
        }
        rows.rotate_left(1);
    }
    Some(rows[1][b.len()]).filter(|distance| *distance <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("docker.sock", "dokcer.sock", Some(Nearness::Letters(1)))]
    #[case("docker.sock", "docker.socket", Some(Nearness::Suffix))]
    #[case("docker", "docker.sock", Some(Nearness::Suffix))]
    #[case("redis.sock", "redis-server.sock", None)]
    #[case("a", "b", Some(Nearness::Letters(1)))]
    #[case("app.sock", "apps.sock", Some(Nearness::Letters(1)))]
    #[case("ap.sock", "dg.sock", None)]
    #[case("app.sock", "app.sock", None)]
    #[case("app.sock", "", None)]
    fn a_name_is_near_another(
        #[case] wanted: &str,
        #[case] other: &str,
        #[case] nearness: Option<Nearness>,
    ) {
        assert_eq!(compare(wanted.as_bytes(), other.as_bytes()), nearness);
    }

    #[test]
    fn nuls_behind_an_abstract_name_are_the_likeliest_mistake() {
        let padded = AbstractName::new(b"app\0\0\0".as_slice()).unwrap();
        assert_eq!(
            compare_abstract(b"app", &padded),
            Some(Nearness::TrailingNuls)
        );
    }
}

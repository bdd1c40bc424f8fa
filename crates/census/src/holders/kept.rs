//! What was cut from the kernel's types, kept for the rest of this boot: the kernel's types stay the same so long, and
//! reading and cutting them is a fifth of a map of 20,000 sockets.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use sockeye_wire::btf::Cut;

use super::load::ATTACH_FUNCTION;

/// Far more than a cut takes: a longer file is not ours.
const MOST_BYTES: u64 = 1 << 20;

/// A file that only root may have written and only root reads.
pub(super) struct Kept {
    file: PathBuf,
}

impl Kept {
    /// The file for this boot and this version of the program in `folder`. None for others than root: what one user
    /// keeps must not be believed by another.
    pub(super) fn in_folder(folder: &Path) -> Option<Self> {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let name = format!("kernel-types-{}-{}", env!("CARGO_PKG_VERSION"), boot.trim());
        geteuid().is_root().then(|| Kept {
            file: folder.join(name),
        })
    }

    /// What was kept, if it can be trusted.
    pub(super) fn read(&self) -> Option<Cut> {
        let nofollow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(nofollow)
            .open(&self.file)
            .ok()?;
        if !is_roots_alone(&file) {
            return None;
        }
        let mut bytes = Vec::new();
        file.take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
        let (id, types) = bytes.split_first_chunk()?;
        Some(Cut {
            types: types.to_vec(),
            function_ids: vec![(ATTACH_FUNCTION.to_owned(), u32::from_ne_bytes(*id))],
        })
    }

    /// Keeps a cut; where that is not possible, the next run takes as long as this one.
    pub(super) fn write(&self, cut: &Cut) {
        let _ = self.try_write(cut);
    }

    fn try_write(&self, cut: &Cut) -> std::io::Result<()> {
        let folder = self.file.parent().unwrap_or(Path::new("/"));
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        let id = cut.function_ids.first().map_or(0, |(_, id)| *id);
        file.write_all(&id.to_ne_bytes())?;
        file.write_all(&cut.types)?;
        file.persist(&self.file)?;
        Ok(())
    }
}

fn is_roots_alone(file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| {
        metadata.is_file() && metadata.uid() == 0 && metadata.mode() & 0o022 == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut() -> Cut {
        Cut {
            types: vec![1, 2, 3],
            function_ids: vec![(ATTACH_FUNCTION.to_owned(), 64_252)],
        }
    }

    #[test]
    #[ignore = "needs root"]
    fn what_is_kept_comes_back_unless_others_may_write_it() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::in_folder(&folder.path().join("sockeye")).unwrap();
        assert_eq!(kept.read(), None);
        kept.write(&cut());
        assert_eq!(kept.read(), Some(cut()));
        let open_to_all = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        fs::set_permissions(&kept.file, open_to_all).unwrap();
        assert_eq!(kept.read(), None);
    }

    #[test]
    #[ignore = "needs root"]
    fn a_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::in_folder(folder.path()).unwrap();
        kept.write(&cut());
        let elsewhere = folder.path().join("elsewhere");
        fs::rename(&kept.file, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &kept.file).unwrap();
        assert_eq!(kept.read(), None);
    }
}

//! `cargo xtask ebpf`: kernel programs in C, compiled to the objects that are committed beside them.
//!
//! Next to `X.bpf.c` lie `X.bpf.o`, so that `cargo build` needs no clang, and `X.bpf.sum`, which says what the
//! object was made of. Two versions of clang make different bytes of one source, so bytes are compared only
//! where the local clang is of the version that made the object; the hashes are compared everywhere.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{Outcome, cargo};

const REMEDY: &str = "cargo xtask ebpf";

/// Compiles every program, or with `check` says whether the committed objects are fresh.
pub(crate) fn run(check: bool) -> Outcome {
    let folder = cargo::workspace().join("ebpf");
    let programs = with_ending(&folder, ".bpf.c")?;
    if programs.is_empty() {
        return Err(format!("no *.bpf.c in {}", folder.display()).into());
    }
    for source in &programs {
        let program = Program::new(&folder, source)?;
        if check {
            program.check()?;
        } else {
            program.build()?;
        }
    }
    Ok(())
}

/// One kernel program: its source, and the two files made of it.
struct Program {
    folder: PathBuf,
    /// `X.bpf`, the name without its last ending.
    stem: String,
}

/// What the sum file says of an object.
#[derive(Debug, PartialEq, Eq)]
struct Sum {
    source: u64,
    object: u64,
    clang_major: u32,
}

impl Program {
    fn new(folder: &Path, source: &Path) -> Outcome<Self> {
        let stem = source.file_stem().and_then(|stem| stem.to_str());
        let stem = stem.ok_or_else(|| format!("name of {} is not text", source.display()))?;
        Ok(Self {
            folder: folder.to_owned(),
            stem: stem.to_owned(),
        })
    }

    fn file(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("{}.{ending}", self.stem))
    }

    fn build(&self) -> Outcome {
        let clang_major = clang_major()?
            .ok_or("compile the BPF programs: no clang here; to get it: cargo xtask setup")?;
        let object = self.file("o");
        self.compile(&object)?;
        let sum = Sum {
            source: self.source_hash()?,
            object: hash_of(&[&object])?,
            clang_major,
        };
        write(&self.file("sum"), sum.to_text().as_bytes())?;
        println!("ebpf: built {}.o with clang {clang_major}", self.stem);
        Ok(())
    }

    fn check(&self) -> Outcome {
        let name = &self.stem;
        let committed = self.file("o");
        let text = read(&self.file("sum"))
            .map_err(|failure| format!("{failure}; to repair it: {REMEDY}"))?;
        let sum = Sum::from_text(&String::from_utf8_lossy(&text))
            .ok_or_else(|| format!("{name}.sum cannot be read; to repair it: {REMEDY}"))?;
        if self.source_hash()? != sum.source {
            return Err(stale(name, "its source changed after it was built").into());
        }
        if hash_of(&[&committed])? != sum.object {
            return Err(stale(name, "it is not the object that was built").into());
        }
        let local = clang_major()?;
        if local != Some(sum.clang_major) {
            let local =
                local.map_or_else(|| "no clang".to_owned(), |major| format!("clang {major}"));
            println!(
                "ebpf: {name}.o matches its sum; NOT COMPILED again: made by clang {}, here is {local}",
                sum.clang_major
            );
            return Ok(());
        }
        let folder = tempfile::tempdir()?;
        let again = folder.path().join("again.o");
        self.compile(&again)?;
        if read(&again)? != read(&committed)? {
            return Err(stale(name, "compiling it again gives other bytes").into());
        }
        println!(
            "ebpf: {name}.o is fresh, byte for byte (clang {})",
            sum.clang_major
        );
        Ok(())
    }

    /// Compiles from inside the folder and maps that folder away, so that no path of this machine and nothing
    /// that differs between two clones gets into the object.
    fn compile(&self, object: &Path) -> Outcome {
        let folder = self.folder.canonicalize()?;
        let mut clang = Command::new("clang");
        // bpfel, not bpf: the latter takes the byte order of the machine that compiles.
        clang.args(["-target", "bpfel", "-O2", "-g", "-Wall", "-Werror"]);
        clang.args(["-fdebug-compilation-dir=.", "-fno-ident"]);
        clang.arg(format!("-ffile-prefix-map={}=.", folder.display()));
        for include in multiarch_includes() {
            clang.arg("-idirafter").arg(include);
        }
        clang
            .arg("-c")
            .arg(format!("{}.c", self.stem))
            .arg("-o")
            .arg(object);
        cargo::run(clang.current_dir(&folder))?;
        // Takes away DWARF, keeps BTF: the loader needs the one and not the other.
        cargo::run(Command::new("llvm-strip").arg("-g").arg(object))
    }

    /// Of the program and of every header beside it, since any of them may be included.
    fn source_hash(&self) -> Outcome<u64> {
        let mut sources = with_ending(&self.folder, ".h")?;
        sources.push(self.file("c"));
        sources.sort();
        hash_of(&sources)
    }
}

impl Sum {
    fn to_text(&self) -> String {
        let mut text = String::from(
            "# Written by `cargo xtask ebpf`: what the object beside this was made of.\n",
        );
        let Self {
            source,
            object,
            clang_major,
        } = self;
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "source fnv1a64 {source:016x}\nobject fnv1a64 {object:016x}\nclang {clang_major}"
        );
        text
    }

    fn from_text(text: &str) -> Option<Self> {
        let value = |key: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(key))
                .map(str::trim)
        };
        Some(Self {
            source: u64::from_str_radix(value("source fnv1a64 ")?, 16).ok()?,
            object: u64::from_str_radix(value("object fnv1a64 ")?, 16).ok()?,
            clang_major: value("clang ")?.parse().ok()?,
        })
    }
}

fn stale(name: &str, why: &str) -> String {
    format!("{name}.o is not fresh: {why}; to repair it: {REMEDY}")
}

/// FNV-1a with 64 bits, over name, length and content of each file. It guards against forgetting, not against
/// an attacker, who could as well edit the sum.
fn hash_of<P: AsRef<Path>>(files: &[P]) -> Outcome<u64> {
    let mut hash = FNV_OFFSET;
    for file in files {
        let file = file.as_ref();
        let content = read(file)?;
        hash = fnv1a(
            hash,
            file.file_name().unwrap_or_default().as_encoded_bytes(),
        );
        hash = fnv1a(hash, &(content.len() as u64).to_le_bytes());
        hash = fnv1a(hash, &content);
    }
    Ok(hash)
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

fn fnv1a(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The files of a folder with that ending, sorted.
fn with_ending(folder: &Path, ending: &str) -> Outcome<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).map_err(|cause| format!("read {}: {cause}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            path.as_os_str()
                .as_encoded_bytes()
                .ends_with(ending.as_bytes())
        })
        .collect();
    files.sort();
    Ok(files)
}

/// Where Debian keeps `asm/types.h`, which clang does not look for when it compiles for another machine.
fn multiarch_includes() -> Vec<PathBuf> {
    let folder = format!("/usr/include/{}-linux-gnu", std::env::consts::ARCH);
    Some(PathBuf::from(folder))
        .filter(|folder| folder.is_dir())
        .into_iter()
        .collect()
}

/// The major version of the local clang; None where there is none.
fn clang_major() -> Outcome<Option<u32>> {
    let asked = Command::new("clang")
        .arg("--version")
        .stderr(Stdio::null())
        .output();
    let answer = match asked {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|cause| format!("run clang --version: {cause}"))?,
    };
    Ok(read_clang_major(&String::from_utf8_lossy(&answer.stdout)))
}

fn read_clang_major(text: &str) -> Option<u32> {
    let (_, version) = text.split_once("clang version ")?;
    version.split('.').next()?.trim().parse().ok()
}

fn read(path: &Path) -> Outcome<Vec<u8>> {
    fs::read(path).map_err(|cause| format!("read {}: {cause}", path.display()).into())
}

fn write(path: &Path, bytes: &[u8]) -> Outcome {
    fs::write(path, bytes).map_err(|cause| format!("write {}: {cause}", path.display()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_reads_back_as_it_was_written() {
        let sum = Sum {
            source: 1,
            object: u64::MAX,
            clang_major: 14,
        };
        assert_eq!(Sum::from_text(&sum.to_text()), Some(sum));
        assert_eq!(Sum::from_text("source fnv1a64 zz\n"), None);
    }

    #[test]
    fn the_hash_is_fnv1a_as_published() {
        assert_eq!(fnv1a(FNV_OFFSET, b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(FNV_OFFSET, b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn the_major_version_of_clang_is_found_in_what_it_says() {
        assert_eq!(
            read_clang_major("Debian clang version 14.0.6\nTarget: x86_64"),
            Some(14)
        );
        assert_eq!(
            read_clang_major("Ubuntu clang version 18.1.3 (1ubuntu1)"),
            Some(18)
        );
        assert_eq!(read_clang_major("gcc 12"), None);
    }
}

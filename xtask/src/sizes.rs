//! `cargo xtask sizes`: rules that no lint checks.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Outcome, cargo};

/// Lines of a file that are not its unit tests; about 400 is what to aim for.
const PRODUCTION_LINES: usize = 600;
/// Lines of a file that is all tests.
const TEST_LINES: usize = 800;
/// Names that say nothing about what is in the room.
const EMPTY_NAMES: &[&str] = &["util", "utils", "common", "helpers", "misc"];
/// The one place where unsafe code may be.
const UNSAFE_HOME: &str = "crates/socket/src/sys";

/// Prints each file that breaks a rule, and fails when there is one.
pub(crate) fn run() -> Outcome {
    let root = cargo::workspace();
    let mut files = Vec::new();
    collect(root, &mut files)?;
    files.sort();
    let mut offences = Vec::new();
    for file in &files {
        let text = fs::read_to_string(file)
            .map_err(|cause| format!("read {}: {cause}", file.display()))?;
        let relative = file.strip_prefix(root).unwrap_or(file);
        let found = offences_in(relative, &text);
        offences.extend(
            found
                .into_iter()
                .map(|offence| format!("{}: {offence}", relative.display())),
        );
    }
    for offence in &offences {
        println!("{offence}");
    }
    if offences.is_empty() {
        println!("sizes: {} files, nothing to complain about", files.len());
        return Ok(());
    }
    Err(format!(
        "sizes: {} offences in {} files",
        offences.len(),
        files.len()
    )
    .into())
}

/// Finds the Rust files below a folder, leaving out what is built and what is hidden.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Outcome {
    for entry in
        fs::read_dir(folder).map_err(|cause| format!("read {}: {cause}", folder.display()))?
    {
        let entry = entry?;
        let name = entry.file_name();
        let kind = entry.file_type()?;
        if kind.is_dir() && name != "target" && !name.as_encoded_bytes().starts_with(b".") {
            collect(&entry.path(), files)?;
        } else if kind.is_file() && Path::new(&name).extension().is_some_and(|end| end == "rs") {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn offences_in(path: &Path, text: &str) -> Vec<String> {
    let mut offences = Vec::new();
    let (lines, limit) = if is_all_tests(path) {
        (text.lines().count(), TEST_LINES)
    } else {
        (production_lines(text), PRODUCTION_LINES)
    };
    if lines > limit {
        offences.push(format!("{lines} lines, at most {limit}"));
    }
    let names = path
        .components()
        .map(|part| Path::new(part.as_os_str()).file_stem().unwrap_or_default());
    for name in names.filter(|name| EMPTY_NAMES.iter().any(|empty| name == empty)) {
        offences.push(format!("a module named {} says nothing", name.display()));
    }
    if !path.starts_with(UNSAFE_HOME)
        && let Some(line) = text.lines().position(has_unsafe)
    {
        offences.push(format!(
            "line {}: unsafe code belongs in {UNSAFE_HOME}",
            line + 1
        ));
    }
    offences
}

fn is_all_tests(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs")
}

/// Lines before the module of unit tests. A `#[cfg(test)]` on anything else does not end the count.
fn production_lines(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let opens_tests = |from: usize| {
        let mut rest = lines[from..]
            .iter()
            .skip_while(|line| line.starts_with("#["));
        rest.next()
            .is_some_and(|line| line.starts_with("mod ") && line.ends_with('{'))
    };
    let end = (0..lines.len()).find(|&at| lines[at].starts_with("#[cfg(test)]") && opens_tests(at));
    end.unwrap_or(lines.len())
}

/// Whether a line has the keyword in front of something that needs it, outside a comment.
fn has_unsafe(line: &str) -> bool {
    const KEYWORD: &str = "unsafe";
    let code = line.split_once("//").map_or(line, |(code, _)| code);
    code.match_indices(KEYWORD).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + KEYWORD.len()..].trim_start();
        let alone =
            before.is_none_or(|letter| !letter.is_alphanumeric() && letter != '_' && letter != '"');
        let opens = ["{", "(", "fn ", "impl ", "impl<", "extern ", "trait "];
        alone && (after.is_empty() || opens.iter().any(|word| after.starts_with(word)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_tests_do_not_count_as_production() {
        assert_eq!(
            production_lines("a\nb\n#[cfg(test)]\nmod tests {\nc\n}\n"),
            2
        );
        assert_eq!(production_lines("#[cfg(test)]\nuse x::y;\nb\n"), 3);
        assert_eq!(production_lines("#[cfg(test)]\nmod tests;\nb\n"), 3);
    }

    #[test]
    fn each_rule_names_its_offence() {
        let long = "x\n".repeat(PRODUCTION_LINES + 1);
        assert_eq!(offences_in(Path::new("src/a.rs"), &long).len(), 1);
        assert!(offences_in(Path::new("tests/a.rs"), &long).is_empty());
        assert_eq!(offences_in(Path::new("src/utils/mod.rs"), "").len(), 1);
        assert_eq!(offences_in(Path::new("src/helpers.rs"), "").len(), 1);
    }

    #[test]
    fn the_keyword_is_found_only_where_it_is_code() {
        let code = format!("    {} {{ read() }}", "unsafe");
        assert_eq!(offences_in(Path::new("src/a.rs"), &code).len(), 1);
        assert!(offences_in(Path::new("crates/socket/src/sys/a.rs"), &code).is_empty());
        assert!(!has_unsafe("// never use unsafe { }"));
        assert!(!has_unsafe("#![deny(unsafe_code)]"));
    }
}

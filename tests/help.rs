//! `--help`, completions and man pages: all from the one declaration of each flag.

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::process::Command;

    use rstest::rstest;

    /// A width that no terminal around the tests changes.
    const COLUMNS: &str = "100";

    fn output(arguments: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_sockeye"))
            .args(arguments)
            .env("COLUMNS", COLUMNS)
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn help(verb: &str) -> String {
        output(&[verb, "--help"])
    }

    /// The verbs that `sockeye --help` lists.
    fn verbs() -> BTreeSet<String> {
        output(&["--help"])
            .lines()
            .skip_while(|line| *line != "Commands:")
            .skip(1)
            .map_while(|line| line.strip_prefix("  ")?.split_whitespace().next())
            .map(str::to_owned)
            .collect()
    }

    /// The long flags that the help of a verb declares, each at the beginning of its entry.
    fn long_flags(verb: &str) -> BTreeSet<String> {
        help(verb)
            .lines()
            .map(str::trim_start)
            .filter(|line| line.starts_with('-'))
            .filter_map(|line| {
                let flag = &line[line.find("--")?..];
                let end = flag.find(|c: char| c != '-' && !c.is_ascii_alphanumeric());
                Some(flag[..end.unwrap_or(flag.len())].to_owned())
            })
            .collect()
    }

    const VERBS: [&str; 11] = [
        "completions",
        "connect",
        "demo",
        "doctor",
        "listen",
        "ls",
        "man",
        "recv",
        "relay",
        "send",
        "show",
    ];

    #[test]
    fn every_verb_is_looked_at_here() {
        assert_eq!(verbs(), VERBS.map(str::to_owned).into());
    }

    #[test]
    fn the_help_of_the_command_is_as_it_was() {
        insta::assert_snapshot!("sockeye", output(&["--help"]));
    }

    #[test]
    fn the_help_of_each_verb_is_as_it_was() {
        for verb in VERBS {
            insta::assert_snapshot!(verb, help(verb));
        }
    }

    #[test]
    fn no_line_of_help_is_wider_than_a_hundred_columns() {
        for verb in VERBS {
            for line in help(verb).lines() {
                assert!(line.chars().count() <= 100, "{verb}: {line}");
            }
        }
    }

    #[rstest]
    fn completions_know_every_verb_and_its_flags(#[values("bash", "zsh", "fish")] shell: &str) {
        let script = output(&["completions", shell]);
        // fish writes a long flag without its dashes.
        let written = |flag: &str| match shell {
            "fish" => format!("-l {}", flag.trim_start_matches('-')),
            _ => flag.to_owned(),
        };
        for verb in VERBS {
            assert!(script.contains(verb), "{shell}: {verb}");
            for flag in long_flags(verb) {
                // fish knows `--help` and `--color` at every level.
                assert!(script.contains(&written(&flag)), "{shell}: {verb} {flag}");
            }
        }
    }

    #[test]
    fn the_script_for_bash_is_one_that_bash_reads() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("sockeye");
        std::fs::write(&script, output(&["completions", "bash"])).unwrap();
        let read = Command::new("bash").arg("-n").arg(script).output().unwrap();
        assert!(read.status.success(), "{read:?}");
    }

    #[test]
    fn there_is_one_manual_page_for_each_verb_and_one_for_the_command() {
        let folder = tempfile::tempdir().unwrap();
        output(&["man", "--dir", folder.path().to_str().unwrap()]);
        let pages: BTreeSet<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|page| page.unwrap().file_name().into_string().unwrap())
            .collect();
        let mut expected: BTreeSet<_> = VERBS
            .iter()
            .map(|verb| format!("sockeye-{verb}.1"))
            .collect();
        expected.insert("sockeye.1".into());
        assert_eq!(pages, expected);
        for verb in VERBS {
            let page = folder.path().join(format!("sockeye-{verb}.1"));
            let page = std::fs::read_to_string(page).unwrap().replace(r"\-", "-");
            for flag in long_flags(verb) {
                assert!(page.contains(&flag), "sockeye-{verb}.1: {flag}");
            }
        }
        let page = std::fs::read_to_string(folder.path().join("sockeye.1")).unwrap();
        assert_eq!(page, output(&["man"]));
    }

    #[test]
    fn a_manual_page_that_cannot_be_written_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let absent = folder.path().join("absent");
        let refused = Command::new(env!("CARGO_BIN_EXE_sockeye"))
            .args(["man", "--dir", absent.to_str().unwrap()])
            .output()
            .unwrap();
        assert_eq!(refused.status.code(), Some(3));
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(said.contains("sockeye: write "), "{said}");
    }
}

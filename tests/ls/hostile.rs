//! Names that want to do harm: escaped for people, exact in JSON, and to be pasted back.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::command::{all_in, answer, folder, json, list, ls, sockeye, text};
use crate::scene::{listening, listening_abstract};

/// File names: none with a slash or a NUL.
const NAMES: [&[u8]; 25] = [
    b"\x1b[2J\x1b]0;gone\x07",
    b"\r\n@fake  stream  bound",
    b"\x9b1m\xff\xfe\x80",
    "\u{202e}kcos.\u{2066}\u{200b}\u{feff}\u{a0}".as_bytes(),
    "\u{85}\u{2028}\u{e0041}".as_bytes(),
    "gr\u{fc}\u{df} \u{65e5}\u{672c}\u{1f41f} e\u{301}".as_bytes(),
    b"q'u\"o`te$(id)$HOME;&|<>",
    b"'",
    b" ",
    b"  two  blanks  ",
    b"-rf",
    b"--json",
    b"@abstract",
    b"unix:x",
    b"unix:",
    b"comma,mode=777",
    b"back\\slash\\x41\\",
    b"a*b",
    b"a[b",
    b"a?b",
    b"[!x]",
    b"{a,b}",
    b"~",
    b"#",
    b"\x7f\x01\t",
];

/// What the address column of the rows shows.
fn address_cells(arguments: &[String]) -> Vec<String> {
    let answer = ls(arguments);
    assert_eq!(answer.status, Some(0), "{answer:#?}");
    let wide = answer.text.lines().next().unwrap().find("  KIND").unwrap();
    let rows = answer
        .text
        .lines()
        .skip(1)
        .take_while(|line| !line.is_empty());
    rows.map(|line| {
        let end = column(line, wide);
        line[..end].trim_end().to_owned()
    })
    .collect()
}

/// Where a column begins, in bytes, in a line with wide characters: at the kind, which none of these names is.
fn column(line: &str, at_least: usize) -> usize {
    let kind = line
        .rfind("stream  listening")
        .unwrap_or_else(|| panic!("{line:?}"));
    assert!(kind >= at_least, "{line:?}");
    kind
}

/// Pastes a cell into a shell behind the command.
fn pasted(cell: &str) -> Value {
    let mut shell = Command::new("sh");
    shell.args([
        "-c",
        &format!("\"$0\" ls --json {cell}"),
        env!("CARGO_BIN_EXE_sockeye"),
    ]);
    crate::command::parsed(&answer(&mut shell))
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

#[track_caller]
fn no_harm(text: &str) {
    let harmful = |c: char| {
        (c.is_control() && c != '\n')
            || "\u{202e}\u{2066}\u{200b}\u{feff}\u{2028}\u{a0}".contains(c)
    };
    assert!(!text.contains(harmful), "{text:?}");
}

fn paths(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = NAMES
        .iter()
        .map(|name| folder.join(OsString::from_vec(name.to_vec())))
        .collect();
    // As long as a name can be.
    let longest = 107 - text(folder).len() - 1;
    paths.push(folder.join("x".repeat(longest)));
    paths
}

#[test]
fn every_path_is_shown_without_harm_and_finds_itself_when_pasted() {
    let folder = folder();
    let paths = paths(folder.path());
    let _listeners: Vec<OwnedFd> = paths.iter().map(|path| listening(path, 5)).collect();
    let pattern = all_in(folder.path());
    let answer = ls([&pattern]);
    no_harm(&answer.text);
    assert_eq!(
        answer.text.lines().count(),
        paths.len() + 1,
        "a row each: {answer:#?}"
    );
    let cells = address_cells(&[pattern]);
    let mut found: Vec<String> = cells
        .iter()
        .map(|cell| {
            let document = pasted(cell);
            let [endpoint] = list(&document, "endpoints") else {
                panic!("{cell} finds {document:#}")
            };
            endpoint["name"]["hex"].as_str().unwrap().to_owned()
        })
        .collect();
    found.sort();
    let mut expected: Vec<String> = paths
        .iter()
        .map(|path| hex(path.as_os_str().as_encoded_bytes()))
        .collect();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn every_abstract_name_is_shown_without_harm_and_finds_itself_when_pasted() {
    // What makes them ours, so that other sockets of the machine do not count.
    let start = format!("sockeye-ls-hostile-{}", std::process::id()).into_bytes();
    let mut names: Vec<Vec<u8>> = NAMES.iter().map(|name| [&start, *name].concat()).collect();
    for odd in [&b"\0"[..], b"a\0b\0\0", b"\0\0\0", b"/with/slash"] {
        names.push([&start, odd].concat());
    }
    names.push([&start[..], &vec![0xff; 107 - start.len()]].concat());
    let _listeners: Vec<OwnedFd> = names.iter().map(|name| listening_abstract(name)).collect();
    let pattern = format!("@{}*", String::from_utf8(start).unwrap());
    let answer = ls([&pattern]);
    no_harm(&answer.text);
    let cells = address_cells(&[pattern]);
    let mut found: Vec<String> = cells
        .iter()
        .map(|cell| {
            let document = pasted(cell);
            let [endpoint] = list(&document, "endpoints") else {
                panic!("{cell} finds {document:#}")
            };
            assert_eq!(endpoint["name"]["type"], "abstract");
            endpoint["name"]["hex"].as_str().unwrap().to_owned()
        })
        .collect();
    found.sort();
    let mut expected: Vec<String> = names.iter().map(|name| hex(name)).collect();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn json_is_exact_whatever_the_bytes() {
    let folder = folder();
    let paths = paths(folder.path());
    let _listeners: Vec<OwnedFd> = paths.iter().map(|path| listening(path, 5)).collect();
    let document = json([&all_in(folder.path())]);
    for path in &paths {
        let bytes = path.as_os_str().as_encoded_bytes();
        let named = list(&document, "endpoints")
            .iter()
            .find(|endpoint| endpoint["name"]["hex"] == hex(bytes));
        let endpoint = named.unwrap_or_else(|| panic!("no {path:?} in {document:#}"));
        assert_eq!(
            endpoint["name"]["text"].as_str(),
            std::str::from_utf8(bytes).ok()
        );
        assert_eq!(endpoint["file"]["path"]["hex"], hex(bytes));
        no_harm(endpoint["address"].as_str().unwrap());
    }
}

#[test]
fn the_name_of_a_process_cannot_do_harm_either() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let program = "open('/proc/self/comm', 'wb').write(b'\\x1b[2Jx[1]\\xff\\n')\n";
    let server =
        crate::scene::Program::python(&format!("{program}{}", crate::scene::SERVE), &[text(&path)]);
    for arguments in [
        &["-c"][..],
        &["--tree"],
        &["--json"],
        &["--watch=0.1", "--rounds", "1"],
    ] {
        let answer = answer(
            sockeye()
                .arg("ls")
                .args(arguments)
                .arg(all_in(folder.path())),
        );
        no_harm(&answer.text);
        assert!(
            answer.text.contains(&server.pid().to_string()),
            "{answer:#?}"
        );
    }
    ls([&path]).says(&[r"\x1b\x5b2Jx\x5b1\x5d\xff\x0a["]);
    let document = json([&path]);
    assert_eq!(
        crate::command::endpoint(&document, text(&path))["processes"][0]["name"],
        r"\x1b[2Jx[1]\xff\x0a"
    );
}

#[test]
fn errors_repeat_hostile_words_without_harm() {
    for typed in [
        "\u{1b}[2J",
        "@\u{1b}\\q",
        "unix://\u{1b}/x",
        "\u{202e}[",
        "tcp:\u{1b}:1",
        "unix:/x,\u{1b}=1",
        "exec:\u{1b}[2J",
    ] {
        let answer = ls([typed]);
        assert_eq!(answer.status, Some(2), "{answer:#?}");
        no_harm(&answer.complaint);
    }
    let answer = ls(["--user", "\u{1b}[2J\u{202e}"]);
    assert_eq!(answer.status, Some(2), "{answer:#?}");
    no_harm(&answer.complaint);
}

#[test]
fn scan_and_tree_show_hostile_names_without_harm() {
    let folder = folder();
    let listeners: Vec<OwnedFd> = paths(folder.path())
        .iter()
        .map(|path| listening(path, 5))
        .collect();
    let tree = ls(["--tree", &all_in(folder.path())]);
    no_harm(&tree.text);
    drop(listeners);
    let scan = ls([OsString::from("--scan"), folder.path().into()]);
    no_harm(&scan.text);
    assert_eq!(scan.text.lines().count(), NAMES.len() + 2, "{scan:#?}");
}

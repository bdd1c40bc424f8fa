//! The text for people: the way as a list, the answer as a sentence, and what can be done.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use anstyle::Style;
use sockeye_address::escape::escape;
use sockeye_doctor::{Diagnosis, Found, Step};
use sockeye_privilege::Names;
use unicode_width::UnicodeWidthStr as _;

use super::remedy;
use crate::terminal::{FAINT, WARNING, WELL, WRONG, styled};

/// Wider paths push their line to the right instead of everybody's.
const PATH_COLUMNS_LIMIT: usize = 48;

/// The whole report, closed by a newline.
pub(crate) fn text(diagnosis: &Diagnosis) -> String {
    let mut text = steps(&diagnosis.steps);
    let verdict = &diagnosis.verdict;
    let (style, answer) = match (verdict.would_connect(), verdict.is_undecided()) {
        (true, _) => (WELL, "yes: "),
        (_, true) => (WARNING, ""),
        _ => (WRONG, "no: "),
    };
    if !text.is_empty() {
        text.push('\n');
    }
    let _ = writeln!(text, "{style}{answer}{style:#}{verdict}");
    if let Some(probe) = &diagnosis.probe {
        let outcome = match probe.outcome {
            Ok(()) => "succeeded".to_owned(),
            Err(errno) => format!("failed: {}", std::io::Error::from(errno)),
        };
        let _ = writeln!(text, "tried: a {} connect {outcome}", probe.kind);
    }
    for note in &diagnosis.notes {
        let _ = writeln!(text, "{}{note}", styled(WARNING, "note: "));
    }
    for remedy in remedy::remedies(diagnosis) {
        let _ = writeln!(text, "  {remedy}");
    }
    text
}

fn steps(steps: &[Step]) -> String {
    let mut names = Names::default();
    let widths = steps.iter().map(|step| shown(&step.path).width());
    let column = widths
        .filter(|width| *width <= PATH_COLUMNS_LIMIT)
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for step in steps {
        let (style, mark, word) = judgement(step);
        let path = shown(&step.path);
        let pad = column.saturating_sub(path.width());
        let what = describe(step, &mut names);
        let _ = writeln!(
            text,
            "{} {path}{:pad$}  {what}{}",
            styled(style, mark),
            "",
            styled(style, word)
        );
    }
    text
}

fn judgement(step: &Step) -> (Style, &'static str, &'static str) {
    match (&step.found, step.allowed) {
        (Found::Link(_), _) => (FAINT, "→", ""),
        (Found::Missing, _) => (WRONG, "✗", "missing"),
        (Found::Hidden, _) => (WARNING, "?", "may not be looked at"),
        (Found::Other(_), _) => (WRONG, "✗", "not a socket"),
        (Found::Folder, Some(true)) => (WELL, "✓", "may pass"),
        (Found::Folder, Some(false)) => (WRONG, "✗", "may not pass"),
        (Found::Socket(_), Some(true)) => (WELL, "✓", "may write"),
        (Found::Socket(_), Some(false)) => (WRONG, "✗", "may not write"),
        (Found::Folder | Found::Socket(_), None) => (WARNING, "?", "not known"),
    }
}

fn describe(step: &Step, names: &mut Names) -> String {
    let Some(owner) = step.owner else {
        return String::new();
    };
    if let Found::Link(target) = &step.found {
        return format!("link to {}", shown(target));
    }
    let user = name_or_number(names.user(owner.uid), owner.uid);
    let group = name_or_number(names.group(owner.gid), owner.gid);
    format!(
        "{:<7} {:04o} {user}:{group}  ",
        step.found.word(),
        owner.mode
    )
}

/// As `ls -l` shows it.
fn name_or_number(name: Option<&str>, number: u32) -> String {
    name.map_or_else(|| number.to_string(), |name| escape(name.as_bytes(), ""))
}

fn shown(path: &Path) -> String {
    escape(path.as_os_str().as_bytes(), "")
}

//! What `ssh` writes to standard error: its only way to say why something failed.

use std::collections::VecDeque;

use sockeye_address::escape::escape;

/// So many lines are kept for the reason.
const KEPT_LINES: usize = 8;
/// A longer line is cut.
const LINE_BYTES: usize = 1024;

/// Lines that come in pieces.
#[derive(Debug, Default)]
pub(super) struct Said {
    unfinished: Vec<u8>,
    lines: VecDeque<String>,
}

impl Said {
    /// Takes a piece, and tells every line that it finishes.
    pub(super) fn push(&mut self, piece: &[u8], hear: &mut impl FnMut(&str)) {
        for byte in piece {
            if *byte == b'\n' {
                self.finish(hear);
            } else if self.unfinished.len() < LINE_BYTES {
                self.unfinished.push(*byte);
            }
        }
    }

    /// Nothing more comes.
    pub(super) fn finish(&mut self, hear: &mut impl FnMut(&str)) {
        let line = std::mem::take(&mut self.unfinished);
        let line = line.trim_ascii_end();
        if line.is_empty() {
            return;
        }
        let line = escape(line, "");
        hear(&line);
        if self.lines.len() == KEPT_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// The last words, as the cause in an error; `None` when there were none.
    pub(super) fn reason(&self) -> Option<String> {
        let mut lines = self.lines.iter().rev().filter(|line| !is_chatter(line));
        let last = lines.next()?;
        let reason = match lines.next() {
            Some(before) if is_vague(last) => format!("{before}; {last}"),
            _ => last.clone(),
        };
        Some(reason.trim_end_matches('.').to_owned())
    }
}

/// Nothing is wrong.
fn is_chatter(line: &str) -> bool {
    line.starts_with("Warning: Permanently added") || is_refusal(line)
}

/// That it is over, but not why: the line before is about that.
fn is_vague(line: &str) -> bool {
    [
        "Connection closed by ",
        "Connection reset by ",
        "Disconnected from ",
    ]
    .iter()
    .any(|start| line.starts_with(start))
        || line.contains(": terminating, ")
        || line.starts_with("muxclient: ")
}

/// `channel 3: open failed: connect failed: open failed`: the other machine would not connect a client.
pub(super) fn is_refusal(line: &str) -> bool {
    line.strip_prefix("channel ")
        .and_then(|rest| rest.split_once(": "))
        .is_some_and(|(number, rest)| {
            number.bytes().all(|byte| byte.is_ascii_digit()) && rest.starts_with("open failed: ")
        })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("", None)]
    #[case("\r\n", None)]
    #[case(
        "Warning: Permanently added 'box' (ED25519) to the list of known hosts.\r\nada@box: Permission denied (publickey).\r\n",
        Some("ada@box: Permission denied (publickey)")
    )]
    #[case(
        "ssh: connect to host box port 22: Connection refused",
        Some("ssh: connect to host box port 22: Connection refused")
    )]
    #[case(
        "kex_exchange_identification: banner line contains invalid characters\nConnection closed by UNKNOWN port 65535\n",
        Some(
            "kex_exchange_identification: banner line contains invalid characters; Connection closed by UNKNOWN port 65535"
        )
    )]
    #[case(
        "Connection closed by 10.0.0.1 port 22\n",
        Some("Connection closed by 10.0.0.1 port 22")
    )]
    #[case("channel 2: open failed: connect failed: open failed\n", None)]
    #[case("\x1b[2Jgone\n", Some(r"\x1b[2Jgone"))]
    fn the_reason_is_in_the_last_words(#[case] said: &str, #[case] reason: Option<&str>) {
        let mut all = Said::default();
        for piece in said.as_bytes().chunks(7) {
            all.push(piece, &mut |_| ());
        }
        all.finish(&mut |_| ());
        assert_eq!(all.reason().as_deref(), reason);
    }

    #[rstest]
    #[case("channel 1: open failed: connect failed: open failed", true)]
    #[case(
        "channel 12: open failed: administratively prohibited: open failed",
        true
    )]
    #[case("channel x: open failed: no", false)]
    #[case("open failed: no", false)]
    fn a_refusal_is_known(#[case] line: &str, #[case] is: bool) {
        assert_eq!(is_refusal(line), is);
    }

    #[test]
    fn neither_long_lines_nor_many_are_kept() {
        let mut said = Said::default();
        let mut told = 0;
        for _ in 0..100 {
            said.push(&[b'x'; 10 * LINE_BYTES], &mut |_| told += 1);
            said.push(b"\n", &mut |line: &str| {
                told += 1;
                assert_eq!(line.len(), LINE_BYTES);
            });
        }
        assert_eq!((told, said.lines.len()), (100, KEPT_LINES));
    }
}

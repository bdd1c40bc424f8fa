//! Bars made of characters.

use crate::terminal::{self, ADDRESS, FAINT, styled};

/// A bar, as long as its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bar {
    /// Stands before it.
    pub label: &'static str,
    /// How long it is.
    pub value: f64,
    /// Stands behind the value.
    pub remark: String,
}

/// Blocks of an eighth to seven eighths of a character.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
/// Characters of the longest bar; narrower terminals get less.
const LONGEST: usize = 40;
/// Characters of a line that are not the bar: the label, the value and the remark.
const BESIDE: usize = 48;

/// One line for each bar, the longest as wide as there is room for.
pub(super) fn lines(bars: &[Bar], unit: &str) -> Vec<String> {
    let room = terminal::width_columns().map_or(LONGEST, |width| {
        width.saturating_sub(BESIDE).clamp(8, LONGEST)
    });
    let most = bars
        .iter()
        .map(|bar| bar.value)
        .fold(f64::MIN_POSITIVE, f64::max);
    let labels = bars
        .iter()
        .map(|bar| bar.label.len())
        .max()
        .unwrap_or_default();
    bars.iter()
        .map(|bar| {
            let blocks = blocks(bar.value / most, room);
            let pad = " ".repeat(room.saturating_sub(blocks.chars().count()));
            let remark = styled(FAINT, &bar.remark);
            format!(
                "  {:<labels$}  {}{pad} {:>7.1} {unit}  {remark}",
                bar.label,
                styled(ADDRESS, blocks),
                bar.value
            )
        })
        .collect()
}

/// A bar of `share` of `room` characters, to an eighth of one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a few hundred eighths of a character, clamped before"
)]
fn blocks(share: f64, room: usize) -> String {
    let eighths = (share.clamp(0.0, 1.0) * room as f64 * 8.0).round() as usize;
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_share() {
        assert_eq!(blocks(1.0, 4), "████");
        assert_eq!(blocks(0.5, 4), "██");
        assert_eq!(blocks(0.03, 4), "▏");
        assert_eq!(blocks(0.0, 4), "");
        assert_eq!(blocks(7.0, 2), "██");
    }
}

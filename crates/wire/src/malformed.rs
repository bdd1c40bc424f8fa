/// Bytes that are not what the kernel writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("parse {format}: byte {offset}: {what}")]
pub struct Malformed {
    /// The format that was expected, such as `unix_diag`.
    pub format: &'static str,
    /// Where in the buffer the trouble is, in bytes from its start.
    pub offset: usize,
    /// What is wrong there.
    pub what: &'static str,
}

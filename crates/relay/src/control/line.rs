//! Requests, line by line, with a limit on each.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};

use super::MAX_REQUEST_BYTES;

/// What a client has sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line, without its end.
    Whole(Vec<u8>),
    /// More than a line may have; the rest of it is still to be skipped.
    TooLong,
    /// Nothing more will come.
    End,
}

/// Reads up to the end of the line, or of all: the last line may have no end of its own.
pub(super) async fn next(reader: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Line> {
    let mut line = Vec::new();
    let limit = MAX_REQUEST_BYTES + 1;
    let length = reader.take(limit).read_until(b'\n', &mut line).await?;
    if line.last() == Some(&b'\n') {
        line.pop();
        return Ok(Line::Whole(line));
    }
    Ok(match u64::try_from(length) {
        Ok(0) => Line::End,
        Ok(length) if length < limit => Line::Whole(line),
        _ => Line::TooLong,
    })
}

/// Reads and drops the rest of a line.
pub(super) async fn skip(reader: &mut (impl AsyncBufRead + Unpin)) -> io::Result<()> {
    loop {
        let read = reader.fill_buf().await?;
        let end = read.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(read.len(), |end| end + 1);
        reader.consume(length);
        if end.is_some() || length == 0 {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_end_with_theirs_or_with_all() {
        let mut reader: &[u8] = b"one\n\ntwo";
        for expected in ["one", "", "two"] {
            assert_eq!(
                next(&mut reader).await.unwrap(),
                Line::Whole(expected.into())
            );
        }
        assert_eq!(next(&mut reader).await.unwrap(), Line::End);
    }

    #[tokio::test]
    async fn a_line_may_be_just_so_long_and_what_is_longer_is_skipped() {
        let most = usize::try_from(MAX_REQUEST_BYTES).unwrap();
        let text = [vec![b'a'; most], vec![b'b'; most + 100], b"c".to_vec()].join(&b'\n');
        let mut reader = text.as_slice();
        assert_eq!(
            next(&mut reader).await.unwrap(),
            Line::Whole(vec![b'a'; most])
        );
        assert_eq!(next(&mut reader).await.unwrap(), Line::TooLong);
        skip(&mut reader).await.unwrap();
        assert_eq!(next(&mut reader).await.unwrap(), Line::Whole(b"c".into()));
    }
}

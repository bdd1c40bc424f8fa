//! The stream that is sent through a socket, and the two ways to receive it.
//!
//! It is made of blocks that carry their number, so that each byte of it has one right place. The check compares
//! every byte with what must be there, which no loss, repetition or exchange survives, and is cheaper than a
//! checksum.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::process::ChildStdout;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pipe::{SpliceFlags, splice};

use crate::Outcome;

pub(crate) const BLOCK: usize = 1 << 20;
/// No program is silent for so long unless it hangs.
const SILENCE: Duration = Duration::from_secs(30);

/// What a receiver saw.
pub(crate) struct Received {
    pub(crate) bytes: u64,
    /// When the last of them came: the end of the transfer, whatever the programs still do before they exit.
    pub(crate) last: Instant,
}

/// Makes the blocks one after the other, in one buffer.
pub(crate) struct Blocks {
    block: Vec<u8>,
    next: u64,
}

impl Blocks {
    pub(crate) fn new() -> Self {
        // Xorshift: any bytes do, as long as a shifted block is not the same block.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let words = (0..BLOCK / 8).flat_map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        });
        Self {
            block: words.collect(),
            next: 0,
        }
    }

    fn advance(&mut self) -> &[u8] {
        self.block[..8].copy_from_slice(&self.next.to_le_bytes());
        self.next += 1;
        &self.block
    }

    /// Writes so many blocks.
    pub(crate) fn send(&mut self, count: u64, output: &mut impl Write) -> io::Result<()> {
        (0..count).try_for_each(|_| output.write_all(self.advance()))
    }

    /// Receives all there is, comparing each byte; an error names the first wrong place.
    pub(crate) fn verify(&mut self, mut input: impl Read + AsFd) -> Outcome<Received> {
        let mut buffer = vec![0; BLOCK];
        let (mut bytes, mut last) = (0, Instant::now());
        loop {
            let mut filled = 0;
            while filled < BLOCK {
                wait_for_bytes(&input)?;
                match input.read(&mut buffer[filled..])? {
                    0 => break,
                    count => filled += count,
                }
                last = Instant::now();
            }
            let expected = self.advance();
            if buffer[..filled] != expected[..filled] {
                return Err(format!("wrong bytes in MiB {}", self.next - 1).into());
            }
            bytes += filled as u64;
            if filled < BLOCK {
                return Ok(Received { bytes, last });
            }
        }
    }
}

/// Receives all there is and lets the kernel drop it, so that what is timed is the programs and not this one.
pub(crate) fn discard(input: &ChildStdout) -> Outcome<Received> {
    let nowhere = File::options().write(true).open("/dev/null")?;
    let (mut bytes, mut last) = (0, Instant::now());
    loop {
        wait_for_bytes(input)?;
        match splice(input, None, &nowhere, None, BLOCK, SpliceFlags::empty())? {
            0 => return Ok(Received { bytes, last }),
            count => bytes += count as u64,
        }
        last = Instant::now();
    }
}

fn wait_for_bytes(input: impl AsFd) -> Outcome {
    let limit = Timespec::try_from(SILENCE)?;
    let mut waiting = [PollFd::new(&input, PollFlags::IN)];
    match poll(&mut waiting, Some(&limit))? {
        0 => Err(format!("nothing arrived for {SILENCE:?}").into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    fn through_cat(change: impl Fn(&mut Vec<u8>)) -> Outcome<Received> {
        let mut bytes = Vec::new();
        Blocks::new().send(2, &mut bytes)?;
        change(&mut bytes);
        let mut cat = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut input = cat.stdin.take().ok_or("no input")?;
        let writer = std::thread::spawn(move || input.write_all(&bytes));
        let received = Blocks::new().verify(cat.stdout.take().ok_or("no output")?);
        // It fails when the check gave up early, which is no failure of the test.
        let _ = writer.join();
        cat.wait()?;
        received
    }

    #[test]
    fn what_arrives_unchanged_is_accepted() {
        assert_eq!(through_cat(|_| {}).unwrap().bytes, 2 * BLOCK as u64);
    }

    #[test]
    fn a_changed_byte_and_a_lost_block_are_found() {
        assert!(through_cat(|bytes| bytes[BLOCK + 77] ^= 1).is_err());
        assert!(through_cat(|bytes| drop(bytes.drain(..BLOCK))).is_err());
    }
}

//! How much of what is queued carries no passed descriptors, so that it can be spliced: `splice(2)` drops descriptors
//! without a word.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{self, OFlags};
use rustix::io::{self, Errno};
use sockeye_address::Kind;

use crate::nature::{Family, Nature};
use crate::{DescriptorNumber, Error};

/// Enough for what the kernel writes of a socket, some hundred bytes.
const INFO_BYTES: usize = 1024;

/// The line that the kernel writes for a Unix socket (`unix_show_fdinfo`, `net/unix/af_unix.c`).
const LABEL: &[u8] = b"scm_fds:";

/// Tells how many bytes at the head of the receive queue of a connected stream socket certainly carry no descriptors.
///
/// The kernel counts the bytes that are queued (`FIONREAD`) and the descriptors (`scm_fds` in `/proc/self/fdinfo/N`),
/// but not both at once. The gauge asks for the bytes first. A sender raises the count of descriptors before it queues
/// the bytes that carry them (`unix_stream_sendmsg`), and only a receive lowers it. So when the count is nothing after
/// the bytes were counted, those bytes carry none, whatever comes behind them meanwhile, as long as nobody else receives
/// from this socket: not another thread, and not another process that has the same socket.
///
/// It holds a descriptor, and one page of kernel memory, for each socket it is opened for.
///
/// # Minimum kernel
/// Linux 5.6 (commit 3c32da19a858, "unix: Show number of pending scm files of receive queue in fdinfo"), with `/proc`.
/// Since 6.17 the bytes are counted without the lock of the queue (`inq_len`); that the count of descriptors is seen
/// in time then rests on the order of stores, which x86 keeps, and elsewhere on the time between two system calls.
///
/// # Examples
/// ```
/// use sockeye_socket::{Connection, Kind, Life, RightsGauge};
///
/// let (near, far) = Connection::pair(Kind::Stream, &Life::default())?;
/// if let Some(gauge) = RightsGauge::open(&far) {
///     near.send_all(b"plain")?;
///     assert_eq!(gauge.plain_bytes(&far)?, Some(5));
///     near.send_message(b"!", &[std::fs::File::open("/dev/null")?])?;
///     assert_eq!(gauge.plain_bytes(&far)?, None); // somewhere in the queue is a descriptor
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RightsGauge {
    info: OwnedFd,
    number: DescriptorNumber,
}

impl RightsGauge {
    /// A gauge for `socket`; `None` where nothing can be told of it: an old kernel, no `/proc`, no descriptor left, or
    /// it is no connected Unix stream socket.
    pub fn open(socket: impl AsFd) -> Option<Self> {
        let nature = Nature::of(&socket).ok()??;
        if (nature.family, nature.kind, nature.listening)
            != (Family::Unix, Some(Kind::Stream), false)
        {
            return None;
        }
        let number = DescriptorNumber::of(&socket);
        let path = format!("/proc/self/fdinfo/{number}");
        let info = fs::open(
            path,
            OFlags::RDONLY | OFlags::CLOEXEC,
            rustix::fs::Mode::empty(),
        )
        .ok()?;
        let gauge = RightsGauge { info, number };
        // A kernel without the line has nothing to say, later neither.
        gauge.queued_descriptors().ok()?;
        Some(gauge)
    }

    /// How many bytes may be spliced; `None` when descriptors are queued, before or behind whatever bytes: then receive
    /// with [`Connection::receive_message`](crate::Connection::receive_message). 0 when nothing is queued, be it that
    /// nothing has come yet or that the stream has ended.
    ///
    /// `socket` must be the one that the gauge was opened for.
    ///
    /// # Errors
    /// [`Error::Unfit`] for a descriptor of another number; otherwise what the kernel said.
    pub fn plain_bytes(&self, socket: impl AsFd) -> Result<Option<usize>, Error> {
        // The kernel looks the number up at each read: were it closed and used again, both counts would still be of
        // one socket, the one that is asked about.
        if DescriptorNumber::of(&socket) != self.number {
            return Err(Error::Unfit {
                number: DescriptorNumber::of(&socket).as_u32(),
                problem: "the gauge is another descriptor's",
            });
        }
        self.ask(&socket)
            .map_err(|error| Error::call("count the queue of", &self.number, error))
    }

    fn ask(&self, socket: impl AsFd) -> Result<Option<usize>, Errno> {
        let queued = io::ioctl_fionread(socket)?;
        if queued == 0 {
            return Ok(Some(0));
        }
        let descriptors = self.queued_descriptors()?;
        Ok((descriptors == 0).then(|| usize::try_from(queued).unwrap_or(usize::MAX)))
    }

    fn queued_descriptors(&self) -> Result<u64, Errno> {
        let mut buffer = [0; INFO_BYTES];
        let length = io::pread(&self.info, &mut buffer, 0)?;
        let text = buffer.get(..length).unwrap_or_default();
        // Truncated text could hide the line or cut its number.
        let whole = length < INFO_BYTES;
        count_in(text).filter(|_| whole).ok_or(Errno::NODATA)
    }
}

/// The number behind [`LABEL`]. The line is the last one that kernels write so far.
fn count_in(text: &[u8]) -> Option<u64> {
    let mut lines = text.rsplit(|byte| *byte == b'\n');
    let digits = lines.find_map(|line| line.strip_prefix(LABEL))?;
    let digits = digits.trim_ascii();
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |count, digit| {
        let value = digit.checked_sub(b'0').filter(|value| *value < 10)?;
        count.checked_mul(10)?.checked_add(value.into())
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(
        b"pos:\t0\nflags:\t02000002\nmnt_id:\t10\nino:\t4711\nscm_fds: 0\n",
        Some(0)
    )]
    #[case(b"pos:\t0\nscm_fds: 253\ncgroup_id: 9\n", Some(253))]
    #[case(b"scm_fds:\t12", Some(12))]
    #[case(b"pos:\t0\nflags:\t02\nmnt_id:\t10\n", None)]
    #[case(b"pos:\t0\nunscm_fds: 0\n", None)]
    #[case(b"scm_fds: \n", None)]
    #[case(b"scm_fds: -1\n", None)]
    #[case(b"scm_fds: 18446744073709551616\n", None)]
    #[case(b"", None)]
    fn the_count_is_found_or_there_is_none(#[case] text: &[u8], #[case] expected: Option<u64>) {
        assert_eq!(count_in(text), expected);
    }
}

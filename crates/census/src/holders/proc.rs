//! A walk of `/proc/*/fd`, by as many threads as there are processors.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustix::fs::{CWD, Mode, OFlags, openat, readlinkat_raw};
use rustix::io::Errno;
use sockeye_wire::proc::{fd_link, status};

use super::{Held, in_first_pid_namespace};
use crate::model::{Holder, NetNamespace, Pid, Process, SocketInode};

/// How many processes a thread takes at a time.
const BATCH: usize = 16;

pub(super) fn walk() -> Held {
    let Ok(proc) = openat(
        CWD,
        "/proc",
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    ) else {
        return Held {
            hides_processes: true,
            ..Held::default()
        };
    };
    let pids = numbers_in(proc.as_fd());
    let next = AtomicUsize::new(0);
    let threads = thread::available_parallelism()
        .map_or(1, usize::from)
        .min(8);
    let mut all = thread::scope(|scope| {
        let workers: Vec<_> = (1..threads)
            .map(|_| scope.spawn(|| Worker::new(&proc).run(&pids, &next)))
            .collect();
        let mut all = Worker::new(&proc).run(&pids, &next);
        for worker in workers {
            // A worker that died is as if its processes had not been readable; it cannot die, though.
            let Ok(held) = worker.join() else { continue };
            all.holders.extend(held.holders);
            all.processes.extend(held.processes);
            all.entrances.merge(held.entrances);
            all.unseen_processes += held.unseen_processes;
            all.hides_processes |= held.hides_processes;
        }
        all
    });
    all.sort();
    // Mounted with `hidepid=invisible`, /proc lists the own processes only (proc_pid_readdir in fs/proc/base.c).
    all.hides_processes |= !in_first_pid_namespace() || !pids.contains(&1);
    all
}

/// The entries of a folder that are numbers: processes in `/proc`, descriptors in `/proc/PID/fd`.
fn numbers_in(folder: BorrowedFd<'_>) -> Vec<u32> {
    let mut buffer = Vec::with_capacity(32 * 1024);
    let mut numbers = Vec::new();
    each_number(folder, &mut buffer, |number| numbers.push(number));
    numbers
}

fn each_number(folder: BorrowedFd<'_>, buffer: &mut Vec<u8>, mut each: impl FnMut(u32)) {
    let mut entries = rustix::fs::RawDir::new(folder, buffer.spare_capacity_mut());
    while let Some(Ok(entry)) = entries.next() {
        let name = entry.file_name().to_bytes();
        if let Some(number) = number(name) {
            each(number);
        }
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u32, |number, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}

/// What one thread needs and finds.
struct Worker<'a> {
    proc: &'a OwnedFd,
    folder_buffer: Vec<u8>,
    file_buffer: Vec<u8>,
    held: Held,
}

impl<'a> Worker<'a> {
    fn new(proc: &'a OwnedFd) -> Self {
        Worker {
            proc,
            folder_buffer: Vec::with_capacity(32 * 1024),
            file_buffer: Vec::with_capacity(4096),
            held: Held::default(),
        }
    }

    fn run(mut self, pids: &[u32], next: &AtomicUsize) -> Held {
        loop {
            let start = next.fetch_add(BATCH, Ordering::Relaxed);
            let Some(rest) = pids.get(start..) else { break };
            if rest.is_empty() {
                break;
            }
            for pid in rest.iter().take(BATCH) {
                self.look_into(*pid);
            }
        }
        self.held
    }

    fn look_into(&mut self, pid: u32) {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match openat(self.proc, format!("{pid}/fd"), flags, Mode::empty()) {
            Ok(folder) => {
                if !self.read_descriptors(&folder, Pid(pid)) {
                    self.look_into_threads(Pid(pid));
                }
            }
            Err(Errno::ACCESS | Errno::PERM) => self.note_unseen(pid),
            Err(_) => {} // it ended meanwhile
        }
    }

    /// A process whose first thread ended shows no descriptors of its own; the other threads have them.
    fn look_into_threads(&mut self, pid: Pid) {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let Ok(folder) = openat(self.proc, format!("{pid}/task"), flags, Mode::empty()) else {
            return;
        };
        // `proc_task_getattr` in fs/proc/base.c counts a link for each thread.
        if !rustix::fs::fstat(&folder).is_ok_and(|stat| stat.st_nlink > 3) {
            return;
        }
        for thread in numbers_in(folder.as_fd()) {
            let name = format!("{thread}/fd");
            let Ok(descriptors) = openat(&folder, name, flags, Mode::empty()) else {
                continue;
            };
            if self.read_descriptors(&descriptors, pid) {
                return; // threads share them
            }
        }
    }

    /// Answers whether there was any descriptor.
    fn read_descriptors(&mut self, folder: &OwnedFd, pid: Pid) -> bool {
        let mut has_any = false;
        let before = self.held.holders.len();
        let holders = &mut self.held.holders;
        // What a long command line or status left would leave no room for a link.
        self.file_buffer.clear();
        let link_buffer = &mut self.file_buffer;
        each_number(folder.as_fd(), &mut self.folder_buffer, |fd| {
            has_any = true;
            let link = readlinkat_raw(
                folder,
                decimal(fd).as_str(),
                link_buffer.spare_capacity_mut(),
            );
            let Ok((link, _)) = link else { return };
            if let Some(inode) = fd_link::socket_inode(link) {
                holders.push(Holder {
                    inode: SocketInode(inode),
                    pid,
                    fd,
                });
            }
        });
        self.note_namespace(pid);
        if self.held.holders.len() > before {
            self.note_process(pid);
        }
        has_any
    }

    fn note_namespace(&mut self, pid: Pid) {
        let link = format!("{pid}/ns/net");
        let Ok((link, _)) = readlinkat_raw(self.proc, link, self.file_buffer.spare_capacity_mut())
        else {
            return;
        };
        if let Some(inode) = fd_link::namespace_inode(link) {
            self.held.entrances.process_in(NetNamespace(inode), pid);
        }
    }

    fn note_process(&mut self, pid: Pid) {
        let Ok(text) = self.file(&format!("{pid}/status")) else {
            return;
        };
        let status = status::parse(text);
        let process = Process {
            pid,
            name: status.name.unwrap_or_default().into(),
            uid: status.uid.unwrap_or(u32::MAX),
        };
        self.held.processes.insert(pid, process);
    }

    /// Kernel threads have no command line and no descriptors: that those cannot be read is nothing missed.
    fn note_unseen(&mut self, pid: u32) {
        match self.file(&format!("{pid}/cmdline")) {
            Ok([]) => {}
            Ok(_) => self.held.unseen_processes += 1,
            // Mounted with `hidepid=noaccess`, /proc does not even tell which of them are kernel threads.
            Err(Errno::ACCESS | Errno::PERM) => self.held.hides_processes = true,
            Err(_) => {} // it ended meanwhile
        }
    }

    fn file(&mut self, name: &str) -> rustix::io::Result<&[u8]> {
        let file = openat(
            self.proc,
            name,
            OFlags::RDONLY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        self.file_buffer.clear();
        rustix::io::read(&file, rustix::buffer::spare_capacity(&mut self.file_buffer))?;
        Ok(&self.file_buffer)
    }
}

/// A number as text without an allocation: there is one for each descriptor of the machine.
fn decimal(number: u32) -> Decimal {
    let mut digits = [0; 10];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            return Decimal { digits, at };
        }
    }
}

struct Decimal {
    digits: [u8; 10],
    at: usize,
}

impl Decimal {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.digits[self.at..]).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_and_read_back() {
        for value in [0, 7, 10, 4_294_967_295] {
            assert_eq!(decimal(value).as_str(), value.to_string());
            assert_eq!(number(value.to_string().as_bytes()), Some(value));
        }
        assert_eq!(number(b"4294967296"), None);
        assert_eq!(number(b"self"), None);
    }
}

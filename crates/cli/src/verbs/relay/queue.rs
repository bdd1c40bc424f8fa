//! What waits to be written, and the thread that writes it: whoever reads standard error slowly keeps no client waiting.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Lines of the log that may wait; further ones are left out, and counted.
const LINES: usize = 8192;
/// What is to be dumped may wait up to this; more of it waits with its connection, so that nothing is left out.
const DUMP_BYTES: usize = 4 * 1024 * 1024;
/// How long to wait for the last lines to be written.
const LAST_LINES: Duration = Duration::from_secs(2);

/// Takes what waits and writes it, everything of one call at once.
pub(super) trait Sink<T>: Send {
    /// Writes all; `left_out` lines before them are lost.
    fn write(&mut self, waiting: &mut VecDeque<T>, left_out: u64);
}

/// A queue with a thread behind it.
pub(super) struct Queue<T> {
    shared: Arc<Shared<T>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    /// Told when there is something to write, or nothing will come.
    work: Condvar,
    /// Told when there is room, or when all is written.
    room: Condvar,
}

struct State<T> {
    waiting: VecDeque<T>,
    dump_bytes: usize,
    left_out: u64,
    /// Nothing waits for room any more.
    released: bool,
    /// Nothing more will come.
    closed: bool,
    /// All that will ever be written is written.
    done: bool,
}

impl<T> Shared<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Send + 'static> Queue<T> {
    pub(super) fn start(sink: impl Sink<T> + 'static) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                dump_bytes: 0,
                left_out: 0,
                released: false,
                closed: false,
                done: false,
            }),
            work: Condvar::new(),
            room: Condvar::new(),
        });
        let behind = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("log".into())
            .spawn(move || write_all(&behind, sink))?;
        Ok(Queue {
            shared,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Adds a line, or counts it as left out when too many wait.
    pub(super) fn line(&self, line: T) {
        let mut state = self.shared.state();
        if state.waiting.len() >= LINES {
            state.left_out += 1;
            return;
        }
        state.waiting.push_back(line);
        self.shared.work.notify_one();
    }

    /// Adds what must not be left out, `bytes` long, when there is room for it.
    pub(super) fn dump(&self, chunk: T, bytes: usize) {
        let mut state = self.shared.state();
        while state.dump_bytes >= DUMP_BYTES && !state.released {
            state = self
                .shared
                .room
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.dump_bytes >= DUMP_BYTES {
            state.left_out += 1;
            return;
        }
        state.dump_bytes += bytes;
        state.waiting.push_back(chunk);
        self.shared.work.notify_one();
    }

    /// Lets nobody wait for room any more: what does not fit is lost.
    pub(super) fn release(&self) {
        self.shared.state().released = true;
        self.shared.room.notify_all();
    }

    /// Writes what waits, unless that takes too long: whoever should read it may have stopped to.
    pub(super) fn finish(&self) {
        self.release();
        let mut state = self.shared.state();
        state.closed = true;
        self.shared.work.notify_one();
        let (state, _) = self
            .shared
            .room
            .wait_timeout_while(state, LAST_LINES, |state| !state.done)
            .unwrap_or_else(PoisonError::into_inner);
        let done = state.done;
        drop(state);
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread.filter(|_| done) {
            let _ = thread.join();
        }
    }
}

fn write_all<T>(shared: &Shared<T>, mut sink: impl Sink<T>) {
    let mut batch = VecDeque::new();
    loop {
        let mut state = shared.state();
        while state.waiting.is_empty() && state.left_out == 0 && !state.closed {
            state = shared
                .work
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.waiting.is_empty() && state.left_out == 0 {
            state.done = true;
            shared.room.notify_all();
            return;
        }
        std::mem::swap(&mut batch, &mut state.waiting);
        let left_out = std::mem::take(&mut state.left_out);
        state.dump_bytes = 0;
        drop(state);
        shared.room.notify_all();
        sink.write(&mut batch, left_out);
        batch.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// Writes when it is let.
    struct Gate {
        open: Receiver<()>,
        written: Sender<(Vec<usize>, u64)>,
    }

    impl Sink<usize> for Gate {
        fn write(&mut self, waiting: &mut VecDeque<usize>, left_out: u64) {
            let _ = self.open.recv();
            let _ = self.written.send((waiting.drain(..).collect(), left_out));
        }
    }

    #[test]
    fn a_reader_that_is_slow_costs_lines_that_are_counted_and_keeps_nobody_waiting() {
        let ((open, gate), (sender, written)) = (channel(), channel());
        let queue = Queue::start(Gate {
            open: gate,
            written: sender,
        })
        .unwrap();
        for number in 0..3 * LINES {
            queue.line(number);
        }
        drop(open);
        queue.finish();
        let (mut lines, mut left_out) = (Vec::new(), 0);
        for (batch, lost) in written {
            lines.extend(batch);
            left_out += lost;
        }
        assert!(lines.is_sorted());
        assert!(lines.len() >= LINES);
        assert_eq!(lines.len() as u64 + left_out, 3 * LINES as u64);
    }

    #[test]
    fn what_is_dumped_waits_for_room_until_it_is_released() {
        let ((open, gate), (sender, _written)) = (channel::<()>(), channel());
        let queue = Arc::new(
            Queue::start(Gate {
                open: gate,
                written: sender,
            })
            .unwrap(),
        );
        let filler = Arc::clone(&queue);
        let filling = std::thread::spawn(move || {
            for number in 0..10 {
                filler.dump(number, DUMP_BYTES);
            }
        });
        queue.release();
        filling.join().unwrap();
        drop(open);
        queue.finish();
    }
}

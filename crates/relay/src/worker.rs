//! The threads that serve clients, each with a runtime of its own: a connection stays where it is, and no thread has to
//! wake another to move its bytes.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// Threads with a runtime each. Dropping them ends what runs there.
#[derive(Debug)]
pub struct Workers {
    workers: Vec<Worker>,
    next: AtomicUsize,
}

#[derive(Debug)]
struct Worker {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Workers {
    /// Starts so many threads.
    pub fn start(count: usize) -> io::Result<Self> {
        let workers = (0..count.max(1))
            .map(Worker::start)
            .collect::<io::Result<_>>()?;
        Ok(Workers {
            workers,
            next: AtomicUsize::new(0),
        })
    }

    /// Runs a task on the next thread.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.workers.len();
        if let Some(worker) = self.workers.get(turn) {
            worker.handle.spawn(task);
        }
    }
}

impl Worker {
    fn start(number: usize) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name(format!("relay-{number}"))
            .spawn(move || {
                let _ = runtime.block_on(stopped);
                // A connect or a look-up of a name may still be waiting in a thread of its own, for nobody any more.
                runtime.shutdown_background();
            })?;
        Ok(Worker {
            handle,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.stop.take());
        // The last task of a relay may be the last to hold the workers: a thread cannot wait for its own end.
        let own = std::thread::current().id();
        if let Some(thread) = self
            .thread
            .take()
            .filter(|thread| thread.thread().id() != own)
        {
            let _ = thread.join();
        }
    }
}

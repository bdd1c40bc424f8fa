//! Work shared by threads that make more of it.

use std::sync::{Condvar, Mutex, PoisonError};

/// Jobs any thread may take. A thread keeps most of what it finds to itself and leaves some here when others wait.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    threads: usize,
}

struct State<T> {
    jobs: Vec<T>,
    idle: usize,
}

impl<T> Queue<T> {
    pub(super) fn new(jobs: Vec<T>, threads: usize) -> Self {
        Queue {
            state: Mutex::new(State { jobs, idle: 0 }),
            changed: Condvar::new(),
            threads,
        }
    }

    /// The next job; waits while other threads may still make some. `None` when all of them wait: the work is done.
    pub(super) fn take(&self) -> Option<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.idle += 1;
        loop {
            if let Some(job) = state.jobs.pop() {
                state.idle -= 1;
                return Some(job);
            }
            if state.idle == self.threads {
                self.changed.notify_all();
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Leaves jobs for others.
    pub(super) fn leave(&self, jobs: impl Iterator<Item = T>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.jobs.extend(jobs);
        drop(state);
        self.changed.notify_all();
    }
}

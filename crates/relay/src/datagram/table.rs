//! The sessions that there are.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Message;
use super::queue::{self, Queue};
use super::sender::Key;

#[derive(Debug, Default)]
pub(super) struct Table {
    queues: Mutex<HashMap<Key, Arc<Queue>>>,
    left: Notify,
    lost: AtomicU64,
}

/// What became of a message.
#[derive(Debug)]
pub(super) enum Put {
    Done,
    /// Its session has no room.
    Full(Arc<Queue>, Message),
    /// It has no session.
    Stranger(Message),
}

impl Table {
    /// Puts a message into its session.
    pub(super) fn put(&self, key: &Key, message: Message) -> Put {
        // Under the lock, for otherwise the session could end between being found and being given the message.
        let queues = self.lock();
        let Some(queue) = queues.get(key) else {
            return Put::Stranger(message);
        };
        match queue.put(message) {
            queue::Put::Queued => Put::Done,
            queue::Put::Full(message) => Put::Full(Arc::clone(queue), message),
            queue::Put::Dropped => {
                self.count_lost();
                Put::Done
            }
        }
    }

    /// A new session, with its first message.
    pub(super) fn add(&self, key: Key, message: Message) -> Arc<Queue> {
        let queue = Arc::new(Queue::default());
        queue.press(message);
        self.lock().insert(key, Arc::clone(&queue));
        queue
    }

    /// Ends a session.
    pub(super) fn remove(&self, key: &Key, queue: &Arc<Queue>) {
        let mut queues = self.lock();
        take_out(&mut queues, key, queue);
        drop(queues);
        queue.abandon();
        self.left.notify_one();
    }

    /// Ends a session unless something waits in it; answers whether it has ended.
    pub(super) fn remove_if_empty(&self, key: &Key, queue: &Arc<Queue>) -> bool {
        let mut queues = self.lock();
        let ends = queue.is_empty();
        if ends {
            take_out(&mut queues, key, queue);
            queue.complete();
            self.left.notify_one();
        }
        ends
    }

    /// Nothing more will come, for any session.
    pub(super) fn complete(&self) {
        for (_, queue) in self.lock().drain() {
            queue.complete();
        }
    }

    /// Waits until there is no session.
    pub(super) async fn empty(&self) {
        while self.len() > 0 {
            self.left.notified().await;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn count_lost(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
    }

    #[cfg(test)]
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Arc<Queue>>> {
        // Nothing that can panic is done under the lock.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same sender may have a new session by now, which stays.
fn take_out(queues: &mut HashMap<Key, Arc<Queue>>, key: &Key, queue: &Arc<Queue>) {
    if queues
        .get(key)
        .is_some_and(|there| Arc::ptr_eq(there, queue))
    {
        queues.remove(key);
    }
}

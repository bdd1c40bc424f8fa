//! The messages of one session.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sockeye_socket::MAX_DESCRIPTORS;
use tokio::sync::Notify;

use super::Message;

const MOST_MESSAGES: usize = 256;
/// It is full when it has as many, so it may have one message more.
const FULL_BYTES: usize = 1024 * 1024;

/// Messages on their way from the inbox, the only one to put, to the session, the only one to take.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    arrived: Notify,
    taken: Notify,
}

#[derive(Debug, Default)]
struct State {
    messages: VecDeque<Message>,
    queued_bytes: usize,
    queued_descriptors: usize,
    /// Dropped since the last message that was put.
    lost: u64,
    /// It was full for longer than others can wait.
    behind: bool,
    /// Nothing more will be put.
    complete: bool,
    /// Nothing more will be taken.
    abandoned: bool,
}

impl State {
    fn is_full(&self) -> bool {
        self.messages.len() >= MOST_MESSAGES
            || self.queued_bytes >= FULL_BYTES
            || self.queued_descriptors >= MAX_DESCRIPTORS
    }
}

/// What became of a message.
#[derive(Debug)]
pub(super) enum Put {
    Queued,
    /// It was dropped, and that is counted.
    Dropped,
    /// There is no room.
    Full(Message),
}

impl Queue {
    pub(super) fn put(&self, mut message: Message) -> Put {
        let mut state = self.lock();
        if state.is_full() {
            if !state.behind {
                return Put::Full(message);
            }
            state.lost += 1;
            return Put::Dropped;
        }
        message.lost_before = std::mem::take(&mut state.lost);
        self.append(state, message);
        Put::Queued
    }

    /// Puts a message wherever there is room or none.
    pub(super) fn press(&self, message: Message) {
        self.append(self.lock(), message);
    }

    fn append(&self, mut state: MutexGuard<'_, State>, message: Message) {
        state.queued_bytes += message.data.len();
        state.queued_descriptors += message.descriptors.len();
        state.messages.push_back(message);
        drop(state);
        self.arrived.notify_one();
    }

    /// From now on nobody waits for room in it, until a message is taken.
    pub(super) fn fall_behind(&self) {
        self.lock().behind = true;
    }

    /// Nothing more will be put.
    pub(super) fn complete(&self) {
        self.lock().complete = true;
        self.arrived.notify_one();
    }

    /// Nothing more will be taken.
    pub(super) fn abandon(&self) {
        let mut state = self.lock();
        state.abandoned = true;
        let left = std::mem::take(&mut state.messages);
        drop(state);
        drop(left);
        self.taken.notify_one();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().messages.is_empty()
    }

    /// Waits for a message; `None` when no more will come.
    ///
    /// # Cancel safety
    /// A message is taken by the poll that answers, or not at all.
    pub(super) async fn take(&self) -> Option<Message> {
        loop {
            {
                let mut state = self.lock();
                if let Some(message) = state.messages.pop_front() {
                    state.queued_bytes -= message.data.len();
                    state.queued_descriptors -= message.descriptors.len();
                    state.behind = false;
                    drop(state);
                    self.taken.notify_one();
                    return Some(message);
                }
                if state.complete {
                    return None;
                }
            }
            self.arrived.notified().await;
        }
    }

    /// Waits until there is room, or nobody needs any.
    pub(super) async fn room(&self) {
        loop {
            {
                let state = self.lock();
                if state.abandoned || !state.is_full() {
                    return;
                }
            }
            self.taken.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic is done under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

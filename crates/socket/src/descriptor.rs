//! A descriptor whose closing is part of the record.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::life::{DescriptorNumber, Life, SystemCall};

/// Fields are dropped in the order they stand in: the descriptor is closed, then the closing is told.
#[derive(Debug)]
pub(crate) struct Descriptor {
    fd: OwnedFd,
    farewell: Farewell,
}

#[derive(Debug)]
struct Farewell {
    number: DescriptorNumber,
    life: Life,
}

impl Descriptor {
    pub(crate) fn new(fd: OwnedFd, life: &Life) -> Self {
        let farewell = Farewell {
            number: DescriptorNumber::of(&fd),
            life: life.clone(),
        };
        Descriptor { fd, farewell }
    }

    pub(crate) fn number(&self) -> DescriptorNumber {
        self.farewell.number
    }

    pub(crate) fn life(&self) -> &Life {
        &self.farewell.life
    }

    /// Hands the descriptor on, with the duty to close it.
    pub(crate) fn into_fd(self) -> OwnedFd {
        let Descriptor { fd, mut farewell } = self;
        farewell.life = Life::default();
        fd
    }
}

impl AsFd for Descriptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for Farewell {
    fn drop(&mut self) {
        self.life
            .tell(|| SystemCall::Close { fd: self.number }, Ok(0));
    }
}

//! Any bytes as one buffer of netlink messages.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sockeye_wire::unix_diag::{Message, messages};

fuzz_target!(|buffer: &[u8]| {
    let mut all = messages(buffer);
    while let Some(message) = all.next() {
        match message {
            Ok(Message::Socket(socket)) => {
                assert_eq!(socket.pending.len(), socket.pending.clone().count());
                // What is borrowed lies in the buffer.
                if let Some(name) = socket.name {
                    assert!(buffer.as_ptr_range().contains(&name.as_ptr()));
                }
            }
            Ok(Message::Error(errno)) => assert!(errno > 0),
            Ok(_) => {}
            Err(error) => {
                assert!(error.offset <= buffer.len() + 3, "{error}");
                assert!(all.next().is_none(), "goes on after an error");
            }
        }
    }
});

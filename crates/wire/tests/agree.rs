//! The two sources of sockets, recorded at the same moment, tell the same.

#![cfg(target_endian = "little")] // the recorded dump is

use std::borrow::Cow;
use std::collections::BTreeMap;

use sockeye_wire::proc::net_unix;
use sockeye_wire::unix_diag::{Message, State, messages};

const DUMP: &[u8] = include_bytes!("data/unix_diag");
const FILE: &[u8] = include_bytes!("data/net_unix");

#[test]
fn netlink_and_proc_tell_the_same_of_every_socket() {
    let dumped: BTreeMap<_, _> = messages(DUMP)
        .filter_map(|message| match message.unwrap() {
            Message::Socket(socket) => Some((u64::from(socket.inode), socket)),
            _ => None,
        })
        .collect();
    let listed: BTreeMap<_, _> = net_unix::sockets(FILE)
        .map(Result::unwrap)
        .filter(|entry| entry.inode != 0) // netlink leaves out what is not accepted yet
        .map(|entry| (entry.inode, entry))
        .collect();
    assert!(dumped.keys().eq(listed.keys()));
    for (inode, entry) in listed {
        let socket = &dumped[&inode];
        assert_eq!(entry.kind, socket.kind);
        assert_eq!(entry.listening, socket.state == State::Listening);
        assert_eq!(entry.connected, socket.state == State::Established);
        let shown = socket.name.map(|name| match name.split_first() {
            Some((0, rest)) => {
                let rest = rest
                    .iter()
                    .map(|byte| if *byte == 0 { b'@' } else { *byte });
                Cow::Owned([0].into_iter().chain(rest).collect::<Vec<u8>>())
            }
            _ => Cow::Borrowed(name),
        });
        assert_eq!(entry.name, shown);
    }
}

//! Against a dump recorded on Linux 6.18, x86-64, in a network namespace of its own.

use proptest::prelude::*;
use rstest::rstest;
use sockeye_address::Kind;

use super::*;
use crate::{Device, Malformed};

const DUMP: &[u8] = include_bytes!("../../tests/data/unix_diag");

fn message(kind: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + payload.len()).unwrap();
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend([0; 8]);
    bytes.extend(payload);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).unwrap();
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// A stream socket with inode 9 and these attributes.
fn socket(attributes: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![AF_UNIX, 1, 7, 0];
    bytes.extend(9u32.to_ne_bytes());
    bytes.extend([0xff; 8]);
    bytes.extend(attributes.concat());
    bytes
}

fn read(buffer: &[u8]) -> Result<Vec<Message<'_>>, Malformed> {
    messages(buffer).collect()
}

fn sockets(buffer: &[u8]) -> Vec<Socket<'_>> {
    messages(buffer)
        .filter_map(|message| match message {
            Ok(Message::Socket(socket)) => Some(socket),
            _ => None,
        })
        .collect()
}

#[cfg(target_endian = "little")] // the recorded bytes are
mod recorded {
    use super::*;

    fn of(inode: u32) -> Socket<'static> {
        let mut all = sockets(DUMP).into_iter();
        all.find(|socket| socket.inode == inode).unwrap()
    }

    #[test]
    fn a_dump_has_its_sockets_and_then_ends() {
        let messages = read(DUMP).unwrap();
        assert_eq!(messages.len(), 16);
        assert_eq!(messages.last(), Some(&Message::Done));
        assert_eq!(sockets(DUMP).len(), 15);
    }

    #[test]
    fn a_listener_names_its_waiting_clients() {
        let listener = of(39907);
        assert_eq!(listener.kind, Some(Kind::Stream));
        assert_eq!(listener.state, State::Listening);
        assert_eq!(listener.name, Some(&b"/mnt/listener.sock"[..]));
        let device = Device {
            major: 0,
            minor: 39,
        };
        assert_eq!(listener.vfs, Some(Vfs { inode: 2, device }));
        assert_eq!(listener.pending.len(), 4);
        // The last one was closed by its client before it was accepted.
        assert!(listener.pending.eq([39910, 39911, 39912, 0]));
        let queues = Queues {
            receive: 4,
            send: 5,
        };
        assert_eq!(listener.queues, queues);
        assert_eq!((listener.peer, listener.uid), (None, Some(0)));
    }

    #[test]
    fn a_connection_names_its_ends_and_its_unread_bytes() {
        let (client, accepted) = (of(39908), of(39909));
        assert_eq!(client.state, State::Established);
        assert_eq!(client.peer, Some(accepted.inode));
        assert_eq!(accepted.peer, Some(client.inode));
        assert_eq!(client.name, None);
        assert_eq!(accepted.name, Some(&b"/mnt/listener.sock"[..]));
        assert_eq!(accepted.queues.receive, 5);
        assert!(client.queues.send > 5);
        assert_eq!(of(39910).peer, Some(0));
    }

    #[test]
    fn names_are_the_bytes_that_were_bound() {
        assert_eq!(of(39914).name, Some(&b"\0abs\0tract@\xff"[..]));
        assert_eq!(of(39914).vfs, None);
        assert_eq!(of(39917).name, Some(&b"/mnt/new\nline \xff.sock"[..]));
        assert_eq!(of(39922).name.map(<[u8]>::len), Some(107));
        assert_eq!(of(39920).name, None);
    }

    #[test]
    fn kinds_states_and_owners_are_told_apart() {
        assert_eq!(of(39917).kind, Some(Kind::Seqpacket));
        assert_eq!(of(39917).queues, Queues::default());
        assert_eq!(of(39915).kind, Some(Kind::Datagram));
        assert_eq!(of(39915).queues.receive, 7);
        assert_eq!(
            (of(39915).state, of(39915).peer),
            (State::Established, None)
        );
        assert_eq!(of(39916).peer, Some(39915));
        assert_eq!(of(39920).state, State::Closed);
        assert_eq!(of(39921).uid, Some(65534));
    }

    #[test]
    fn a_half_closed_pair_shows_which_half() {
        let shut = |read, write| Some(Shutdown { read, write });
        assert_eq!(of(39918).shutdown, shut(false, true));
        assert_eq!(of(39919).shutdown, shut(true, false));
        assert_eq!(of(39908).shutdown, shut(false, false));
    }

    #[test]
    fn a_dump_cut_short_anywhere_is_an_error_or_has_fewer_sockets() {
        let whole = sockets(DUMP);
        for end in 0..DUMP.len() {
            let cut = &DUMP[..end];
            assert!(whole.starts_with(&sockets(cut)), "cut at {end}");
            let complete = read(cut).is_ok_and(|messages| messages.contains(&Message::Done));
            assert!(!complete, "cut at {end}");
        }
    }
}

#[test]
fn the_request_holds_what_was_asked_for() {
    let request = dump_request(Show::NAME | Show::UID, 0x0102_0304);
    let word = |at: usize| u32::from_ne_bytes(request[at..at + 4].try_into().unwrap());
    assert_eq!([word(0), word(8), word(12)], [40, 0x0102_0304, 0]);
    assert_eq!(request[4..6], 20u16.to_ne_bytes());
    assert_eq!(request[6..8], 0x301u16.to_ne_bytes());
    assert_eq!(request[16..20], [1, 0, 0, 0]);
    assert_eq!([word(20), word(24), word(28)], [u32::MAX, 0, 65]);
    assert_eq!([word(32), word(36)], [u32::MAX, u32::MAX]);
}

#[test]
fn a_lookup_is_a_dump_of_one() {
    let lookup = lookup_request(0x0506_0708, Show::NAME, 9);
    let mut dump = dump_request(Show::NAME, 9);
    dump[6..8].copy_from_slice(&1u16.to_ne_bytes());
    dump[24..28].copy_from_slice(&0x0506_0708u32.to_ne_bytes());
    assert_eq!(lookup, dump);
}

#[test]
fn all_but_meminfo_is_the_sum_of_the_others() {
    let sum = Show::NAME | Show::VFS | Show::PEER | Show::ICONS | Show::RQLEN | Show::UID;
    assert_eq!(Show::ALL_BUT_MEMINFO, sum);
    assert_eq!(Show::ALL_BUT_MEMINFO | Show::MEMINFO, Show(127));
}

#[test]
fn an_interrupted_dump_says_so_once_and_loses_no_socket() {
    let buffer = [
        message(20, 2, &socket(&[])),
        message(20, 0x12, &socket(&[])),
        message(3, 0x12, &[0; 4]),
    ]
    .concat();
    let messages = read(&buffer).unwrap();
    assert!(matches!(
        messages[..],
        [
            Message::Socket(_),
            Message::Interrupted,
            Message::Socket(_),
            Message::Done
        ]
    ));
}

#[rstest]
#[case::done(3, 0, Ok(Message::Done))]
#[case::given_up(3, -4, Ok(Message::Error(4)))]
#[case::refused(2, -2, Ok(Message::Error(2)))]
#[case::acknowledged(2, 0, Ok(Message::Other(2)))]
#[case::positive(2, 1, Err("status is no errno"))]
#[case::no_opposite(3, i32::MIN, Err("status is no errno"))]
#[case::overrun(4, 0, Ok(Message::Other(4)))]
fn a_status_is_an_end_or_an_errno(
    #[case] kind: u16,
    #[case] status: i32,
    #[case] expected: Result<Message<'static>, &'static str>,
) {
    let buffer = message(kind, 0, &status.to_ne_bytes());
    let found = messages(&buffer).next().unwrap();
    assert_eq!(found.map_err(|error| error.what), expected);
}

#[rstest]
#[case::no_status(message(3, 0, &[0; 3]), 16, "status cut short")]
#[case::no_body(message(20, 0, &[1; 15]), 16, "socket cut short")]
#[case::no_attribute_header(
    message(20, 0, &[socket(&[]), vec![1, 2]].concat()), 32, "attribute header cut short"
)]
#[case::attribute_too_long(
    message(20, 0, &[socket(&[]), 9u16.to_ne_bytes().to_vec(), vec![0; 6]].concat()),
    32, "attribute length does not fit"
)]
#[case::attribute_too_short(
    message(20, 0, &[socket(&[]), 3u16.to_ne_bytes().to_vec(), vec![0; 6]].concat()),
    32, "attribute length does not fit"
)]
#[case::peer(
    message(20, 0, &socket(&[attribute(2, &[1])])), 36, "attribute too short for its type"
)]
#[case::second_attribute(
    message(20, 0, &socket(&[attribute(0, b"a"), attribute(3, &[1; 7])])),
    44, "attribute too short for its type"
)]
fn what_is_malformed_says_where(
    #[case] buffer: Vec<u8>,
    #[case] offset: usize,
    #[case] what: &'static str,
) {
    let mut messages = messages(&buffer);
    let error = messages.next().unwrap().unwrap_err();
    assert_eq!((error.offset, error.what), (offset, what));
    assert_eq!(messages.next(), None);
}

#[rstest]
#[case::path(b"/run/a\0", Some(&b"/run/a"[..]))]
#[case::without_its_nul(b"/run/a", Some(&b"/run/a"[..]))]
#[case::abstract_name(b"\0a\0", Some(&b"\0a\0"[..]))]
#[case::shortest_abstract_name(b"\0", Some(&b"\0"[..]))]
#[case::none(b"", None)]
fn a_name_loses_only_the_nul_that_closes_a_path(
    #[case] sent: &[u8],
    #[case] name: Option<&'static [u8]>,
) {
    let buffer = message(20, 2, &socket(&[attribute(0, sent)]));
    assert_eq!(sockets(&buffer)[0].name, name);
}

#[test]
fn what_a_kernel_to_come_adds_is_passed_over() {
    let mut longer = vec![0; 12];
    longer[..4].copy_from_slice(&7u32.to_ne_bytes());
    let attributes = [
        attribute(99, b"new"),
        attribute(0x4000 | 2, &longer), // NLA_F_NET_BYTEORDER
    ];
    let mut body = socket(&attributes);
    body[1] = 77;
    body[2] = 99;
    let buffer = message(20, 2, &body);
    let socket = &sockets(&buffer)[0];
    assert_eq!((socket.kind, socket.state), (None, State::Other(99)));
    assert_eq!((socket.inode, socket.peer), (9, Some(7)));
    let other_family = message(20, 2, &[2; 60]);
    assert_eq!(read(&other_family), Ok(vec![Message::Other(20)]));
}

#[test]
fn a_device_is_taken_apart_as_the_kernel_does() {
    let value = [5u32, 0x0fe0_1234].map(u32::to_ne_bytes).concat();
    let buffer = message(20, 2, &socket(&[attribute(1, &value)]));
    let device = Device {
        major: 254,
        minor: 0x1234,
    };
    assert_eq!(sockets(&buffer)[0].vfs, Some(Vfs { inode: 5, device }));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&bytes);
    }

    #[test]
    fn no_change_of_a_real_dump_makes_it_panic(
        changes in prop::collection::vec((0..DUMP.len(), any::<u8>()), 1..20),
        end in 0..=DUMP.len(),
    ) {
        let mut bytes = DUMP.to_vec();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        for message in messages(&bytes[..end]) {
            if let Ok(Message::Socket(socket)) = message {
                let _ = socket.pending.count();
            }
        }
    }

    #[test]
    fn what_is_written_is_read_back(
        name in prop::collection::vec(any::<u8>(), 1..108),
        peer: u32, uid: u32, waiting in prop::collection::vec(any::<u32>(), 0..9),
    ) {
        let icons: Vec<u8> = waiting.iter().flat_map(|inode| inode.to_ne_bytes()).collect();
        let buffer = message(20, 2, &socket(&[
            attribute(0, &[b"\0", &name[..]].concat()),
            attribute(2, &peer.to_ne_bytes()),
            attribute(3, &icons),
            attribute(7, &uid.to_ne_bytes()),
        ]));
        let socket = &sockets(&buffer)[0];
        prop_assert_eq!(socket.name.unwrap().split_first(), Some((&0, &name[..])));
        prop_assert_eq!((socket.peer, socket.uid), (Some(peer), Some(uid)));
        prop_assert_eq!(socket.pending.clone().collect::<Vec<_>>(), waiting);
    }
}

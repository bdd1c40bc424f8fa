//! `unix-dgram:`

use std::fs::File;
use std::io::{self, IoSlice, Read as _, Seek as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::io::FdFlags;
use sockeye_address::Name;
use sockeye_socket::{BindOptions, Custody, Datagram};

use super::super::{Arrival, Inbox};
use super::{
    delivered, echo_all, new_session, received, send, sender, unix_inbox, unnamed, while_serving,
    within,
};
use crate::event::Client;

#[tokio::test]
async fn each_of_many_senders_gets_its_own_answers() {
    let (folder, name, inbox) = unix_inbox();
    while_serving(echo_all(inbox), move || {
        let senders: Vec<_> = (0..25)
            .map(|number| sender(&folder, &format!("sender-{number}"), &name))
            .collect();
        for round in 0..8 {
            for (number, sender) in senders.iter().enumerate() {
                send(sender, format!("{round} of {number}").as_bytes());
            }
            for (number, sender) in senders.iter().enumerate() {
                assert_eq!(received(sender), format!("{round} of {number}").as_bytes());
            }
        }
    })
    .await;
}

#[tokio::test]
async fn messages_of_all_sizes_arrive_whole() {
    let (folder, name, inbox) = unix_inbox();
    while_serving(echo_all(inbox), move || {
        let sender = sender(&folder, "sender", &name);
        for length in [0, 1, 2, 1500, 4096, 8191, 16_384, 59_999, 60_000, 0, 7] {
            let data: Vec<u8> = (0..=u8::MAX).cycle().take(length).collect();
            send(&sender, &data);
            assert_eq!(received(&sender), data);
        }
    })
    .await;
}

#[tokio::test]
async fn a_message_of_the_length_of_the_buffers_arrives_whole() {
    let (_folder, name, mut inbox) = unix_inbox();
    let data = vec![b'x'; 150_000];
    unnamed().send_to(&data, &name).unwrap();
    let session = new_session(&mut inbox).await;
    assert_eq!(within(session.receive()).await.unwrap().data, data);
}

#[tokio::test]
async fn descriptors_pass_both_ways() {
    let (folder, name, mut inbox) = unix_inbox();
    let sender = sender(&folder, "sender", &name);
    let file = tempfile::tempfile().unwrap();
    sender.send_message_to(b"take it", &[&file], &name).unwrap();
    let session = new_session(&mut inbox).await;
    let message = within(session.receive()).await.unwrap();
    assert_eq!(message.data, b"take it");
    assert!(!message.descriptors_lost);
    let [passed] = &message.descriptors[..] else {
        panic!("{message:?} should bring one descriptor")
    };
    let flags = rustix::io::fcntl_getfd(passed).unwrap();
    assert!(flags.contains(FdFlags::CLOEXEC));

    within(session.send(b"here", &message.descriptors))
        .await
        .unwrap();
    let mut answer = sender.receive(&mut [0; 16]).unwrap();
    File::from(answer.descriptors.remove(0))
        .write_all(b"the same file")
        .unwrap();
    let mut content = String::new();
    let mut file = file;
    file.rewind().unwrap();
    file.read_to_string(&mut content).unwrap();
    assert_eq!(content, "the same file");
}

#[tokio::test]
async fn descriptors_without_a_byte_pass() {
    let (_folder, name, mut inbox) = unix_inbox();
    let files: Vec<OwnedFd> = (0..3)
        .map(|_| File::open("/dev/null").unwrap().into())
        .collect();
    unnamed().send_message_to(b"", &files, &name).unwrap();
    let session = new_session(&mut inbox).await;
    let message = within(session.receive()).await.unwrap();
    assert_eq!((message.data.len(), message.descriptors.len()), (0, 3));
}

#[tokio::test]
async fn senders_without_a_name_share_a_session_and_get_no_answer() {
    let (_folder, name, mut inbox) = unix_inbox();
    unnamed().send_to(b"first", &name).unwrap();
    unnamed().send_to(b"second", &name).unwrap();
    let session = new_session(&mut inbox).await;
    assert!(!session.is_answerable());
    assert_eq!(delivered(&mut inbox, &session).await.data, b"first");
    assert_eq!(delivered(&mut inbox, &session).await.data, b"second");
    let error = within(session.send(b"answer", &[])).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
    assert_eq!(error.to_string(), "answer a sender: its socket has no name");
}

#[tokio::test]
async fn it_is_known_who_sends() {
    let (folder, name, mut inbox) = unix_inbox();
    send(&sender(&folder, "sender", &name), b"it is me");
    let session = new_session(&mut inbox).await;
    let who = session.credentials().unwrap();
    assert_eq!(who.pid, Some(std::process::id()));
    assert_eq!(who.uid, rustix::process::geteuid().as_raw());
    assert_eq!(who.gid, rustix::process::getegid().as_raw());
    let Client::Unix { name, .. } = session.client() else {
        panic!("{session:?} should be of a unix socket")
    };
    assert_eq!(name.as_path(), Some(&*folder.path().join("sender")));
}

/// A name that changes hands: to forge credentials as root is the same to the receiver.
#[tokio::test]
#[ignore = "needs root"]
async fn another_user_with_the_same_name_is_another_session() {
    let (folder, name, mut inbox) = unix_inbox();
    let sender = sender(&folder, "sender", &name);
    send(&sender, b"of root");
    let session = new_session(&mut inbox).await;
    send_as(&sender, 1234, b"of another");
    let other = new_session(&mut inbox).await;
    assert_eq!(other.credentials().unwrap().uid, 1234);
    send(&sender, b"of root again");
    assert_eq!(delivered(&mut inbox, &session).await.data, b"of root");
    assert_eq!(delivered(&mut inbox, &session).await.data, b"of root again");
    assert_eq!(delivered(&mut inbox, &other).await.data, b"of another");
}

fn send_as(sender: &Datagram, uid: u32, data: &[u8]) {
    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, UCred, sendmsg};
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    assert!(control.push(SendAncillaryMessage::ScmCredentials(UCred {
        pid: rustix::process::getpid(),
        uid: rustix::process::Uid::from_raw(uid),
        gid: rustix::process::getgid(),
    })));
    let data = [IoSlice::new(data)];
    sendmsg(sender, &data, &mut control, SendFlags::NOSIGNAL).unwrap();
}

#[tokio::test]
async fn an_answer_to_a_sender_that_has_gone_is_refused() {
    let (folder, name, mut inbox) = unix_inbox();
    let sender = sender(&folder, "sender", &name);
    send(&sender, b"good bye");
    let session = new_session(&mut inbox).await;
    drop(sender.hand_over()); // the file stays, as after a crash
    let error = within(session.send(b"wait", &[])).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    std::fs::remove_file(folder.path().join("sender")).unwrap();
    let error = within(session.send(b"wait", &[])).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

#[tokio::test]
async fn a_sender_is_new_again_when_its_session_has_ended() {
    let (folder, name, mut inbox) = unix_inbox();
    let sender = sender(&folder, "sender", &name);
    send(&sender, b"one");
    let session = new_session(&mut inbox).await;
    assert_eq!(inbox.sessions(), 1);
    // Its message waits: it is not idle.
    assert!(!session.retire());
    within(session.receive()).await.unwrap();
    assert!(session.retire());
    assert!(within(session.receive()).await.is_none());
    assert_eq!(inbox.sessions(), 0);
    send(&sender, b"two");
    let session = new_session(&mut inbox).await;
    assert_eq!(within(session.receive()).await.unwrap().data, b"two");
}

#[tokio::test]
async fn a_successor_gets_the_messages_and_old_sessions_still_answer() {
    let (folder, name, mut inbox) = unix_inbox();
    let sender = sender(&folder, "sender", &name);
    send(&sender, b"to the old");
    let old_session = new_session(&mut inbox).await;
    let address = listen_address(&name);
    let socket = inbox.hand_over();
    send(&sender, b"to the new");
    let mut inbox = Inbox::adopt(socket, Custody::Ours, &address, super::Terms::default()).unwrap();
    let session = new_session(&mut inbox).await;
    assert_eq!(within(session.receive()).await.unwrap().data, b"to the new");
    let message = within(old_session.receive()).await.unwrap();
    assert_eq!(message.data, b"to the old");
    assert!(within(old_session.receive()).await.is_none());
    within(old_session.send(b"from the old", &[]))
        .await
        .unwrap();
    within(session.send(b"from the new", &[])).await.unwrap();
    assert_eq!(received(&sender), b"from the old");
    assert_eq!(received(&sender), b"from the new");
    drop(inbox);
    assert!(!folder.path().join("inbox").exists());
}

fn listen_address(name: &Name) -> sockeye_address::Address {
    let path = name.as_path().unwrap();
    sockeye_address::Address::Unix(sockeye_address::UnixAddress::from_path(path).unwrap())
}

#[tokio::test]
async fn the_end_of_an_inbox_is_told_to_its_senders_and_its_sessions() {
    let (folder, name, mut inbox) = unix_inbox();
    let sender = sender(&folder, "sender", &name);
    send(&sender, b"one");
    let session = new_session(&mut inbox).await;
    drop(inbox);
    assert_eq!(within(session.receive()).await.unwrap().data, b"one");
    assert!(within(session.receive()).await.is_none());
    let answer = rustix::net::send(&sender, b"two", rustix::net::SendFlags::NOSIGNAL);
    assert_eq!(answer, Err(rustix::io::Errno::PIPE));
    within(session.send(b"late", &[])).await.unwrap();
    assert_eq!(received(&sender), b"late");
}

#[tokio::test]
async fn draining_serves_those_that_are_known() {
    let (folder, name, mut inbox) = unix_inbox();
    let (known, stranger) = (
        sender(&folder, "known", &name),
        sender(&folder, "stranger", &name),
    );
    send(&known, b"one");
    let session = new_session(&mut inbox).await;
    let served = async {
        within(session.receive()).await.unwrap();
        send(&stranger, b"let me in");
        send(&known, b"two");
        let message = within(session.receive()).await.unwrap();
        assert_eq!(message.data, b"two");
        drop(session);
    };
    let (drained, ()) = tokio::join!(within(inbox.drain()), served);
    drained.unwrap();
    assert_eq!((inbox.sessions(), inbox.lost()), (0, 1));
}

#[tokio::test]
async fn the_sessions_are_limited() {
    let (folder, name, inbox) = unix_inbox();
    let senders = ["a", "b"].map(|sent_by| sender(&folder, sent_by, &name));
    let address = listen_address(&name);
    let terms = super::Terms { most_sessions: 1 };
    let mut inbox = Inbox::adopt(inbox.hand_over(), Custody::Ours, &address, terms).unwrap();
    send(&senders[0], b"one");
    let session = new_session(&mut inbox).await;
    send(&senders[1], b"one too many");
    let arrival = within(inbox.next()).await.unwrap();
    assert!(matches!(arrival, Arrival::TurnedAway(Client::Unix { .. })));
    assert_eq!(inbox.lost(), 1);
    drop(session);
    send(&senders[1], b"now");
    new_session(&mut inbox).await;
}

#[tokio::test]
async fn a_sender_with_an_abstract_name_is_answered() {
    let (_folder, name, mut inbox) = unix_inbox();
    let sender = Datagram::bind(&Name::Unnamed, &BindOptions::new()).unwrap();
    assert!(matches!(sender.name(), Name::Abstract(_)));
    sender.send_to(b"ping", &name).unwrap();
    let session = new_session(&mut inbox).await;
    within(session.send(b"pong", &[])).await.unwrap();
    assert_eq!(received(&sender), b"pong");
}

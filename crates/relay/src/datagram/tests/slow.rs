//! Sessions that are slow to take, and senders that are slow to take answers.

use std::time::Duration;

use rstest::rstest;

use super::super::queue::{Put, Queue};
use super::super::{Inbox, Message};
use super::{delivered, new_session, received, send, sender, unix_inbox, while_serving, within};

fn message(length: usize) -> Message {
    Message {
        data: vec![0; length],
        descriptors: Vec::new(),
        descriptors_lost: false,
        lost_before: 0,
    }
}

#[rstest]
#[case::messages(0, 256)]
#[case::bytes(300_000, 4)]
fn a_queue_is_bounded(#[case] length: usize, #[case] most: usize) {
    let queue = Queue::default();
    for _ in 0..most {
        assert!(matches!(queue.put(message(length)), Put::Queued));
    }
    assert!(matches!(queue.put(message(length)), Put::Full(_)));
    queue.fall_behind();
    assert!(matches!(queue.put(message(length)), Put::Dropped));
}

#[tokio::test]
async fn what_was_lost_is_told_with_the_next_message() {
    let queue = Queue::default();
    while let Put::Queued = queue.put(message(1)) {}
    queue.fall_behind();
    for _ in 0..3 {
        queue.put(message(1));
    }
    within(queue.take()).await.unwrap();
    queue.put(message(2));
    loop {
        let taken = within(queue.take()).await.unwrap();
        if taken.data.len() == 2 {
            assert_eq!(taken.lost_before, 3);
            return;
        }
        assert_eq!(taken.lost_before, 0);
    }
}

async fn deliver(inbox: &mut Inbox) {
    let arrival = inbox.next().await;
    panic!("{arrival:?} should not have come");
}

#[tokio::test]
async fn a_slow_session_holds_others_up_for_a_while_only() {
    let (folder, name, mut inbox) = unix_inbox();
    inbox.hold_up_for(Duration::from_millis(20));
    let [slow, quick] = ["slow", "quick"].map(|sent_by| sender(&folder, sent_by, &name));
    send(&slow, b"0");
    let slow_session = new_session(&mut inbox).await;
    send(&quick, b"0");
    let quick_session = new_session(&mut inbox).await;
    let slow = while_serving(deliver(&mut inbox), move || {
        (1..600).for_each(|number| send(&slow, number.to_string().as_bytes()));
        slow
    })
    .await;
    send(&quick, b"1");
    assert_eq!(delivered(&mut inbox, &quick_session).await.data, b"0");
    assert_eq!(delivered(&mut inbox, &quick_session).await.data, b"1");
    let lost = inbox.lost();
    assert_eq!(lost, 600 - 256);
    for number in 0..256 {
        let message = within(slow_session.receive()).await.unwrap();
        assert_eq!(message.data, number.to_string().as_bytes());
        assert_eq!(message.lost_before, 0);
    }
    send(&slow, b"again");
    let message = delivered(&mut inbox, &slow_session).await;
    assert_eq!(
        (message.data, message.lost_before),
        (b"again".to_vec(), lost)
    );
}

#[tokio::test]
async fn nothing_is_lost_of_a_session_that_is_slow_but_takes() {
    let (folder, name, mut inbox) = unix_inbox();
    let sender = sender(&folder, "sender", &name);
    send(&sender, b"0");
    let session = new_session(&mut inbox).await;
    let taking = async {
        for number in 0..2000 {
            let message = within(session.receive()).await.unwrap();
            assert_eq!(message.data, number.to_string().as_bytes());
            if number % 100 == 0 {
                // This is what is slow about it.
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    };
    let sending = std::thread::spawn(move || {
        (1..2000).for_each(|number| send(&sender, number.to_string().as_bytes()));
    });
    tokio::select! {
        () = deliver(&mut inbox) => {}
        () = taking => {}
    }
    sending.join().unwrap();
    assert_eq!(inbox.lost(), 0);
}

#[tokio::test]
async fn answers_wait_for_a_sender_that_is_slow_to_take_them() {
    let (folder, name, mut inbox) = unix_inbox();
    let sender = sender(&folder, "sender", &name);
    send(&sender, b"give me much");
    let session = new_session(&mut inbox).await;
    let answering = async {
        for number in 0..200 {
            let answer = number.to_string();
            within(session.send(answer.as_bytes(), &[])).await.unwrap();
        }
        std::future::pending::<()>().await;
    };
    while_serving(answering, move || {
        for number in 0..200 {
            assert_eq!(received(&sender), number.to_string().as_bytes());
        }
    })
    .await;
}

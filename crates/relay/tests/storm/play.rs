//! An end that does what its script says, and compares what it hears.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Condvar, Mutex};

use fastrand::Rng;

use crate::descriptor::{held, holding};
use crate::end::{Answer, End, PATIENCE};
use crate::script::{Pace, Part, Script, Speech};

/// Which connections are over.
#[derive(Default)]
pub(crate) struct Progress {
    over: Mutex<Vec<usize>>,
    told: Condvar,
}

impl Progress {
    pub(crate) fn finish(&self, number: usize) {
        self.over.lock().unwrap().push(number);
        self.told.notify_all();
    }

    /// Waits until a connection is over.
    fn wait_for(&self, number: usize) {
        let over = self.over.lock().unwrap();
        let waiting = |over: &mut Vec<usize>| !over.contains(&number);
        let (_over, timeout) = self
            .told
            .wait_timeout_while(over, PATIENCE, waiting)
            .unwrap();
        assert!(!timeout.timed_out(), "connection {number} is never over");
    }

    /// Waits until so many connections are over.
    pub(crate) fn wait_for_count(&self, count: usize) {
        let over = self.over.lock().unwrap();
        let waiting = |over: &mut Vec<usize>| over.len() < count;
        drop(
            self.told
                .wait_timeout_while(over, PATIENCE, waiting)
                .unwrap(),
        );
    }
}

/// One end of a scripted connection.
pub(crate) struct Player<'a> {
    pub(crate) script: &'a Script,
    pub(crate) is_client: bool,
    pub(crate) progress: &'a Progress,
}

/// What an end has heard.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heard {
    pub(crate) bytes: usize,
    /// It was the end that was meant, with nothing missing.
    pub(crate) all: bool,
    /// What the kernel said instead.
    pub(crate) error: Option<ErrorKind>,
}

impl Heard {
    fn all(bytes: usize) -> Self {
        Heard {
            bytes,
            all: true,
            error: None,
        }
    }

    fn cut(bytes: usize, error: Option<ErrorKind>) -> Self {
        Heard {
            bytes,
            all: false,
            error,
        }
    }
}

impl Player<'_> {
    fn own(&self) -> &Part {
        if self.is_client {
            &self.script.client
        } else {
            &self.script.server
        }
    }

    fn other(&self) -> &Part {
        if self.is_client {
            &self.script.server
        } else {
            &self.script.client
        }
    }

    /// Plays the part to its end.
    pub(crate) fn play(&self, end: &End) -> Heard {
        let (peer_ended, ended) = channel();
        let (spoke, spoken) = channel();
        std::thread::scope(|scope| {
            let speaking = scope.spawn(move || self.speak(end, &spoke, &ended));
            let heard = self.hear(end, &spoken);
            drop(peer_ended);
            if self.own().resets_after.is_some() && heard.all {
                end.wait_for_something();
            }
            speaking.join().unwrap();
            heard
        })
    }

    fn speak(&self, end: &End, spoke: &Sender<()>, peer_ended: &Receiver<()>) {
        let said = self.say(end);
        let _ = spoke.send(());
        assert!(
            said.is_ok() || self.script.breaks(),
            "{self}: say: {said:?}"
        );
        if self.own().resets_after.is_some() {
            return;
        }
        if self.own().ends_last {
            let _ = peer_ended.recv();
        }
        end.say_no_more();
    }

    fn say(&self, end: &End) -> Answer<()> {
        let speech = &self.own().speech;
        for piece in &speech.pieces {
            let bytes: Vec<u8> = speech
                .bytes(piece.place.clone())
                .flatten()
                .copied()
                .collect();
            if piece.descriptors == 0 {
                end.send_all(&bytes)?;
                continue;
            }
            let place = piece.place.start;
            let descriptors: Vec<_> = (0..piece.descriptors)
                .map(|turn| holding(&self.label(self.is_client, place, turn), place + turn))
                .collect();
            end.pass(&bytes, &descriptors)?;
        }
        Ok(())
    }

    fn label(&self, by_client: bool, place: usize, turn: usize) -> String {
        let by = if by_client { "client" } else { "server" };
        format!("{} {by} {place} {turn}", self.script.number)
    }

    fn hear(&self, end: &End, spoken: &Receiver<()>) -> Heard {
        if self.own().pace == Pace::AfterSpeaking {
            spoken.recv().unwrap();
        }
        let heard = if end.has_messages() {
            self.hear_messages(end)
        } else {
            self.hear_bytes(end)
        };
        let hang = heard.error == Some(ErrorKind::WouldBlock);
        assert!(!hang, "{self}: a hang after {} bytes", heard.bytes);
        heard
    }

    fn hear_messages(&self, end: &End) -> Heard {
        let speech = &self.other().speech;
        let mut buffer = vec![0; 256 << 10];
        let mut bytes = 0;
        for (number, piece) in speech.pieces.iter().enumerate() {
            if self.own().resets_after == Some(number) {
                return Heard::all(bytes);
            }
            self.wait_in_the_middle(number * 2 / speech.pieces.len());
            // Of a reset, the kernel tells before it gives what was sent.
            let got = end.receive_passed(&mut buffer).or_else(|error| {
                let again = error == ErrorKind::ConnectionReset && self.script.has_reset();
                if again {
                    end.receive_passed(&mut buffer)
                } else {
                    Err(error)
                }
            });
            let (length, descriptors) = match got {
                Ok((0, _)) if !piece.place.is_empty() => return Heard::cut(bytes, None),
                Err(error) => return Heard::cut(bytes, Some(error)),
                Ok(message) => message,
            };
            assert_eq!(length, piece.place.len(), "{self}: message {number}");
            assert!(speech.has(piece.place.start, &buffer[..length]), "{self}");
            let texts: Vec<String> = descriptors.into_iter().map(held).collect();
            assert_eq!(texts, self.labels(piece.place.start, piece.descriptors));
            bytes += length;
        }
        self.hear_the_end(end, bytes)
    }

    fn hear_bytes(&self, end: &End) -> Heard {
        let speech = &self.other().speech;
        let mut rng = Rng::with_seed(self.own().seed);
        let mut buffer = vec![0; 1 << 20];
        let mut bytes = 0;
        let mut marks: VecDeque<(usize, usize)> = marks(speech);
        while bytes < speech.length_bytes {
            if self.own().resets_after == Some(bytes) {
                return Heard::all(bytes);
            }
            self.wait_in_the_middle(bytes * 2 / speech.length_bytes);
            let most = self.draw_length(bytes, &mut rng);
            let to_mark = marks.front().map_or(usize::MAX, |(place, _)| place - bytes);
            // Up to a byte with descriptors, `read` must do; across it, they come with it.
            let by_read = to_mark > 0 && rng.bool();
            let most = if by_read { most.min(to_mark) } else { most };
            let got = if by_read {
                end.receive(&mut buffer[..most])
                    .map(|length| (length, Vec::new()))
            } else {
                end.receive_passed(&mut buffer[..most])
            };
            let (length, descriptors) = match got {
                Ok((0, _)) => return Heard::cut(bytes, None),
                Err(error) => return Heard::cut(bytes, Some(error)),
                Ok(got) => got,
            };
            assert!(speech.has(bytes, &buffer[..length]), "{self}: at {bytes}");
            self.compare(&mut marks, bytes + length, descriptors);
            bytes += length;
        }
        self.hear_the_end(end, bytes)
    }

    fn compare(
        &self,
        marks: &mut VecDeque<(usize, usize)>,
        end: usize,
        descriptors: Vec<std::os::fd::OwnedFd>,
    ) {
        let texts: Vec<String> = descriptors.into_iter().map(held).collect();
        let expected = match marks.front() {
            Some(&(place, count)) if place < end => {
                marks.pop_front();
                self.labels(place, count)
            }
            _ => Vec::new(),
        };
        assert_eq!(texts, expected, "{self}: before {end}");
        let next = marks.front().map_or(usize::MAX, |(place, _)| *place);
        assert!(next >= end, "{self}: nothing came with the byte at {next}");
    }

    fn labels(&self, place: usize, count: usize) -> Vec<String> {
        (0..count)
            .map(|turn| self.label(!self.is_client, place, turn))
            .collect()
    }

    fn hear_the_end(&self, end: &End, bytes: usize) -> Heard {
        let answer = end.receive_passed(&mut [0; 1]).map(|(length, _)| length);
        let all = matches!(answer, Ok(0));
        assert!(all || self.script.breaks(), "{self}: the end: {answer:?}");
        Heard::all(bytes)
    }

    fn draw_length(&self, bytes: usize, rng: &mut Rng) -> usize {
        let to_reset = self
            .own()
            .resets_after
            .map_or(usize::MAX, |after| after - bytes);
        let most = match self.own().pace {
            Pace::Fast => 1 << 20,
            Pace::Tiny if bytes < 2000 => rng.usize(1..=8),
            _ => match rng.u8(..4) {
                0 => rng.usize(1..=64),
                1 | 2 => rng.usize(1..=16 << 10),
                _ => rng.usize(1..=1 << 20),
            },
        };
        most.min(to_reset)
    }

    fn wait_in_the_middle(&self, half: usize) {
        if half > 0 && self.own().pace == Pace::AfterAnother && self.script.number > 0 {
            self.progress.wait_for(self.script.number - 1);
        }
    }
}

/// Where descriptors are passed, and how many.
fn marks(speech: &Speech) -> VecDeque<(usize, usize)> {
    let passing = speech.pieces.iter().filter(|piece| piece.descriptors > 0);
    passing
        .map(|piece| (piece.place.start, piece.descriptors))
        .collect()
}

impl std::fmt::Display for Player<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let who = if self.is_client { "client" } else { "server" };
        write!(f, "{who} of connection {}", self.script.number)
    }
}

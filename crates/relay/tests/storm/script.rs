//! What is said on a connection, drawn by lot.

use std::ops::Range;
use std::sync::LazyLock;

use fastrand::Rng;

/// What all streams are cut out of.
static PATTERN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut rng = Rng::with_seed(4711);
    let mut pattern = vec![0; (4 << 20) + 13];
    rng.fill(&mut pattern);
    pattern
});

/// Some of it.
pub(crate) fn pattern(place: Range<usize>) -> &'static [u8] {
    &PATTERN[place]
}

/// On what terms a storm is drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weather {
    /// Whether messages are sent, and none too long for a socket as it comes.
    pub(crate) messages: bool,
    /// Whether descriptors are passed.
    pub(crate) descriptors: bool,
    /// Whether some ends close with something unread.
    pub(crate) resets: bool,
    /// Whether what an end has said before it closed with something unread arrives: not over the network.
    pub(crate) last_words: bool,
    /// Whether descriptors may not pass.
    pub(crate) refused: bool,
}

impl Weather {
    /// Bytes and nothing else.
    pub(crate) const FAIR: Weather = Weather {
        messages: false,
        descriptors: false,
        resets: false,
        last_words: false,
        refused: false,
    };
}

/// A connection.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    pub(crate) number: usize,
    pub(crate) client: Part,
    pub(crate) server: Part,
    pub(crate) weather: Weather,
}

/// What one end does.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) speech: Speech,
    pub(crate) pace: Pace,
    /// It says that it has said all only after its peer has.
    pub(crate) ends_last: bool,
    /// It closes after so many bytes, or messages, with others unread.
    pub(crate) resets_after: Option<usize>,
    /// For all further draws.
    pub(crate) seed: u64,
}

/// How fast an end receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    Fast,
    Varied,
    /// A few bytes at a time, at first.
    Tiny,
    /// Nothing before it has said all.
    AfterSpeaking,
    /// It waits, in the middle, for the connection before it to be over.
    AfterAnother,
}

/// What one end says.
#[derive(Debug, Clone)]
pub(crate) struct Speech {
    offset: usize,
    pub(crate) length_bytes: usize,
    pub(crate) pieces: Vec<Piece>,
}

/// What it sends at once.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    pub(crate) place: Range<usize>,
    pub(crate) descriptors: usize,
}

impl Script {
    pub(crate) fn draw(number: usize, weather: Weather, rng: &mut Rng) -> Self {
        let mut client = Part::draw(weather, rng);
        let mut server = Part::draw(weather, rng);
        match rng.u8(..3) {
            0 => client.ends_last = true,
            1 => server.ends_last = true,
            _ => {}
        }
        if server.pace == Pace::AfterSpeaking && client.pace == Pace::AfterSpeaking {
            client.pace = Pace::Varied;
        }
        if weather.resets && rng.u8(..5) == 0 {
            // Of an empty message right behind the news of a reset, a test cannot tell that it is one.
            for part in [&mut client, &mut server] {
                part.speech.pieces.retain(|piece| !piece.place.is_empty());
            }
            let (one, other) = if rng.bool() {
                (&mut client, &mut server)
            } else {
                (&mut server, &mut client)
            };
            let most = if weather.messages {
                other.speech.pieces.len()
            } else {
                other.speech.length_bytes
            };
            one.resets_after = Some(rng.usize(..most));
            one.pace = Pace::Varied;
            other.pace = Pace::Varied;
        }
        Script {
            number,
            client,
            server,
            weather,
        }
    }

    pub(crate) fn has_reset(&self) -> bool {
        self.client.resets_after.is_some() || self.server.resets_after.is_some()
    }

    /// Whether it ends before all is said.
    pub(crate) fn breaks(&self) -> bool {
        self.has_reset() || self.is_refused()
    }

    /// Whether it passes descriptors that may not pass.
    pub(crate) fn is_refused(&self) -> bool {
        let passes = |part: &Part| part.speech.pieces.iter().any(|piece| piece.descriptors > 0);
        self.weather.refused && (passes(&self.client) || passes(&self.server))
    }
}

impl Part {
    fn draw(weather: Weather, rng: &mut Rng) -> Self {
        let paces = [
            Pace::Fast,
            Pace::Fast,
            Pace::Varied,
            Pace::Varied,
            Pace::Tiny,
            Pace::AfterSpeaking,
            Pace::AfterAnother,
        ];
        Part {
            speech: Speech::draw(weather, rng),
            pace: paces[rng.usize(..paces.len())],
            ends_last: false,
            resets_after: None,
            seed: rng.u64(..),
        }
    }
}

impl Speech {
    fn draw(weather: Weather, rng: &mut Rng) -> Self {
        let length_bytes = match rng.u8(..20) {
            0..10 => rng.usize(1..=4 << 10),
            10..16 => rng.usize(1..=128 << 10),
            16..19 => rng.usize(1..=1 << 20),
            _ => rng.usize(1 << 20..=3 << 20),
        };
        let mut pieces = Vec::new();
        let mut said_bytes = 0;
        while said_bytes < length_bytes {
            let most_bytes = match rng.u8(..10) {
                0..4 => 64,
                4..7 => 4 << 10,
                7..9 => 64 << 10,
                _ => length_bytes,
            };
            let most_bytes = if weather.messages {
                most_bytes.min(200_000)
            } else {
                most_bytes
            };
            let end = (said_bytes + rng.usize(1..=most_bytes)).min(length_bytes);
            if weather.messages && rng.u8(..8) == 0 {
                // An empty message, but never the last: nobody can tell that from the end.
                pieces.push(Piece {
                    place: said_bytes..said_bytes,
                    descriptors: 0,
                });
            }
            pieces.push(Piece {
                place: said_bytes..end,
                descriptors: draw_descriptors(weather, rng),
            });
            said_bytes = end;
        }
        Speech {
            offset: rng.usize(..PATTERN.len()),
            length_bytes,
            pieces,
        }
    }

    /// The bytes from `place` on, as many as there are in one piece.
    pub(crate) fn bytes(&self, place: Range<usize>) -> impl Iterator<Item = &'static [u8]> {
        let pattern: &'static [u8] = &PATTERN;
        let (mut at, mut rest) = ((self.offset + place.start) % pattern.len(), place.len());
        std::iter::from_fn(move || {
            let length = rest.min(pattern.len() - at);
            let bytes = &pattern[at..at + length];
            (at, rest) = (0, rest - length);
            (length > 0).then_some(bytes)
        })
    }

    /// Whether these are the bytes from `start` on.
    pub(crate) fn has(&self, start: usize, bytes: &[u8]) -> bool {
        let mut seen = 0;
        start + bytes.len() <= self.length_bytes
            && self.bytes(start..start + bytes.len()).all(|part| {
                seen += part.len();
                part == &bytes[seen - part.len()..seen]
            })
    }
}

fn draw_descriptors(weather: Weather, rng: &mut Rng) -> usize {
    if !weather.descriptors {
        return 0;
    }
    match rng.u8(..40) {
        0..4 => 1,
        4..7 => rng.usize(1..=4),
        7 => rng.usize(1..=16),
        _ => 0,
    }
}

//! Round trips, cuts and limits.

use proptest::collection::vec;
use proptest::prelude::*;
use rstest::rstest;

use super::{Decoder, Framing, FramingError, MOST_BYTES, encode};

type Outcome = Result<Vec<u8>, FramingError>;

/// What comes out of a stream that arrives in pieces of these lengths, the last of them again and again.
fn decoded(framing: Framing, most_bytes: usize, stream: &[u8], pieces: &[usize]) -> Vec<Outcome> {
    let mut decoder = Decoder::new(framing, most_bytes);
    let mut outcomes = Vec::new();
    let mut rest = stream;
    let mut lengths = pieces.iter().copied();
    while !rest.is_empty() {
        let length = lengths.next().unwrap_or(1).clamp(1, rest.len());
        let (piece, further) = rest.split_at(length);
        decoder.push(piece);
        outcomes.extend(decoder.by_ref());
        rest = further;
    }
    outcomes.extend(std::iter::from_fn(|| decoder.finish()));
    outcomes
}

fn stream_of(framing: Framing, messages: &[Vec<u8>]) -> Vec<u8> {
    let mut stream = Vec::new();
    for message in messages {
        encode(framing, message, &mut stream).unwrap();
    }
    stream
}

proptest! {
    #[test]
    fn counted_messages_come_back_wherever_the_stream_is_cut(
        messages in vec(vec(any::<u8>(), 0..40), 0..20),
        pieces in vec(1_usize..60, 0..200),
    ) {
        let stream = stream_of(Framing::Length32, &messages);
        let outcomes = decoded(Framing::Length32, MOST_BYTES, &stream, &pieces);
        prop_assert_eq!(outcomes, messages.into_iter().map(Ok).collect::<Vec<_>>());
    }

    #[test]
    fn lines_come_back_wherever_the_stream_is_cut(
        messages in vec(vec(any::<u8>().prop_filter("no newline", |byte| *byte != b'\n'), 0..40), 0..20),
        pieces in vec(1_usize..60, 0..200),
    ) {
        let stream = stream_of(Framing::Lines, &messages);
        let outcomes = decoded(Framing::Lines, MOST_BYTES, &stream, &pieces);
        prop_assert_eq!(outcomes, messages.into_iter().map(Ok).collect::<Vec<_>>());
    }

    #[test]
    fn no_stream_makes_the_decoder_hold_more_than_a_message_and_a_piece(
        stream in vec(any::<u8>(), 0..2000),
        framing in prop_oneof![Just(Framing::Lines), Just(Framing::Length32)],
    ) {
        let most_bytes = 64;
        let mut decoder = Decoder::new(framing, most_bytes);
        for piece in stream.chunks(17) {
            decoder.push(piece);
            prop_assert!(decoder.queued_bytes() <= most_bytes + 4 + 17);
            for message in decoder.by_ref().flatten() {
                prop_assert!(message.len() <= most_bytes);
            }
        }
    }
}

#[rstest]
#[case(Framing::Lines, b"a\n\nb", vec![Ok(b"a".to_vec()), Ok(vec![]), Ok(b"b".to_vec())])]
#[case(Framing::Lines, b"a\r\n", vec![Ok(b"a\r".to_vec())])]
#[case(Framing::Lines, b"", vec![])]
#[case(Framing::Lines, b"\n", vec![Ok(vec![])])]
#[case(Framing::Length32, b"", vec![])]
#[case(Framing::Length32, b"\0\0\0\0", vec![Ok(vec![])])]
#[case(Framing::Length32, b"\0\0\0\x02a", vec![Err(FramingError::Unfinished { missing_bytes: 1 })])]
#[case(Framing::Length32, b"\0\0", vec![Err(FramingError::Unfinished { missing_bytes: 2 })])]
fn a_stream_is_taken_apart(
    #[case] framing: Framing,
    #[case] stream: &[u8],
    #[case] expected: Vec<Outcome>,
) {
    for piece in 1..=stream.len().max(1) {
        let pieces = vec![piece; stream.len()];
        assert_eq!(decoded(framing, MOST_BYTES, stream, &pieces), expected);
    }
}

#[rstest]
#[case(Framing::Lines, b"1234\n12345\n1\n")]
#[case(Framing::Lines, b"1234\n12345678")]
#[case(Framing::Length32, b"\0\0\0\x041234\0\0\0\x05")]
#[case(Framing::Length32, b"\0\0\0\x041234\xff\xff\xff\xff")]
fn a_message_over_the_limit_is_the_last_thing_that_is_said(
    #[case] framing: Framing,
    #[case] stream: &[u8],
) {
    let too_long = FramingError::TooLong {
        operation: "read",
        most_bytes: 4,
    };
    for piece in 1..=stream.len() {
        let pieces = vec![piece; stream.len()];
        let expected = vec![Ok(b"1234".to_vec()), Err(too_long.clone())];
        assert_eq!(decoded(framing, 4, stream, &pieces), expected);
    }
}

#[rstest]
#[case(b"a\nb", 1)]
#[case(b"a\n", 1)]
#[case(b"\n", 0)]
fn a_message_with_a_newline_is_no_line(#[case] message: &[u8], #[case] at_byte: usize) {
    let mut out = b"before".to_vec();
    let answer = encode(Framing::Lines, message, &mut out);
    assert_eq!(answer, Err(FramingError::Newline { at_byte }));
    assert_eq!(out, b"before");
}

#[rstest]
#[case("lines", Framing::Lines)]
#[case("length32", Framing::Length32)]
fn a_framing_is_written_as_it_is_read(#[case] word: &str, #[case] framing: Framing) {
    assert_eq!(word.parse(), Ok(framing));
    assert_eq!(framing.to_string(), word);
}

#[test]
fn an_unknown_framing_is_told_which_there_are() {
    let error = "Lines".parse::<Framing>().unwrap_err();
    let said = r#"read framing "Lines": it is none of lines, length32"#;
    assert_eq!(error.to_string(), said);
}

//! What can be typed, and what is said of what cannot.

use proptest::prelude::*;
use rstest::rstest;

use crate::fault::{KINDS, On, Passing, Scope, Spec};

fn parse(text: &str) -> Spec {
    text.parse().unwrap()
}

#[rstest]
#[case(
    "up:latency,delay=100ms,jitter=20ms",
    "up:latency,delay=100ms,jitter=20ms"
)]
#[case(
    "up:latency,jitter=0.02,delay=0.1s",
    "up:latency,delay=100ms,jitter=20ms"
)]
#[case("down:bandwidth,rate=1MB", "down:bandwidth,rate=1MB")]
#[case("down:bandwidth,rate=1048576/s", "down:bandwidth,rate=1MiB")]
#[case(
    "up:slice,size=10,variation=5,gap=1ms",
    "up:slice,size=10,variation=5,gap=1ms"
)]
#[case("down:reset,after=1KiB", "down:reset,after=1KiB")]
#[case("down:reset,time=2s", "down:reset,time=2s")]
#[case("both:half-close,time=1m,after=0", "both:half-close,after=0,time=60s")]
#[case("up:close", "up:close")]
#[case("up:black-hole", "up:black-hole")]
#[case("down:slow-close,delay=2", "down:slow-close,delay=2s")]
#[case("refuse", "refuse")]
#[case("refuse,probability=30%", "refuse,probability=0.3")]
#[case("both:loss,share=0.1", "both:loss,share=0.1")]
#[case("up:duplicate,share=10%", "up:duplicate,share=0.1")]
#[case(
    "up:reorder,share=0.1,by=3,wait=5",
    "up:reorder,share=0.1,by=3,wait=5s"
)]
#[case(
    "up:black-hole,probability=1,time=1s",
    "up:black-hole,time=1s,probability=1"
)]
fn a_fault_is_shown_as_it_can_be_typed(#[case] typed: &str, #[case] shown: &str) {
    let spec = parse(typed);
    assert_eq!(spec.to_string(), shown);
    assert_eq!(parse(shown), spec);
}

#[rstest]
#[case("", "unknown kind \"\": expected one of latency, bandwidth, slice")]
#[case("up", "unknown kind \"up\": expected one of")]
#[case("up:", "unknown kind \"\": expected one of")]
#[case(
    "up:latncy,delay=1s",
    "unknown kind \"latncy\": expected one of latency, bandwidth,"
)]
#[case(
    "left:latency,delay=1s",
    "unknown direction \"left\": expected up, down or both"
)]
#[case(
    "latency,delay=1s",
    "latency needs a direction: up:latency, down:latency or both:latency"
)]
#[case(":latency,delay=1s", "latency needs a direction")]
#[case("up:refuse", "refuse takes no direction")]
#[case("up:latency", "delay is missing: expected delay=TIME")]
#[case("up:latency,jitter=1s", "delay is missing: expected delay=TIME")]
#[case("up:latency,delay", "\"delay\" has no value: expected parameter=value")]
#[case("up:latency,", "\"\" has no value: expected parameter=value")]
#[case("up:latency,delay=1s,delay=1s", "delay is given twice")]
#[case(
    "up:latency,delay=soon",
    "delay=soon: expected a time such as 100ms, 2s or 1m"
)]
#[case("up:latency,delay=\x1b[31m", "delay=\\u{1b}[31m: expected a time")]
#[case(
    "up:latency,dely=1s",
    "latency has no parameter \"dely\": it has delay, jitter, probability"
)]
#[case("up:latency,after=1", "latency has no parameter \"after\"")]
#[case(
    "refuse,after=1",
    "refuse has no parameter \"after\": it has probability"
)]
#[case(
    "up:bandwidth,rate=0",
    "rate=0: expected bytes a second such as 500, 64KB or 1MiB, and not 0"
)]
#[case(
    "up:slice,size=0",
    "size=0: expected a number of bytes such as 100, 10KB or 1MiB, and not 0"
)]
#[case(
    "up:loss,share=2",
    "share=2: expected a share from 0 to 1 such as 0.3, or 30%"
)]
#[case("up:reorder,share=1,by=0", "by=0: expected a number of at least 1")]
fn what_is_wrong_is_said_with_what_there_is(#[case] typed: &str, #[case] problem: &str) {
    let error = typed.parse::<Spec>().unwrap_err().to_string();
    let expected = format!("fault {typed:?}: {problem}");
    assert!(error.starts_with(&expected), "{error}");
}

#[test]
fn what_does_not_fit_is_refused() {
    let error = parse("up:loss,share=1").check(Passing::Bytes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "fault up:loss,share=1: it is for messages, and this relay carries bytes"
    );
    let error = parse("up:slice,size=1")
        .check(Passing::Messages)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "fault up:slice,size=1: it is for bytes, and this relay carries messages"
    );
    assert_eq!(parse("up:reset").check(Passing::Messages), Ok(()));
}

#[test]
fn each_kind_has_a_name_of_its_own_and_parameters_of_their_own() {
    let mut names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), KINDS.len());
    for kind in KINDS {
        let mut names: Vec<_> = kind.parameters().map(|parameter| parameter.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{}", kind.name);
    }
}

#[test]
fn each_help_is_one_line_without_a_full_stop() {
    let helps = KINDS.iter().flat_map(|kind| {
        let parameters = kind.parameters().map(|parameter| parameter.help);
        parameters.chain([kind.help]).collect::<Vec<_>>()
    });
    for help in helps {
        assert!(
            !help.is_empty() && !help.ends_with('.') && !help.contains('\n'),
            "{help}"
        );
    }
}

/// Something that a parameter takes.
fn value(word: &'static str) -> BoxedStrategy<String> {
    match word {
        "TIME" => (0..100_000_u32).prop_map(|ms| format!("{ms}ms")).boxed(),
        "BYTES" | "RATE" => (
            1..5000_u32,
            prop::sample::select(vec!["", "K", "KiB", "MB"]),
        )
            .prop_map(|(number, unit)| format!("{number}{unit}"))
            .boxed(),
        "SHARE" => (0.0..=1.0_f64).prop_map(|share| share.to_string()).boxed(),
        "N" => (1..100_u32).prop_map(|number| number.to_string()).boxed(),
        other => panic!("what is {other}?"),
    }
}

/// Any fault, with any of its parameters.
pub(super) fn any_fault() -> impl Strategy<Value = String> {
    prop::sample::select(KINDS.to_vec()).prop_flat_map(|kind| {
        let directions = match kind.scope {
            Scope::Client => vec![""],
            Scope::Any | Scope::Bytes | Scope::Messages => vec!["up:", "down:", "both:"],
        };
        let parameters: Vec<_> = kind
            .parameters()
            .map(|parameter| {
                let name = parameter.name;
                let typed =
                    value(parameter.value).prop_map(move |value| format!(",{name}={value}"));
                if parameter.needed {
                    typed.prop_map(Some).boxed()
                } else {
                    prop::option::of(typed).boxed()
                }
            })
            .collect();
        (prop::sample::select(directions), parameters).prop_map(|(direction, parameters)| {
            let parameters: String = parameters.into_iter().flatten().collect();
            format!("{direction}{}{parameters}", kind.name)
        })
    })
}

proptest! {
    #[test]
    fn any_fault_reads_back(typed in any_fault()) {
        let spec = parse(&typed);
        prop_assert_eq!(&parse(&spec.to_string()), &spec);
        prop_assert_eq!(spec.on() == On::Client, spec.kind().scope == Scope::Client);
    }

    #[test]
    fn nothing_typed_panics(text in "(up|down|both|)(:|)(latency|loss|reset|refuse|x|)(,|=|[a-z]{0,6}=[0-9.%a-zKMi]{0,9}|,after=\\PC{0,5}){0,4}") {
        if let Err(error) = text.parse::<Spec>() {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}

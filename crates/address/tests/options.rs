//! Options as tables: what each takes, of which kind of address, and how it is printed.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on panics"
)]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::time::Duration;

use rstest::rstest;
use sockeye_address::{Address, Mode, OPTION_NAMES, Options, ParseError};

fn parse(text: &str) -> Result<Address, ParseError> {
    text.parse()
}

fn options(text: &str) -> Options {
    match parse(text).unwrap() {
        Address::Unix(unix) => unix.options,
        Address::Tcp(network) | Address::Tls(network) | Address::Udp(network) => network.options,
        Address::Vsock(vsock) => vsock.options,
        other => panic!("{other} has no options"),
    }
}

#[test]
fn options_follow_commas_behind_a_prefix() {
    let options = options(r"unix:/p,mode=2660,user=app,group=a\,b,backlog=128");
    assert_eq!(options.mode.map(Mode::bits), Some(0o2660));
    assert_eq!(options.user.as_deref(), Some("app"));
    assert_eq!(options.group.as_deref(), Some("a,b"));
    assert_eq!(options.backlog, Some(128));
}

#[rstest]
#[case("unix:/p")]
#[case("tcp:h:1")]
#[case("tls:[::1]:1")]
#[case("vsock:2:1")]
#[case("udp:h:1")]
fn every_kind_is_told_whom_to_serve_and_when_to_try_again(#[case] address: &str) {
    let options = options(&format!(
        "{address},max-clients=9,retry=3,interval=0.5,connect-timeout=2s"
    ));
    assert_eq!(options.max_clients, Some(9));
    assert_eq!(options.retry, Some(3));
    assert_eq!(options.interval, Some(Duration::from_millis(500)));
    assert_eq!(options.connect_timeout, Some(Duration::from_secs(2)));
    let given: Vec<_> = options.given().collect();
    assert_eq!(
        given,
        ["max-clients", "retry", "interval", "connect-timeout"]
    );
}

#[test]
fn an_end_of_tls_has_files_names_and_protocols() {
    let tls = options(
        r"tls:h:443,cert=/c\,1.pem,key=k.pem,ca=\xff,name=other.example,verify=0,alpn=h2,alpn=http/1.1",
    )
    .tls;
    assert_eq!(tls.cert.as_deref(), Some("/c,1.pem".as_ref()));
    assert_eq!(tls.key.as_deref(), Some("k.pem".as_ref()));
    assert_eq!(tls.ca.as_deref(), Some(OsStr::from_bytes(b"\xff").as_ref()));
    assert_eq!(tls.name.as_deref(), Some("other.example"));
    assert_eq!(tls.verify, Some(false));
    assert_eq!(tls.alpn, ["h2", "http/1.1"]);
}

#[rstest]
#[case("tcp:h:80,backlog=5", "tcp:h:80,backlog=5")]
#[case(
    "tcp:h:80,connect-timeout=2,interval=500ms",
    "tcp:h:80,interval=500ms,connect-timeout=2s"
)]
#[case("udp:[::1]:53,retry=0", "udp:[::1]:53,retry=0")]
#[case("tls:h:1,verify", "tls:h:1,verify=1")]
#[case(
    r"tls:h:1,alpn=b,cert=a\,b,alpn=a",
    r"tls:h:1,cert=a\x2cb,alpn=b,alpn=a"
)]
#[case("vsock::1,max-clients=3", "vsock::1,max-clients=3")]
#[case("unix:/p,INTERVAL=1m", "unix:/p,interval=60s")]
fn options_print_in_one_order_and_read_back(#[case] text: &str, #[case] canonical: &str) {
    let address = parse(text).unwrap();
    assert_eq!(address.to_string(), canonical);
    assert_eq!(parse(canonical).unwrap(), address);
}

#[rstest]
#[case("unix:/p,mode=999", "mode=999")]
#[case("unix:/p,mode=17777", "mode=17777")]
#[case("unix:/p,mode", "mode")]
#[case("unix:/p,user=", "user=")]
#[case("unix:/p,group", "group")]
#[case("unix:/p,backlog=-1", "backlog=-1")]
#[case("tcp:h:1,backlog=+1", "backlog=+1")]
#[case("tcp:h:1,max-clients=0", "max-clients=0")]
#[case("tcp:h:1,retry=4294967296", "retry=4294967296")]
#[case("tcp:h:1,interval", "interval")]
#[case("tcp:h:1,interval=1d", "interval=1d")]
#[case("tcp:h:1,connect-timeout=0", "connect-timeout=0")]
#[case("tls:h:1,cert=", "cert=")]
#[case(r"tls:h:1,key=a\x00b", r"key=a\x00b")]
#[case("tls:h:1,name=a/b", "name=a/b")]
#[case("tls:h:1,verify=yes", "verify=yes")]
#[case("tls:h:1,alpn=", "alpn=")]
fn a_value_that_does_not_fit_is_refused(#[case] text: &str, #[case] option: &str) {
    assert_eq!(parse(text), Err(ParseError::BadOption(option.into())));
}

#[rstest]
#[case("unix:/p,mode=600,mode=660", "mode")]
#[case("unix:/p,user=a,group=b,user=a", "user")]
#[case("unix:/p,group=a,group=b", "group")]
#[case("unix:/p,backlog=1,backlog=1", "backlog")]
#[case("unix:/p,mode=600,perm=600", "mode")]
#[case("tls:h:1,alpn=h2,alpn=h2", "alpn")]
#[case("tls:h:1,cn=a,snihost=b", "name")]
fn an_option_is_given_once(#[case] text: &str, #[case] option: &'static str) {
    assert_eq!(parse(text), Err(ParseError::OptionTwice(option)));
}

#[rstest]
#[case(
    "tcp:h:1,mode=660",
    "option \"mode=660\" is not for tcp: the options of tcp are backlog, max-clients, retry, interval, connect-timeout"
)]
#[case(
    "unix:/p,cert=a",
    "option \"cert=a\" is not for unix: the options of unix are mode, user, group, backlog, max-clients, retry, interval, connect-timeout"
)]
#[case(
    "tls:h:1,cipher=x",
    "unknown option \"cipher=x\": the options of tls are backlog, max-clients, retry, interval, connect-timeout, cert, key, ca, name, verify, alpn"
)]
#[case(
    "udp:h:1,backlog=1",
    "option \"backlog=1\" is not for udp: the options of udp are max-clients, retry, interval, connect-timeout"
)]
#[case(
    "vsock:1:1,",
    "unknown option \"\": the options of vsock are backlog, max-clients, retry, interval, connect-timeout"
)]
#[case(
    "accept-fd:3,mode=600",
    "option \"mode=600\" is not for fd: fd takes none"
)]
#[case(
    r"unix:/p,\xff=1",
    r#"unknown option "\xff=1": the options of unix are mode, user, group, backlog, max-clients, retry, interval, connect-timeout"#
)]
fn an_option_that_is_not_taken_is_told_those_that_are(#[case] text: &str, #[case] message: &str) {
    assert_eq!(parse(text).unwrap_err().to_string(), message);
}

#[test]
fn every_option_is_documented() {
    let page = include_str!("../../../docs/address.md");
    for name in OPTION_NAMES {
        assert!(
            page.contains(&format!("`{name}`")),
            "{name} is not in docs/address.md"
        );
    }
}

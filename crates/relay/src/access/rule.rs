//! Rules as they are typed.

use std::ffi::OsString;
use std::fmt;
use std::ops::RangeInclusive;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;
use std::str::FromStr;

use sockeye_address::escape::{BadEscape, escape, unescape};

/// One item of an allow or deny list, as typed; no name is looked up yet.
///
/// What it prints reads back as the same rule. Names and paths are escaped as in addresses, so a backslash is typed
/// twice. Between the two parts `=` is understood for `:`.
///
/// # Examples
/// ```
/// use sockeye_relay::access::Rule;
/// assert_eq!("uid:1000-1999".parse(), Ok(Rule::Uid(1000..=1999)));
/// assert_eq!("group=docker".parse(), Ok(Rule::Group("docker".into())));
/// assert_eq!("exe:/usr/bin/psql".parse::<Rule>()?.to_string(), "exe:/usr/bin/psql");
/// assert_eq!("any".parse(), Ok(Rule::All));
/// # Ok::<(), sockeye_relay::access::BadRule>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(try_from = "String")]
pub enum Rule {
    /// Everybody.
    All,
    /// A user, or all of a range, by number.
    Uid(RangeInclusive<u32>),
    /// A user by name, or by number where nobody has that name.
    User(String),
    /// A group, or all of a range, by number.
    Gid(RangeInclusive<u32>),
    /// A group by name, or by number where none has that name.
    Group(String),
    /// A program by the absolute path of its file.
    Executable(PathBuf),
}

/// Text that is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read rule \"{rule}\": {problem}")]
pub struct BadRule {
    /// What was typed, escaped.
    pub rule: String,
    /// What is wrong with it.
    pub problem: RuleProblem,
}

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleProblem {
    /// It begins with none of the known words.
    #[error("expected uid:, user:, gid:, group: or exe: and a value, or all")]
    Kind,
    /// Nothing follows the word.
    #[error("the value is missing")]
    Empty,
    /// No number that a user or group can have, and no range of them.
    #[error("expected a number below 4294967295 or a range like 1000-1999")]
    Number,
    /// A range that ends before it begins.
    #[error("the range ends before it begins")]
    Order,
    /// A path that depends on the working folder, or cannot be one.
    #[error("expected an absolute path")]
    Path,
    /// A name that is no text.
    #[error("the name is no UTF-8")]
    Name,
    /// A backslash that does not begin an escape.
    #[error(transparent)]
    Escape(#[from] BadEscape),
}

impl FromStr for Rule {
    type Err = BadRule;

    fn from_str(text: &str) -> Result<Self, BadRule> {
        read(text).map_err(|problem| BadRule {
            rule: escape(text.as_bytes(), ""),
            problem,
        })
    }
}

impl TryFrom<String> for Rule {
    type Error = BadRule;

    fn try_from(text: String) -> Result<Self, BadRule> {
        text.parse()
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::All => f.write_str("all"),
            Rule::Uid(range) => write_range(f, "uid", range),
            Rule::Gid(range) => write_range(f, "gid", range),
            Rule::User(name) => write!(f, "user:{}", escape(name.as_bytes(), "")),
            Rule::Group(name) => write!(f, "group:{}", escape(name.as_bytes(), "")),
            Rule::Executable(path) => {
                write!(f, "exe:{}", escape(path.as_os_str().as_bytes(), ""))
            }
        }
    }
}

fn write_range(f: &mut fmt::Formatter<'_>, word: &str, range: &RangeInclusive<u32>) -> fmt::Result {
    write!(f, "{word}:{}", range.start())?;
    if range.start() == range.end() {
        return Ok(());
    }
    write!(f, "-{}", range.end())
}

fn read(text: &str) -> Result<Rule, RuleProblem> {
    if matches!(text, "all" | "any") {
        return Ok(Rule::All);
    }
    let (word, value) = text.split_once([':', '=']).ok_or(RuleProblem::Kind)?;
    let kind = match word {
        "uid" => |value: &str| range(value).map(Rule::Uid),
        "gid" => |value: &str| range(value).map(Rule::Gid),
        "user" => |value: &str| name(value).map(Rule::User),
        "group" => |value: &str| name(value).map(Rule::Group),
        "exe" => |value: &str| path(value).map(Rule::Executable),
        _ => return Err(RuleProblem::Kind),
    };
    if value.is_empty() {
        return Err(RuleProblem::Empty);
    }
    kind(value)
}

fn range(text: &str) -> Result<RangeInclusive<u32>, RuleProblem> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (number(first)?, number(last)?);
    if last < first {
        return Err(RuleProblem::Order);
    }
    Ok(first..=last)
}

/// `u32::MAX` is nobody's number: the kernel gives it for a peer that it knows nothing of.
fn number(digits: &str) -> Result<u32, RuleProblem> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.parse().ok();
    number
        .filter(|number| plain && *number != u32::MAX)
        .ok_or(RuleProblem::Number)
}

fn name(text: &str) -> Result<String, RuleProblem> {
    String::from_utf8(unescape(text)?).map_err(|_| RuleProblem::Name)
}

fn path(text: &str) -> Result<PathBuf, RuleProblem> {
    let bytes = unescape(text)?;
    if !bytes.starts_with(b"/") || bytes.contains(&0) {
        return Err(RuleProblem::Path);
    }
    Ok(OsString::from_vec(bytes).into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("all", Rule::All)]
    #[case("any", Rule::All)]
    #[case("uid:0", Rule::Uid(0..=0))]
    #[case("uid=1000", Rule::Uid(1000..=1000))]
    #[case("uid:1000-1999", Rule::Uid(1000..=1999))]
    #[case("uid:7-7", Rule::Uid(7..=7))]
    #[case("gid:4294967294", Rule::Gid(4_294_967_294..=4_294_967_294))]
    #[case("gid=1-2", Rule::Gid(1..=2))]
    #[case("user:ada", Rule::User("ada".into()))]
    #[case("user=a=b:c", Rule::User("a=b:c".into()))]
    #[case(r"user:HOME\\ada", Rule::User(r"HOME\ada".into()))]
    #[case("user:1000", Rule::User("1000".into()))]
    #[case("group:docker", Rule::Group("docker".into()))]
    #[case("exe:/usr/bin/psql", Rule::Executable("/usr/bin/psql".into()))]
    #[case("exe=/opt/a b=c:d", Rule::Executable("/opt/a b=c:d".into()))]
    #[case(r"exe:/\xff", Rule::Executable(OsString::from_vec(b"/\xff".to_vec()).into()))]
    fn a_rule_is_a_word_and_a_value(#[case] text: &str, #[case] rule: Rule) {
        assert_eq!(text.parse(), Ok(rule));
    }

    #[rstest]
    #[case("", RuleProblem::Kind)]
    #[case("ada", RuleProblem::Kind)]
    #[case("ALL", RuleProblem::Kind)]
    #[case("all:", RuleProblem::Kind)]
    #[case("pid:1", RuleProblem::Kind)]
    #[case(" uid:1", RuleProblem::Kind)]
    #[case("uid:", RuleProblem::Empty)]
    #[case("exe=", RuleProblem::Empty)]
    #[case("uid:ada", RuleProblem::Number)]
    #[case("uid:-1", RuleProblem::Number)]
    #[case("uid:+1", RuleProblem::Number)]
    #[case("uid:1-", RuleProblem::Number)]
    #[case("uid:1-2-3", RuleProblem::Number)]
    #[case("uid: 1", RuleProblem::Number)]
    #[case("uid:4294967295", RuleProblem::Number)]
    #[case("gid:0-4294967295", RuleProblem::Number)]
    #[case("gid:99999999999", RuleProblem::Number)]
    #[case("uid:2-1", RuleProblem::Order)]
    #[case("exe:psql", RuleProblem::Path)]
    #[case(r"exe:/a\x00", RuleProblem::Path)]
    #[case(r"user:\xff", RuleProblem::Name)]
    fn what_is_no_rule_is_refused(#[case] text: &str, #[case] problem: RuleProblem) {
        assert_eq!(text.parse::<Rule>().unwrap_err().problem, problem);
    }

    #[test]
    fn the_error_names_the_rule_escaped_and_what_is_wrong() {
        let error = |text: &str| text.parse::<Rule>().unwrap_err().to_string();
        assert_eq!(
            error("uid:\u{1b}"),
            r#"read rule "uid:\x1b": expected a number below 4294967295 or a range like 1000-1999"#
        );
        let bad_escape = error(r"user:HOME\ada");
        assert!(bad_escape.contains("bad escape"), "{bad_escape}");
    }

    #[test]
    fn a_list_of_rules_is_a_list_of_strings_in_a_file() {
        let rules: Vec<Rule> = serde_json::from_str(r#"["uid:7", "group=docker"]"#).unwrap();
        assert_eq!(rules, [Rule::Uid(7..=7), Rule::Group("docker".into())]);
        let error = serde_json::from_str::<Rule>(r#""uid""#).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("read rule \"uid\": expected uid:")
        );
    }

    fn range() -> impl Strategy<Value = RangeInclusive<u32>> {
        let number = || 0..u32::MAX;
        (number(), number()).prop_map(|(a, b)| a.min(b)..=a.max(b))
    }

    fn rule() -> impl Strategy<Value = Rule> {
        let path = prop::collection::vec(1..=255_u8, 0..30).prop_map(|mut bytes| {
            bytes.insert(0, b'/');
            Rule::Executable(OsString::from_vec(bytes).into())
        });
        prop_oneof![
            Just(Rule::All),
            range().prop_map(Rule::Uid),
            (0..u32::MAX).prop_map(|uid| Rule::Uid(uid..=uid)),
            range().prop_map(Rule::Gid),
            any::<String>().prop_filter_map("a name", |name| {
                (!name.is_empty()).then_some(Rule::User(name))
            }),
            "[a-z:=\\\\\n-]{1,9}".prop_map(Rule::Group),
            path,
        ]
    }

    proptest! {
        #[test]
        fn any_rule_reads_back(rule in rule()) {
            prop_assert_eq!(rule.to_string().parse(), Ok(rule));
        }

        #[test]
        fn no_text_makes_it_panic(text in "((uid|gid|user|exe)[:=])?\\PC{0,20}") {
            if let Ok(rule) = text.parse::<Rule>() {
                prop_assert_eq!(rule.to_string().parse(), Ok(rule));
            }
        }
    }
}

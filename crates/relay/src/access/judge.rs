//! Rules against facts.

use std::fmt;
use std::path::PathBuf;

use super::{Peer, Resolved, Rule, Unknown, Unresolved};

/// Who may connect. Without rules: everybody who gets through the permissions of the socket file.
///
/// A deny rule that is about the peer refuses it, whatever else is said. If there are allow rules, one must be about
/// the peer. The order of rules does not matter.
///
/// # Examples
/// ```
/// use sockeye_relay::access::{Peer, Rules};
/// let rules = Rules::resolve(["uid:1000-1999".parse()?], ["uid:1001".parse()?])?;
/// let of = |uid| Peer::from_credentials(None, uid, uid);
/// assert!(rules.judge(&of(1000)).is_admitted());
/// assert_eq!(rules.judge(&of(1001)).to_string(), "denied by uid:1001");
/// assert_eq!(rules.judge(&of(0)).to_string(), "no allow rule is about it");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// If there are any, one of them must be about the peer.
    pub allow: Vec<Resolved>,
    /// None of them may be about the peer.
    pub deny: Vec<Resolved>,
}

/// Which facts the rules ask for. None by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// The supplementary groups.
    pub groups: bool,
    /// The executable, if any: these are the files that rules are about.
    pub executables: Vec<PathBuf>,
}

/// What the rules say of a peer, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict<'rules> {
    /// It may connect.
    Admitted {
        /// The allow rule about it; `None` when there are no allow rules.
        by: Option<&'rules Resolved>,
    },
    /// It may not.
    Refused(Refusal<'rules>),
}

/// Why a peer may not connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal<'rules> {
    /// A deny rule is about it.
    Denied {
        /// The rule.
        by: &'rules Resolved,
    },
    /// A deny rule may be about it.
    PerhapsDenied {
        /// The rule.
        by: &'rules Resolved,
        /// Why that could not be told.
        unknown: Unknown,
    },
    /// No allow rule is about it.
    NotAllowed,
    /// No allow rule is known to be about it.
    PerhapsAllowed {
        /// One that may be.
        by: &'rules Resolved,
        /// Why that could not be told.
        unknown: Unknown,
    },
}

impl Rules {
    /// Looks up the names in both lists.
    ///
    /// # Errors
    /// The first rule that means nothing on this machine.
    pub fn resolve(
        allow: impl IntoIterator<Item = Rule>,
        deny: impl IntoIterator<Item = Rule>,
    ) -> Result<Self, Unresolved> {
        Ok(Rules {
            allow: allow
                .into_iter()
                .map(Rule::resolve)
                .collect::<Result<_, _>>()?,
            deny: deny
                .into_iter()
                .map(Rule::resolve)
                .collect::<Result<_, _>>()?,
        })
    }

    /// Whether there are none, so that nothing need be known of the peer. Rules need a listener that is a Unix
    /// socket: no other tells who connects.
    pub fn is_empty(&self) -> bool {
        self.allow.is_empty() && self.deny.is_empty()
    }

    /// Which facts [`judge`](Self::judge) looks at, besides the user and its first group.
    pub fn needs(&self) -> Needs {
        let rules = || self.deny.iter().chain(&self.allow);
        Needs {
            groups: rules().any(Resolved::needs_groups),
            executables: rules().filter_map(Resolved::executable).cloned().collect(),
        }
    }

    /// Whether the peer may connect. What is not known of it counts against it.
    pub fn judge(&self, peer: &Peer) -> Verdict<'_> {
        match first_about(&self.deny, peer) {
            About::Known(by) => return Verdict::Refused(Refusal::Denied { by }),
            About::Perhaps(by, unknown) => {
                return Verdict::Refused(Refusal::PerhapsDenied { by, unknown });
            }
            About::None => {}
        }
        if self.allow.is_empty() {
            return Verdict::Admitted { by: None };
        }
        match first_about(&self.allow, peer) {
            About::Known(by) => Verdict::Admitted { by: Some(by) },
            About::Perhaps(by, unknown) => {
                Verdict::Refused(Refusal::PerhapsAllowed { by, unknown })
            }
            About::None => Verdict::Refused(Refusal::NotAllowed),
        }
    }
}

/// Which rule of a list is about the peer.
enum About<'rules> {
    Known(&'rules Resolved),
    Perhaps(&'rules Resolved, Unknown),
    None,
}

/// One that is known to be goes before one that may be.
fn first_about<'rules>(rules: &'rules [Resolved], peer: &Peer) -> About<'rules> {
    let mut perhaps = About::None;
    for rule in rules {
        match rule.is_about(peer) {
            Ok(true) => return About::Known(rule),
            Ok(false) => {}
            Err(unknown) => {
                if matches!(perhaps, About::None) {
                    perhaps = About::Perhaps(rule, unknown);
                }
            }
        }
    }
    perhaps
}

impl Verdict<'_> {
    /// Whether the peer may connect.
    pub fn is_admitted(&self) -> bool {
        matches!(self, Verdict::Admitted { .. })
    }
}

impl fmt::Display for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Admitted { by: None } => f.write_str("no rule is about it"),
            Verdict::Admitted { by: Some(rule) } => write!(f, "allowed by {rule}"),
            Verdict::Refused(refusal) => refusal.fmt(f),
        }
    }
}

impl fmt::Display for Refusal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Denied { by } => write!(f, "denied by {by}"),
            Refusal::PerhapsDenied { by, unknown } => {
                write!(f, "{by} may deny it: {unknown}")
            }
            Refusal::NotAllowed => f.write_str("no allow rule is about it"),
            Refusal::PerhapsAllowed { by, unknown } => {
                write!(f, "{by} cannot allow it: {unknown}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    /// User 1000 in group 100 and in 27 and 998, running `/usr/bin/psql`.
    fn ada() -> Peer {
        Peer {
            pid: Some(42),
            uid: 1000,
            gid: 100,
            groups: Ok(vec![27, 998]),
            executable: Ok("/usr/bin/psql".into()),
        }
    }

    /// The same, of whom only user and first group are known.
    fn masked_ada() -> Peer {
        Peer {
            groups: Err(Unknown::Datagram),
            executable: Err(Unknown::Ended),
            ..ada()
        }
    }

    fn list(text: &str) -> Vec<Resolved> {
        let rule = |word: &str| match word.strip_prefix("exe:") {
            Some(path) => Resolved::about_executable(path),
            None => word.parse::<Rule>().unwrap().resolve().unwrap(),
        };
        text.split_whitespace().map(rule).collect()
    }

    fn rules(allow: &str, deny: &str) -> Rules {
        Rules {
            allow: list(allow),
            deny: list(deny),
        }
    }

    #[rstest]
    #[case("", "", true, "no rule is about it")]
    #[case("", "uid:1001 gid:28", true, "no rule is about it")]
    #[case("all", "", true, "allowed by all")]
    #[case("uid:1000", "", true, "allowed by uid:1000")]
    #[case("uid:1001 uid:900-1000", "", true, "allowed by uid:900-1000")]
    #[case("uid:1001", "", false, "no allow rule is about it")]
    #[case("gid:100", "", true, "allowed by gid:100")]
    #[case("gid:27", "", true, "allowed by gid:27")]
    #[case("gid:990-999", "", true, "allowed by gid:990-999")]
    #[case("gid:28", "", false, "no allow rule is about it")]
    #[case("uid:100", "", false, "no allow rule is about it")]
    #[case("exe:/usr/bin/psql", "", true, "allowed by exe:/usr/bin/psql")]
    #[case("exe:/usr/bin/psq", "", false, "no allow rule is about it")]
    #[case("user:root", "", false, "no allow rule is about it")]
    #[case("", "all", false, "denied by all")]
    #[case("all", "uid:1000", false, "denied by uid:1000")]
    #[case("uid:1000", "gid:998", false, "denied by gid:998")]
    #[case("uid:1000", "exe:/usr/bin/psql", false, "denied by exe:/usr/bin/psql")]
    #[case("uid:1000", "exe:/bin/sh uid:0", true, "allowed by uid:1000")]
    fn deny_wins_and_where_there_are_allow_rules_one_must_match(
        #[case] allow: &str,
        #[case] deny: &str,
        #[case] admitted: bool,
        #[case] reason: &str,
    ) {
        let rules = rules(allow, deny);
        let verdict = rules.judge(&ada());
        assert_eq!(verdict.is_admitted(), admitted);
        assert_eq!(verdict.to_string(), reason);
    }

    #[rstest]
    #[case("uid:1000", "", true, "allowed by uid:1000")]
    #[case("gid:100", "", true, "allowed by gid:100")]
    #[case(
        "gid:27",
        "",
        false,
        "gid:27 cannot allow it: a datagram does not tell"
    )]
    #[case("gid:27 uid:1000", "", true, "allowed by uid:1000")]
    #[case(
        "exe:/bin/sh",
        "",
        false,
        "exe:/bin/sh cannot allow it: its process has ended"
    )]
    #[case("", "gid:5", false, "gid:5 may deny it: a datagram does not tell")]
    #[case(
        "all",
        "exe:/bin/sh",
        false,
        "exe:/bin/sh may deny it: its process has ended"
    )]
    #[case("all", "exe:/bin/sh uid:1000", false, "denied by uid:1000")]
    #[case("all", "uid:1", true, "allowed by all")]
    fn what_is_not_known_counts_against_the_peer(
        #[case] allow: &str,
        #[case] deny: &str,
        #[case] admitted: bool,
        #[case] reason: &str,
    ) {
        let rules = rules(allow, deny);
        let verdict = rules.judge(&masked_ada());
        assert_eq!(verdict.is_admitted(), admitted);
        assert_eq!(verdict.to_string(), reason);
    }

    #[rstest]
    #[case("", "", false, &[])]
    #[case("all uid:1", "user:root", false, &[])]
    #[case("gid:1", "", true, &[])]
    #[case("", "group:root", true, &[])]
    #[case("exe:/a", "exe:/b", false, &["/b", "/a"])]
    fn only_the_facts_that_a_rule_is_about_are_needed(
        #[case] allow: &str,
        #[case] deny: &str,
        #[case] groups: bool,
        #[case] executables: &[&str],
    ) {
        let needs = Needs {
            groups,
            executables: executables.iter().map(PathBuf::from).collect(),
        };
        assert_eq!(rules(allow, deny).needs(), needs);
    }

    #[test]
    fn rules_are_empty_when_both_lists_are() {
        assert!(Rules::default().is_empty());
        assert!(!rules("all", "").is_empty());
        assert!(!rules("", "all").is_empty());
    }

    fn any_list() -> impl Strategy<Value = Vec<Resolved>> {
        const WORDS: &[&str] = &[
            "all", "uid:0-2", "uid:1", "gid:1", "gid:2-3", "exe:/a", "exe:/b",
        ];
        prop::collection::vec(prop::sample::select(WORDS), 0..4)
            .prop_map(|words| list(&words.join(" ")))
    }

    fn any_peer() -> impl Strategy<Value = Peer> {
        let groups = prop::option::of(prop::collection::vec(0..4_u32, 0..3));
        let executable = prop::option::of(prop::sample::select(&["/a", "/b", "/c"][..]));
        (0..4_u32, 0..4_u32, groups, executable).prop_map(|(uid, gid, groups, executable)| Peer {
            pid: None,
            uid,
            gid,
            groups: groups.ok_or(Unknown::Datagram),
            executable: executable.map(PathBuf::from).ok_or(Unknown::Ended),
        })
    }

    proptest! {
        #[test]
        fn to_hide_a_fact_never_helps(allow in any_list(), deny in any_list(), peer in any_peer()) {
            let rules = Rules { allow, deny };
            let hidden = Peer {
                groups: Err(Unknown::Datagram),
                executable: Err(Unknown::Ended),
                ..peer.clone()
            };
            if rules.judge(&hidden).is_admitted() {
                prop_assert!(rules.judge(&peer).is_admitted());
            }
        }

        #[test]
        fn one_more_deny_rule_never_lets_anybody_in(
            allow in any_list(), deny in any_list(), more in any_list(), peer in any_peer()
        ) {
            let rules = Rules { allow, deny };
            let mut stricter = rules.clone();
            stricter.deny.extend(more);
            if stricter.judge(&peer).is_admitted() {
                prop_assert!(rules.judge(&peer).is_admitted());
            }
        }

        #[test]
        fn the_order_of_rules_does_not_matter(
            allow in any_list(), deny in any_list(), peer in any_peer()
        ) {
            let rules = Rules { allow, deny };
            let mut turned = rules.clone();
            turned.allow.reverse();
            turned.deny.reverse();
            prop_assert_eq!(
                rules.judge(&peer).is_admitted(),
                turned.judge(&peer).is_admitted()
            );
        }
    }
}

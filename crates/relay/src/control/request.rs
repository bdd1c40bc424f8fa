//! What is asked of a running relay: one JSON document on a line.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::VERSION;

/// What is asked. `relay` is a name, or where the relay listens; it may be left out where a process runs one relay, and
/// where all are meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Request {
    /// What it has done and is doing; of all relays when none is named.
    Status {
        /// Which.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        relay: Option<String>,
    },
    /// What goes wrong on purpose; of all relays when none is named.
    Faults {
        /// Which.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        relay: Option<String>,
    },
    /// These faults instead of those that are.
    SetFaults {
        /// Which.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        relay: Option<String>,
        /// As they are typed: `up:latency,delay=100ms`.
        faults: Vec<String>,
        /// Of their random numbers; as it was when it is left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seed: Option<u64>,
    },
    /// One more fault, behind the others.
    AddFault {
        /// Which.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        relay: Option<String>,
        /// As it is typed.
        fault: String,
    },
    /// No faults.
    ClearFaults {
        /// Which.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        relay: Option<String>,
    },
    /// Cuts a connection.
    Cut {
        /// Which.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        relay: Option<String>,
        /// Its number.
        connection: u64,
    },
    /// Accepts no more and ends once the clients have; all relays when none is named.
    Drain {
        /// Which.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        relay: Option<String>,
    },
    /// Reads certificates again; of all relays when none is named.
    Reload {
        /// Which.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        relay: Option<String>,
    },
    /// Gives the listening socket away, which comes with the answer ([`take_over`](super::take_over)).
    HandOver {
        /// Where the relay listens, in the form that names control sockets.
        listen: String,
    },
    /// Gives the control socket's own path away, once no relay of the process accepts any more
    /// ([`Server::open`](super::Server::open)).
    Release {},
}

/// Why a request was not understood.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadRequest {
    /// It is not JSON.
    #[error("read the request")]
    Json(#[source] serde_json::Error),
    /// It is JSON, but no object.
    #[error("read the request: it is no object")]
    NoObject,
    /// It does not say which version it is.
    #[error("read the request: version is missing: expected {VERSION}")]
    NoVersion,
    /// It is of another version.
    #[error("read the request: it is of version {0}: expected {VERSION}")]
    Version(Value),
    /// There is no such request, or it has other fields.
    #[error("read the request")]
    Fields(#[source] serde_json::Error),
}

impl Request {
    /// Reads a request.
    ///
    /// # Errors
    /// [`BadRequest`]; fields that the request does not have are refused, too.
    pub fn read(line: &[u8]) -> Result<Self, BadRequest> {
        let mut fields = match serde_json::from_slice(line) {
            Ok(Value::Object(fields)) => fields,
            Ok(_) => return Err(BadRequest::NoObject),
            Err(error) => return Err(BadRequest::Json(error)),
        };
        match fields.remove("version") {
            Some(version) if version.as_u64() == Some(VERSION) => {}
            Some(version) => return Err(BadRequest::Version(version)),
            None => return Err(BadRequest::NoVersion),
        }
        serde_json::from_value(Value::Object(fields)).map_err(BadRequest::Fields)
    }

    /// As it is sent, the end of the line included.
    pub(super) fn line(&self) -> Vec<u8> {
        let fields = match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => fields,
            // There is nothing in a request that JSON could not say.
            _ => Map::new(),
        };
        let mut line = format!("{{\"version\":{VERSION}");
        for (name, value) in fields {
            let _ = write!(line, ",{}:{value}", Value::String(name));
        }
        line.push_str("}\n");
        line.into_bytes()
    }

    /// What it is called.
    pub fn word(&self) -> &'static str {
        match self {
            Request::Status { .. } => "status",
            Request::Faults { .. } => "faults",
            Request::SetFaults { .. } => "set-faults",
            Request::AddFault { .. } => "add-fault",
            Request::ClearFaults { .. } => "clear-faults",
            Request::Cut { .. } => "cut",
            Request::Drain { .. } => "drain",
            Request::Reload { .. } => "reload",
            Request::HandOver { .. } => "hand-over",
            Request::Release {} => "release",
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::control::error::told;

    fn all() -> Vec<Request> {
        let relay = || Some("a \"name\"".to_owned());
        vec![
            Request::Status { relay: None },
            Request::Faults { relay: relay() },
            Request::SetFaults {
                relay: None,
                faults: vec!["refuse".to_owned()],
                seed: Some(u64::MAX),
            },
            Request::AddFault {
                relay: relay(),
                fault: String::new(),
            },
            Request::ClearFaults { relay: None },
            Request::Cut {
                relay: None,
                connection: 3,
            },
            Request::Drain { relay: relay() },
            Request::Reload { relay: None },
            Request::HandOver {
                listen: "/run/\u{1b}app.sock".to_owned(),
            },
            Request::Release {},
        ]
    }

    #[test]
    fn what_is_sent_is_what_is_read() {
        for request in all() {
            let line = request.line();
            let end = line.iter().position(|byte| *byte == b'\n');
            assert_eq!(end, Some(line.len() - 1));
            assert_eq!(Request::read(&line).unwrap(), request);
            let value: Value = serde_json::from_slice(&line).unwrap();
            assert_eq!(value["request"], request.word());
        }
    }

    #[rstest]
    #[case("", "read the request: EOF while parsing a value at line 1 column 0")]
    #[case("[1]", "read the request: it is no object")]
    #[case("{}", "read the request: version is missing: expected 1")]
    #[case(
        r#"{"version":2,"request":"status","more":1}"#,
        "read the request: it is of version 2: expected 1"
    )]
    #[case(
        r#"{"version":"1","request":"status"}"#,
        r#"read the request: it is of version "1": expected 1"#
    )]
    #[case(r#"{"version":1}"#, "read the request: missing field `request`")]
    #[case(
        r#"{"version":1,"request":"cut"}"#,
        "read the request: missing field `connection`"
    )]
    #[case(
        r#"{"version":1,"request":"status","verbose":true}"#,
        "read the request: unknown field `verbose`, expected `relay`"
    )]
    #[case(
        r#"{"version":1,"request":"cut","connection":-1}"#,
        "read the request: invalid value: integer `-1`, expected u64"
    )]
    fn what_is_wrong_with_a_request_is_said(#[case] line: &str, #[case] expected: &str) {
        assert_eq!(told(&Request::read(line.as_bytes()).unwrap_err()), expected);
    }

    #[test]
    fn bytes_that_are_no_text_and_deep_nesting_are_refused() {
        for line in [vec![0xff; 9], b"{\"version\":".to_vec(), vec![b'['; 4096]] {
            assert!(matches!(Request::read(&line), Err(BadRequest::Json(_))));
        }
    }
}

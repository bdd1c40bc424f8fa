//! A line of the log for programs: docs/json.md has the document.

use serde::Serialize;
use sockeye_address::Name;
use sockeye_privilege::Names;
use sockeye_relay::event::Client;

use super::{Line, What, Who};
use crate::verbs::relay::quantity::stamp;
use crate::verbs::relay::summary::Totals;

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    time: String,
    relay: Option<&'a str>,
    #[serde(flatten)]
    event: Event<'a>,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event<'a> {
    Ready {
        listen: &'a str,
        targets: &'a [String],
    },
    Accepted {
        connection: u64,
        client: ClientDocument<'a>,
    },
    Refused {
        connection: u64,
        client: ClientDocument<'a>,
        reason: &'a str,
    },
    Connected {
        connection: u64,
        target: &'a str,
        seconds: f64,
    },
    TargetFailed {
        connection: u64,
        target: &'a str,
        error: &'a str,
    },
    Ended {
        connection: u64,
        client: ClientDocument<'a>,
        target: Option<&'a str>,
        up_bytes: u64,
        down_bytes: u64,
        seconds: f64,
        end: &'a str,
        detail: &'a str,
        failed: bool,
    },
    Exhausted {
        error: &'a str,
    },
    Draining {
        connections: u64,
    },
    Notice {
        notice: &'a str,
        text: &'a str,
    },
    Summary(&'a Totals),
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum ClientDocument<'a> {
    Unix {
        name: Option<String>,
        pid: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        user: Option<&'a str>,
        process: Option<&'a str>,
    },
    Network {
        address: String,
    },
    Vsock {
        cid: u32,
        port: u32,
    },
    Local,
}

/// Adds the line to `text`.
pub(super) fn write(text: &mut String, line: &Line, names: &mut Names) {
    let document = Document {
        version: 1,
        time: stamp(line.moment),
        relay: line.relay.as_deref(),
        event: event(&line.what, names),
    };
    if let Ok(document) = serde_json::to_string(&document) {
        text.push_str(&document);
        text.push('\n');
    }
}

fn event<'a>(what: &'a What, names: &mut Names) -> Event<'a> {
    match what {
        What::Ready { listen, targets } => Event::Ready { listen, targets },
        What::Accepted { who } => Event::Accepted {
            connection: who.number,
            client: client(who, names),
        },
        What::Refused { who, reason } => Event::Refused {
            connection: who.number,
            client: client(who, names),
            reason,
        },
        What::Connected { who, target, took } => Event::Connected {
            connection: who.number,
            target,
            seconds: took.as_secs_f64(),
        },
        What::TargetFailed { who, target, error } => Event::TargetFailed {
            connection: who.number,
            target,
            error,
        },
        What::Ended {
            who,
            target,
            bytes: (up_bytes, down_bytes),
            lasted,
            ending,
        } => Event::Ended {
            connection: who.number,
            client: client(who, names),
            target: target.as_deref(),
            up_bytes: *up_bytes,
            down_bytes: *down_bytes,
            seconds: lasted.as_secs_f64(),
            end: ending.word,
            detail: &ending.text,
            failed: ending.failed,
        },
        What::Exhausted { error } => Event::Exhausted { error },
        What::Draining { connections } => Event::Draining {
            connections: *connections,
        },
        What::Notice { event, text } => Event::Notice {
            notice: event,
            text,
        },
        What::Summary(totals) => Event::Summary(totals),
    }
}

fn client<'a>(who: &'a Who, names: &mut Names) -> ClientDocument<'a> {
    match &who.client {
        Client::Unix { name, credentials } => {
            let peer = who.peer(names);
            ClientDocument::Unix {
                name: (*name != Name::Unnamed).then(|| name.to_string()),
                pid: credentials.and_then(|who| who.pid),
                uid: credentials.map(|who| who.uid),
                gid: credentials.map(|who| who.gid),
                user: peer.user.as_deref(),
                process: peer.process.as_deref(),
            }
        }
        Client::Network(address) => ClientDocument::Network {
            address: address.to_string(),
        },
        Client::Vsock(cid, port) => ClientDocument::Vsock {
            cid: *cid,
            port: *port,
        },
        Client::Local => ClientDocument::Local,
    }
}

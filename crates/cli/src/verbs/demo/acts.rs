//! What is shown, in order.

use std::time::Duration;

use super::stage::{Ready, Stage};
use super::{chart, latency, say};
use crate::error::Error;
use crate::terminal::{self, FAINT, styled};

/// One part of the show.
pub(super) struct Act {
    /// What it is about.
    pub title: &'static str,
    /// Shows it.
    pub play: fn(&mut Stage) -> Result<(), Error>,
}

/// The show.
pub(super) const ACTS: [Act; 6] = [
    Act {
        title: "The life of a socket, system call by system call",
        play: life,
    },
    Act {
        title: "Three services, one of each kind, and some clients",
        play: services,
    },
    Act {
        title: "The map: who listens, who is connected to whom",
        play: map,
    },
    Act {
        title: "A message in each direction",
        play: messages,
    },
    Act {
        title: "Why does a connect fail?",
        play: doctor,
    },
    Act {
        title: "What a round trip of 64 bytes costs here",
        play: costs,
    },
];

const STREAM: &str = "./stream.sock";
const DATAGRAM: &str = "unix-dgram:./datagram.sock";
const SEQPACKET: &str = "unix-seqpacket:./seqpacket.sock";

fn life(stage: &mut Stage) -> Result<(), Error> {
    let listen = ["listen", "./hello.sock", "--echo", "--once", "--explain"];
    let server = stage.start_told("server", &listen, Ready::Listening)?;
    stage.run_told(
        "client",
        &["send", "./hello.sock", "hello", "--reply", "--explain"],
    )?;
    stage.wait(server)
}

fn services(stage: &mut Stage) -> Result<(), Error> {
    for address in [STREAM, DATAGRAM, SEQPACKET] {
        stage.start(&["listen", address, "--echo"], Ready::Listening)?;
    }
    for address in [STREAM, STREAM, STREAM, SEQPACKET] {
        stage.start(&["connect", address], Ready::AtOnce)?;
    }
    stage.wait_for_clients(4)
}

fn map(stage: &mut Stage) -> Result<(), Error> {
    stage.run(&["ls", "--connections", "--scan", "."])
}

fn messages(stage: &mut Stage) -> Result<(), Error> {
    for address in [STREAM, DATAGRAM, SEQPACKET] {
        stage.run(&["send", address, "there and back", "--reply"])?;
        // The answer is what was sent, to the byte; a terminal gets its newline from `send`.
        if !terminal::stdout_is_terminal() {
            say("")?;
        }
    }
    Ok(())
}

fn doctor(stage: &mut Stage) -> Result<(), Error> {
    stage.leave_stale_file("./left-behind.sock")?;
    stage.run(&["doctor", "./left-behind.sock"])?;
    stage.run(&["doctor", "./straem.sock"])?;
    stage.run(&["doctor", STREAM])
}

/// How long each kind is measured.
const EACH: Duration = Duration::from_millis(700);

fn costs(stage: &mut Stage) -> Result<(), Error> {
    let mut bars = Vec::new();
    for way in latency::WAYS {
        if stage.stopped().is_some() {
            return Ok(());
        }
        let times = way.measure(stage.folder(), EACH).map_err(Error::failure)?;
        bars.push(chart::Bar {
            label: way.label(),
            value: times.median_microseconds(),
            remark: format!("p99 {:.1} µs", times.p99_microseconds()),
        });
    }
    for line in chart::lines(&bars, "µs") {
        say(&line)?;
    }
    say(&styled(
        FAINT,
        "medians of two threads that answer each other; other programs on this machine count too",
    ))
}

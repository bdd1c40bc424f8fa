//! `sockeye doctor`

use std::ffi::OsString;
use std::io::Write as _;

use sockeye_address::escape::escape;
use sockeye_census::{Census, Options};
use sockeye_doctor::{Diagnosis, Who, examine, try_connect};
use sockeye_privilege::Ability;

use crate::address::{KindFlags, unix_address};
use crate::error::{Error, output};
use crate::{Exit, terminal};

mod document; // --json
mod remedy; // what can be done about each verdict
mod report; // the text for people

/// Find out why a connect fails, or that it would work
///
/// Walks the path part by part with the permissions of the user, looks at the socket and the processes behind it, and
/// ends in one sentence and what can be done. No connect is made unless --connect asks for it, because the server
/// would take it for a client. Exit status: 0 a connect would work (for a datagram socket: a send), 1 it would not,
/// 3 it cannot be told.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Arguments {
    /// The socket: a path, @name, or a well-known name such as docker
    #[arg(value_name = "ADDRESS")]
    address: OsString,

    #[command(flatten)]
    kind: KindFlags,

    /// Whose connect to examine, by name or number, instead of your own (needs root)
    #[arg(long = "as", value_name = "USER")]
    user: Option<OsString>,

    /// Also connect for real, and close at once
    #[arg(long)]
    connect: bool,

    /// Print one JSON document (docs/json.md)
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Error> {
    let diagnosis = diagnose(arguments)?;
    let text = if arguments.json {
        document::text(&diagnosis)?
    } else {
        report::text(&diagnosis)
    };
    terminal::stdout()
        .write_all(text.as_bytes())
        .map_err(output)?;
    Ok(if diagnosis.verdict.would_connect() {
        Exit::Success
    } else if diagnosis.verdict.is_undecided() {
        Exit::Failure
    } else {
        Exit::Negative
    })
}

fn diagnose(arguments: &Arguments) -> Result<Diagnosis, Error> {
    let address = unix_address(&arguments.address, arguments.kind, "doctor")?;
    let who = who(arguments.user.as_ref())?;
    let take = || Census::take(&Options::default());
    let census = take().map_err(Error::failure)?;
    let diagnosis = examine(&address, &census, &who, &|| take().ok()).map_err(refused)?;
    if !arguments.connect {
        return Ok(diagnosis);
    }
    Ok(diagnosis.with_probe(try_connect(&address, &who).map_err(refused)?))
}

fn who(user: Option<&OsString>) -> Result<Who, Error> {
    let Some(user) = user else {
        return Who::caller().map_err(Error::failure);
    };
    let unknown = || {
        use std::os::unix::ffi::OsStrExt as _;
        Error::usage(format!(
            "find user {}: there is none",
            escape(user.as_bytes(), "")
        ))
    };
    let name = user.to_str().ok_or_else(unknown)?;
    Who::named(name)
        .map_err(Error::failure)?
        .ok_or_else(unknown)
}

fn refused(error: sockeye_doctor::Error) -> Error {
    let needs_root =
        matches!(&error, sockeye_doctor::Error::Identity(cause) if cause.is_permission_denied());
    let error = Error::failure(error);
    if !needs_root {
        return error;
    }
    let needs: Vec<&str> = Ability::ActAsUser
        .needs()
        .iter()
        .map(|capability| capability.name())
        .collect();
    error.remedy(format!("run as root, or with {}", needs.join(" and ")))
}

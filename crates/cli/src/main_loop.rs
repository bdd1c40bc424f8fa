//! From typed arguments to a running verb, and from its end to an exit status.

use std::ffi::OsString;
use std::io::Write as _;

use clap::Parser as _;
use clap::error::ErrorKind;

use crate::args::{Arguments, Verb};
use crate::error::Error;
use crate::terminal::{self, WRONG};
use crate::{Exit, verbs};

/// Runs the command line `arguments`, program name first.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return refuse(&error),
    };
    arguments.color.apply();
    match dispatch(arguments) {
        Ok(exit) => exit,
        Err(error) => {
            report(&error);
            error.exit()
        }
    }
}

fn dispatch(arguments: Arguments) -> Result<Exit, Error> {
    if arguments.verb.is_some() && arguments.ls != verbs::ls::Arguments::default() {
        let problem =
            "read the command line: flags and addresses of `ls` stand before another verb";
        return Err(
            Error::usage(problem).remedy("write the verb first, what belongs to it behind it")
        );
    }
    match arguments.verb.unwrap_or(Verb::Ls(arguments.ls)) {
        Verb::Ls(arguments) => verbs::ls::run(&arguments),
        Verb::Show(arguments) => verbs::show::run(&arguments),
        Verb::Doctor(arguments) => verbs::doctor::run(&arguments),
        Verb::Send(arguments) => verbs::send::run(&arguments),
        Verb::Recv(arguments) => verbs::recv::run(arguments),
        Verb::Connect(arguments) => verbs::connect::run(&arguments),
        Verb::Listen(arguments) => verbs::listen::run(arguments),
        Verb::Relay(arguments) => verbs::relay::run(*arguments),
        Verb::Demo(arguments) => verbs::demo::run(&arguments),
        Verb::Completions(arguments) => verbs::completions::run(&arguments),
        Verb::Man(arguments) => verbs::man::run(&arguments),
    }
}

/// Help and version are answers; everything else clap says is a wrong command line.
fn refuse(error: &clap::Error) -> Exit {
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Success,
        _ => Exit::Usage,
    }
}

fn report(error: &Error) {
    if error.is_broken_pipe() {
        return;
    }
    let _ = writeln!(terminal::stderr(), "{WRONG}sockeye:{WRONG:#} {error}");
}

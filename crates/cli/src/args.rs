//! The one declaration of every verb; each verb's flags are declared beside it. Help, completions and man pages
//! are generated from these.

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::terminal::Color;
use crate::verbs;

/// See, reach and understand every Unix domain socket on this machine
#[derive(Debug, Parser)]
#[command(
    name = "sockeye",
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    subcommand_precedence_over_arg = true,
    after_help = "An ADDRESS is a path (/run/app.sock), an abstract name (@name), a well-known name (docker), \
                  or either with a kind: unix-dgram:/run/app.sock. See docs/address.md."
)]
#[group(skip)] // the flattened flags of `ls` bring a group of the same name
pub(crate) struct Arguments {
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Color,

    #[command(subcommand)]
    pub verb: Option<Verb>,

    /// Without a verb: `ls`
    #[command(flatten)]
    pub ls: verbs::ls::Arguments,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Ls(verbs::ls::Arguments),
    Show(verbs::show::Arguments),
    Doctor(verbs::doctor::Arguments),
    Send(verbs::send::Arguments),
    Recv(verbs::recv::Arguments),
    Connect(verbs::connect::Arguments),
    Listen(verbs::listen::Arguments),
    Relay(Box<verbs::relay::Arguments>),
    Demo(verbs::demo::Arguments),
    Completions(verbs::completions::Arguments),
    Man(verbs::man::Arguments),
}

/// The command as clap knows it, for help, completions and man pages.
pub fn command() -> clap::Command {
    Arguments::command()
}

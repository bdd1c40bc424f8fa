//! `sockeye show`: all that is known of one endpoint.

use std::ffi::OsString;
use std::io::{self, Write};

use sockeye_census::{Census, Connection, Endpoint};

use super::ls;
use crate::Exit;
use crate::error::{Error, output};
use crate::json;
use crate::terminal;

mod facts; // the lines about an endpoint

/// Show all that is known of one endpoint
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Arguments {
    /// The endpoint
    #[arg(value_name = "ADDRESS")]
    address: OsString,

    /// Print a JSON document (docs/json.md)
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Error> {
    let shown_as = sockeye_address::escape::escape(arguments.address.as_encoded_bytes(), "");
    let filter = ls::Filter::of_address(&arguments.address)?;
    let options = sockeye_census::Options {
        beside: filter.folders(),
        ..Default::default()
    };
    let census = ls::census(&options, ls::Holders::Auto)?;
    let choice = filter.choose(&census);
    let endpoints: Vec<&Endpoint> = census
        .endpoints()
        .iter()
        .filter(|endpoint| choice.shows(endpoint))
        .collect();
    let belongs = |connection: &&Connection| {
        let endpoint = connection
            .endpoint
            .and_then(|at| census.endpoints().get(at));
        endpoint.is_some_and(|known| endpoints.iter().any(|shown| std::ptr::eq(*shown, known)))
    };
    let connections: Vec<&Connection> = census.connections().iter().filter(belongs).collect();
    if arguments.json {
        let document = json::ls::document("show", &census, &endpoints, &connections);
        json::write_pretty(&mut terminal::stdout(), &document)?;
    } else {
        write(&mut terminal::stdout(), &census, &endpoints).map_err(output)?;
        ls::note_unseen(&census);
    }
    if endpoints.is_empty() && !arguments.json {
        terminal::note(format!(
            "nothing is bound to {shown_as}: sockeye doctor {shown_as} says why"
        ));
    }
    Ok(if endpoints.is_empty() {
        Exit::Negative
    } else {
        Exit::Success
    })
}

fn write(out: &mut impl Write, census: &Census, endpoints: &[&Endpoint]) -> io::Result<()> {
    for (at, endpoint) in endpoints.iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        facts::write(out, census, endpoint)?;
    }
    Ok(())
}

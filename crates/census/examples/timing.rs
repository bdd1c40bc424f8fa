//! Prints what a census finds and how long it takes: `cargo run --release --example timing`.
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::time::Instant;

use sockeye_census::{Census, HolderSource, Options};

fn main() -> Result<(), sockeye_census::Error> {
    for holders in [HolderSource::Bpf, HolderSource::Proc] {
        let start = Instant::now();
        let census = Census::take(&Options {
            holders: Some(holders),
            ..Options::default()
        })?;
        println!(
            "{:?}: {} sockets, {} endpoints, {} connections in {:?}; {:?}",
            census.holder_source(),
            census.sockets().len(),
            census.endpoints().len(),
            census.connections().len(),
            start.elapsed(),
            census.unseen(),
        );
    }
    Ok(())
}

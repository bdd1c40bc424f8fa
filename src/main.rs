//! The `sockeye` command; see the crate `sockeye-cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    sockeye_cli::run(std::env::args_os()).into()
}

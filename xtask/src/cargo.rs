//! Running cargo and other programs in the workspace.

use std::path::Path;
use std::process::Command;

use crate::Outcome;

/// The folder of the workspace, wherever the task was called from.
pub(crate) fn workspace() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// The cargo that started this task, in the workspace folder.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(arguments).current_dir(workspace());
    command
}

/// The command as a person would type it, for headings and errors.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut line = program
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

/// Prints the command, runs it with our own input and output, and fails when it fails.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let line = shown(command);
    println!("==> {line}");
    let status = command
        .status()
        .map_err(|cause| format!("run {line}: {cause}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("run {line}: {status}").into())
    }
}

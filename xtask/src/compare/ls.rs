//! `cargo xtask compare ls`: the map of the machine, against `ss`, `lsof` and `find`.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use tempfile::TempDir;

use super::measure::Sample;
use super::scenario::Scenario;
use super::table::{Bar, Limit, Table, least, median, milliseconds, most};
use super::{Shared, machine};
use crate::Outcome;

/// How much to compare, and how often.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Times each program is run; one more run before them is not counted
    #[arg(long, default_value_t = 11)]
    rounds: usize,
    /// Connected sockets, two to a connection
    #[arg(long, default_value_t = 20_000)]
    sockets: usize,
    /// Processes they are spread over, one scenario for each number
    #[arg(long, value_delimiter = ',', default_values_t = [200, 2_000])]
    processes: Vec<usize>,
    #[command(flatten)]
    shared: Shared,
}

/// One program in a group: how it is named in the table, how it is run, and what we promise against it.
struct Contender {
    name: String,
    command: Command,
    /// At most this part of its median; None for ourselves.
    bar: Option<f64>,
}

/// The runs of one contender.
struct Runs {
    contender: Contender,
    samples: Vec<Sample>,
}

/// Peak memory of `ls`, at 20,000 sockets.
const MEMORY_MIB: f64 = 60.0;

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let program = PublicProgram::new(&arguments.shared.program()?)?;
    let root = rustix::process::geteuid().is_root();
    let mut bars = Vec::new();
    println!("\n{}", machine(&["iproute2", "lsof", "findutils"]));
    for &processes in &arguments.processes {
        let scenario = Scenario::start(arguments.sockets, processes)?;
        let place = format!(
            "{} connected sockets over {processes} processes",
            arguments.sockets
        );
        if root {
            let contenders = as_root(&program.path);
            bars.extend(group(
                &format!("{place}, as root"),
                contenders,
                arguments.rounds,
            )?);
        } else {
            println!("\nNOT COMPARED: {place} as root, because this is not root");
        }
        let contenders = without_privilege(&program.path, root);
        bars.extend(group(
            &format!("{place}, without privilege"),
            contenders,
            arguments.rounds,
        )?);
        drop(scenario);
    }
    bars.extend(group(
        "Socket files of the whole disk",
        scans(&program.path),
        arguments.rounds,
    )?);
    arguments.shared.judge(&bars)
}

fn as_root(sockeye: &Path) -> Vec<Contender> {
    vec![
        contender(&[], sockeye, &["ls", "--connections"], None),
        contender(&[], Path::new("ss"), &["-xap"], Some(1.0 / 5.0)),
        contender(&[], Path::new("lsof"), &["-U", "+E"], Some(1.0 / 15.0)),
    ]
}

/// As nobody; somebody who is not root can measure as himself.
fn without_privilege(sockeye: &Path, root: bool) -> Vec<Contender> {
    const NOBODY: &[&str] = &[
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
    ];
    let drop_privilege = if root { NOBODY } else { &[] };
    vec![
        contender(drop_privilege, sockeye, &["ls", "--connections"], None),
        contender(drop_privilege, Path::new("ss"), &["-xap"], Some(1.0)),
    ]
}

fn scans(sockeye: &Path) -> Vec<Contender> {
    vec![
        contender(&[], sockeye, &["ls", "--scan", "/"], None),
        contender(
            &[],
            Path::new("find"),
            &["/", "-xdev", "-type", "s"],
            Some(1.0 / 4.0),
        ),
    ]
}

fn contender(before: &[&str], program: &Path, arguments: &[&str], bar: Option<f64>) -> Contender {
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    let mut command = match before {
        [] => Command::new(program),
        [first, rest @ ..] => {
            let mut command = Command::new(first);
            command.args(rest).arg(program);
            command
        }
    };
    command.args(arguments);
    Contender {
        name: format!("`{name} {}`", arguments.join(" ")),
        command,
        bar,
    }
}

/// Runs a group in turns, prints its table, and returns its bars.
fn group(title: &str, contenders: Vec<Contender>, rounds: usize) -> Outcome<Vec<Bar>> {
    let mut all: Vec<Runs> = contenders
        .into_iter()
        .map(|contender| Runs {
            contender,
            samples: Vec::new(),
        })
        .collect();
    for runs in &all {
        Sample::take(&runs.contender.command)?; // caches are warm for all of them
    }
    for round in 0..rounds {
        // Another one begins each time, so that none is always the one after the slowest.
        let count = all.len();
        for turn in 0..count {
            let runs = &mut all[(round + turn) % count];
            runs.samples.push(Sample::take(&runs.contender.command)?);
        }
    }
    print!("\n## {title}\n\n{}", table(&all));
    Ok(bars(title, &all))
}

fn table(all: &[Runs]) -> Table {
    let headings = [
        "program",
        "median ms",
        "least ms",
        "CPU ms",
        "peak MiB",
        "output KiB",
        "ours / theirs",
    ];
    let mut table = Table::new(&headings);
    let ours = all.first().map_or(0.0, Runs::median_ms);
    for runs in all {
        let ratio = runs
            .contender
            .bar
            .map_or(String::new(), |_| format!("{:.3}", ours / runs.median_ms()));
        let numbers = [
            runs.median_ms(),
            runs.least_ms(),
            runs.cpu_ms(),
            runs.peak_mib(),
            runs.output_kib(),
        ];
        let mut cells = vec![runs.title()];
        cells.extend(numbers.map(|number| format!("{number:.1}")));
        cells.push(ratio);
        table.row(cells);
    }
    table
}

fn bars(title: &str, all: &[Runs]) -> Vec<Bar> {
    let Some(ours) = all.first() else {
        return Vec::new();
    };
    let mut bars: Vec<Bar> = all
        .iter()
        .filter_map(|runs| {
            let what = format!("{title}: time against {}", runs.contender.name);
            let limit = Limit::AtMost(runs.contender.bar?);
            Some(Bar {
                what,
                measured: ours.median_ms() / runs.median_ms(),
                limit,
            })
        })
        .collect();
    let what = format!("{title}: peak MiB of {}", ours.contender.name);
    bars.push(Bar {
        what,
        measured: ours.peak_mib(),
        limit: Limit::AtMost(MEMORY_MIB),
    });
    bars
}

impl Runs {
    fn each(&self, value: impl Fn(&Sample) -> f64) -> Vec<f64> {
        self.samples.iter().map(value).collect()
    }

    fn median_ms(&self) -> f64 {
        median(&self.each(|sample| milliseconds(sample.wall)))
    }

    fn least_ms(&self) -> f64 {
        least(&self.each(|sample| milliseconds(sample.wall)))
    }

    fn cpu_ms(&self) -> f64 {
        median(&self.each(|sample| milliseconds(sample.cpu)))
    }

    /// Of all runs, not the median: it is a promise about the worst one.
    fn peak_mib(&self) -> f64 {
        most(&self.each(|sample| f64::from(sample.peak_rss_kib) / 1024.0))
    }

    fn output_kib(&self) -> f64 {
        median(&self.each(|sample| sample.output_kib().into()))
    }

    /// The name, and the exit status where it was not zero: a fast failure is no victory.
    fn title(&self) -> String {
        let failed = self
            .samples
            .iter()
            .find(|sample| sample.exit_code != Some(0));
        match failed.map(|sample| sample.exit_code) {
            None => self.contender.name.clone(),
            Some(Some(code)) => format!("{} (exit {code})", self.contender.name),
            Some(None) => format!("{} (killed)", self.contender.name),
        }
    }
}

/// A copy of the program where everybody may run it; a home folder is often closed to nobody.
struct PublicProgram {
    path: PathBuf,
    _folder: TempDir,
}

impl PublicProgram {
    fn new(program: &Path) -> Outcome<Self> {
        let folder = super::interrupt::temporary_folder(&std::env::temp_dir())?;
        let name = program
            .file_name()
            .ok_or_else(|| format!("{} is no program", program.display()))?;
        let path = folder.path().join(name);
        std::fs::copy(program, &path)
            .map_err(|cause| format!("copy {}: {cause}", program.display()))?;
        for path in [folder.path(), &path] {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))?;
        }
        Ok(Self {
            path,
            _folder: folder,
        })
    }
}

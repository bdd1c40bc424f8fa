//! Which addresses were meant: one endpoint, a service, or all that a pattern matches.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use sockeye_address::well_known::Service;
use sockeye_address::{Address, Kind, Name, ParseError, escape};
use sockeye_census::{Census, Endpoint};

use crate::error::Error;

/// One address of the command line.
#[derive(Debug)]
pub(super) struct Wanted {
    literal: Option<Literal>,
    pattern: Option<GlobMatcher>,
}

/// An address that names what it means.
#[derive(Debug)]
struct Literal {
    /// As typed, as seen from here, and without symbolic links.
    names: Vec<Name>,
    kind: Option<Kind>,
    service: Option<&'static Service>,
}

/// How an address is read, once it is known what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// As the name of something.
    Literal,
    /// As a pattern.
    Pattern,
}

impl Wanted {
    /// Reads what was typed.
    ///
    /// # Errors
    /// Neither an address of a Unix socket nor a pattern.
    pub(super) fn read(typed: &OsStr) -> Result<Self, Error> {
        let is_pattern = typed.as_bytes().iter().any(|byte| b"*?[".contains(byte));
        if !is_pattern {
            return Self::named(typed);
        }
        let literal = literal(typed).ok();
        let pattern = glob(&pattern_text(typed, literal.as_ref()));
        Ok(match (literal, pattern) {
            (None, Err(error)) => return Err(error),
            (literal, pattern) => Wanted {
                literal,
                pattern: pattern.ok(),
            },
        })
    }

    /// Reads what can only be an address.
    ///
    /// # Errors
    /// No address of a Unix socket.
    pub(super) fn named(typed: &OsStr) -> Result<Self, Error> {
        Ok(Wanted {
            literal: Some(literal(typed)?),
            pattern: None,
        })
    }

    /// Folders in which something of this name would be.
    pub(super) fn folders(&self) -> impl Iterator<Item = PathBuf> {
        let names = self.literal.iter().flat_map(|literal| &literal.names);
        names.filter_map(|name| Some(name.as_path()?.parent()?.to_owned()))
    }

    /// A name may hold `*`, `?` and `[`, and what a row shows can be pasted back: where something has exactly this name,
    /// it is meant, and else the pattern.
    pub(super) fn reading(&self, census: &Census) -> Reading {
        let is_there = || {
            let mut endpoints = census.endpoints().iter();
            endpoints.any(|endpoint| self.matches(endpoint, Reading::Literal))
        };
        if self.pattern.is_none() || is_there() {
            Reading::Literal
        } else {
            Reading::Pattern
        }
    }

    /// Whether an endpoint is meant.
    pub(super) fn matches(&self, endpoint: &Endpoint, reading: Reading) -> bool {
        let names = || {
            std::iter::once(&endpoint.name)
                .map(canonical)
                .chain(found_at(endpoint))
        };
        match reading {
            Reading::Literal => self.literal.as_ref().is_some_and(|literal| {
                let is_service = || {
                    let service = endpoint.service().map(|service| service.word);
                    literal.service.is_some() && literal.service.map(|known| known.word) == service
                };
                let fits = literal.kind.is_none() || literal.kind == endpoint.kind;
                fits && (is_service() || names().any(|name| literal.names.contains(&name)))
            }),
            Reading::Pattern => self
                .pattern
                .as_ref()
                .is_some_and(|glob| names().any(|name| matches_glob(glob, &name))),
        }
    }
}

fn literal(typed: &OsStr) -> Result<Literal, Error> {
    let unread = |error: ParseError| {
        let shown = escape::escape(typed.as_bytes(), "");
        Error::usage(format!("read address {shown}: {error}"))
    };
    match Address::parse(typed).map_err(unread)? {
        Address::Unix(unix) => Ok(Literal {
            names: readings(&unix.name),
            kind: unix.kind,
            service: None,
        }),
        Address::WellKnown(service) => {
            let names = service.names(|variable| std::env::var(variable).ok());
            Ok(Literal {
                names: names.iter().map(canonical).collect(),
                kind: None,
                service: Some(service),
            })
        }
        _ => {
            let shown = escape::escape(typed.as_bytes(), "");
            Err(Error::usage(format!("ls {shown}: not a Unix socket"))
                .remedy("this verb takes a path, @name, a well-known name or a pattern"))
        }
    }
}

/// A relative path is meant from here, where the map shows absolute ones, unless it shows one that nobody could
/// complete; and a path may lead through links where the socket was bound without.
fn readings(name: &Name) -> Vec<Name> {
    let mut names = vec![canonical(name)];
    if let Name::Path(path) = name {
        if let (true, Ok(folder)) = (path.is_relative(), std::env::current_dir()) {
            names.push(canonical(&Name::Path(folder.join(path))));
        }
        names.extend(path.canonicalize().ok().map(Name::Path));
    }
    names
}

/// Names of the grammar are matched without their prefix: `unix:/run/*`.
fn pattern_text(typed: &OsStr, literal: Option<&Literal>) -> String {
    match literal.and_then(|literal| literal.names.first()) {
        Some(Name::Path(path)) if path.is_absolute() && path.to_str().is_some() => {
            path.to_string_lossy().into_owned()
        }
        _ => typed.to_string_lossy().into_owned(),
    }
}

/// Reads a pattern; a backslash in it stands for itself, as it does in the escapes of a row.
///
/// # Errors
/// A bracket without its end, and the like.
pub(super) fn glob(pattern: &str) -> Result<GlobMatcher, Error> {
    let built = GlobBuilder::new(pattern)
        .literal_separator(false)
        .backslash_escape(false)
        .build();
    Ok(built
        .map_err(|error| {
            let shown = escape::escape(pattern.as_bytes(), "");
            Error::usage(format!("read pattern {shown}: {}", error.kind()))
        })?
        .compile_matcher())
}

fn matches_glob(glob: &GlobMatcher, name: &Name) -> bool {
    // A pattern may be meant for the name itself, or for how a row shows it.
    match name {
        Name::Path(path) if glob.is_match(path) => true,
        Name::Path(path) if escape::is_plain(path.as_os_str().as_bytes()) => false,
        shown => glob.is_match(shown.to_string()),
    }
}

/// `/var/run` is `/run`, and `.` and `..` lead where they lead.
fn canonical(name: &Name) -> Name {
    let Name::Path(path) = name else {
        return name.clone();
    };
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if plain.file_name().is_some() => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    match plain.strip_prefix("/var/run") {
        Ok(rest) => Name::Path(Path::new("/run").join(rest)),
        Err(_) => Name::Path(plain),
    }
}

fn found_at(endpoint: &Endpoint) -> Option<Name> {
    let file = endpoint.file.as_ref()?;
    Some(canonical(&Name::Path(file.path.clone())))
}

//! The map as tables.

use anstyle::Style;
use sockeye_census::{Census, Connection, Endpoint, EndpointState};

use super::label::{self, Labels};
use crate::table::{Cell, Table, Text, numbers, words};
use crate::terminal::{ADDRESS, FAINT, WARNING, WELL, WRONG};

/// Columns of the endpoint table.
pub type Endpoints = Table<9>;
/// Columns of the connection table.
pub type Connections = Table<8>;

/// A mark before a row: `+` came, `-` went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mark {
    /// Was there before, or nobody compares.
    #[default]
    None,
    /// New since the last round.
    Came,
    /// Gone since the last round.
    Went,
}

impl Mark {
    fn cell(self) -> Cell {
        match self {
            Mark::None => Cell::default(),
            Mark::Came => Cell::styled(WELL, "+"),
            Mark::Went => Cell::styled(WRONG, "-"),
        }
    }
}

/// A row with its mark, which stands in the second column of both tables.
pub fn with_mark<const N: usize>(cells: &[Cell; N], mark: Mark) -> [Cell; N] {
    let mut cells = cells.clone();
    cells[1] = mark.cell();
    cells
}

/// An empty endpoint table.
pub fn endpoint_table() -> Endpoints {
    Table::new([
        words("ADDRESS"),
        words(""),
        words("KIND"),
        words("STATE"),
        words("PROCESS"),
        words("FILE"),
        numbers("CLIENTS"),
        numbers("QUEUE"),
        words("REMARK"),
    ])
}

/// One endpoint as a row.
pub fn endpoint_row(labels: &mut Labels<'_>, endpoint: &Endpoint, mark: Mark) -> [Cell; 9] {
    let listening = endpoint.state == EndpointState::Listening;
    let clients = if listening || endpoint.clients > 0 {
        endpoint.clients.to_string()
    } else {
        String::new()
    };
    let queue = endpoint
        .queue
        .map(|queue| format!("{}/{}", queue.used, queue.limit));
    let remark_style = if endpoint.fault.is_some() {
        WRONG
    } else {
        FAINT
    };
    [
        Cell::styled(ADDRESS, label::address(&endpoint.name)),
        mark.cell(),
        endpoint.kind.map_or("", sockeye_address::Kind::word).into(),
        Cell::styled(state_style(endpoint.state), endpoint.state.word()),
        labels.holders(endpoint.socket).into(),
        endpoint
            .file
            .as_ref()
            .map(|file| labels.file(file))
            .unwrap_or_default()
            .into(),
        clients.into(),
        queue.unwrap_or_default().into(),
        Cell::styled(remark_style, label::remark(labels.census(), endpoint)),
    ]
}

fn state_style(state: EndpointState) -> Style {
    match state {
        EndpointState::Listening => WELL,
        EndpointState::Bound => Style::new(),
        EndpointState::Closed | EndpointState::Unclaimed => WARNING,
        EndpointState::Stale => WRONG,
    }
}

/// An empty connection table.
pub fn connection_table() -> Connections {
    Table::new([
        words("CLIENT"),
        words(""),
        words(""),
        words("ADDRESS"),
        words(""),
        words("SERVER"),
        numbers("UNREAD"),
        words("REMARK"),
    ])
}

/// One connection as a row.
pub fn connection_row(
    labels: &mut Labels<'_>,
    census: &Census,
    connection: &Connection,
    mark: Mark,
) -> [Cell; 8] {
    let endpoint = connection
        .endpoint
        .and_then(|at| census.endpoints().get(at));
    let address = match endpoint {
        Some(endpoint) => Text::from(labels.address_of(endpoint)),
        None => "(unnamed)".into(),
    };
    // A waiting client has no server socket yet: whoever holds the listener will serve it.
    let server = connection.server.or(endpoint
        .filter(|_| connection.is_waiting)
        .and_then(|known| known.socket));
    let arrow = if endpoint.is_some() { "→" } else { "↔" };
    [
        end(labels, connection.client),
        mark.cell(),
        Cell::styled(FAINT, arrow),
        Cell::styled(ADDRESS, address),
        Cell::styled(FAINT, arrow),
        end(labels, server),
        unread(connection).into(),
        remark(connection),
    ]
}

fn end(labels: &mut Labels<'_>, inode: Option<sockeye_census::SocketInode>) -> Cell {
    match inode {
        Some(_) => labels.holders(inode).into(),
        None => Cell::styled(WARNING, "(closed)"),
    }
}

/// Bytes that wait in each direction: `120→` to the server, `←8` to the client, `?→` where it is not known how many.
fn unread(connection: &Connection) -> String {
    match (connection.to_server_bytes, connection.to_client_bytes) {
        (Some(0), 0) => String::new(),
        (None, _) => "?→".to_owned(),
        (Some(sent), 0) => format!("{sent}→"),
        (Some(0), answered) => format!("←{answered}"),
        (Some(sent), answered) => format!("{sent}→ ←{answered}"),
    }
}

fn remark(connection: &Connection) -> Cell {
    if connection.is_waiting {
        return Cell::styled(WARNING, "waits to be accepted");
    }
    Cell::default()
}

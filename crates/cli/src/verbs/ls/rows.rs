//! The map as tables.

use anstyle::Style;
use sockeye_census::{Census, Connection, Endpoint, EndpointState};

use super::label::{self, Labels};
use crate::table::{Cell, Row, Shown, Table, Text, numbers, words};
use crate::terminal::{ADDRESS, FAINT, WARNING, WELL, WRONG};

/// Columns of the endpoint table.
pub(super) type Endpoints = Table<9>;
/// Columns of the connection table.
pub(super) type Connections = Table<8, ConnectionRow>;

/// A mark before a row: `+` came, `-` went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Mark {
    /// Was there before, or nobody compares.
    #[default]
    None,
    /// New since the last round.
    Came,
    /// Gone since the last round.
    Went,
}

impl Mark {
    fn shown(self) -> Shown<'static> {
        match self {
            Mark::None => Shown {
                text: "",
                style: Style::new(),
            },
            Mark::Came => Shown {
                text: "+",
                style: WELL,
            },
            Mark::Went => Shown {
                text: "-",
                style: WRONG,
            },
        }
    }

    fn cell(self) -> Cell {
        let shown = self.shown();
        Cell::styled(shown.style, shown.text)
    }
}

/// A connection with its mark.
pub(super) fn marked_connection(row: &ConnectionRow, mark: Mark) -> ConnectionRow {
    ConnectionRow {
        mark,
        ..row.clone()
    }
}

/// An endpoint with its mark, which stands in the second column of both tables.
pub(super) fn marked_endpoint<const N: usize>(cells: &[Cell; N], mark: Mark) -> [Cell; N] {
    let mut cells = cells.clone();
    cells[1] = mark.cell();
    cells
}

/// An empty endpoint table.
pub(super) fn endpoint_table() -> Endpoints {
    Table::new([
        words("ADDRESS"),
        words(""),
        words("KIND"),
        words("STATE"),
        words("PROCESS"),
        words("FILE"),
        numbers("CLIENTS"),
        numbers("QUEUE"),
        words("REMARK").beside_first(),
    ])
}

/// One endpoint as a row.
pub(super) fn endpoint_row(labels: &mut Labels<'_>, endpoint: &Endpoint, mark: Mark) -> [Cell; 9] {
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
pub(super) fn connection_table() -> Connections {
    Table::new([
        words("CLIENT"),
        words(""),
        words(""),
        words("ADDRESS"),
        words(""),
        words("SERVER"),
        numbers("UNREAD"),
        words("REMARK").beside_first(),
    ])
}

/// One connection as a row: there may be tens of thousands, so what follows from little is not stored.
#[derive(Debug, Clone)]
pub(super) struct ConnectionRow {
    client: Text,
    address: Text,
    server: Text,
    unread: Text,
    is_waiting: bool,
    has_endpoint: bool,
    mark: Mark,
}

impl Row<8> for ConnectionRow {
    fn cells(&self) -> [Shown<'_>; 8] {
        let plain = |text| Shown {
            text,
            style: Style::new(),
        };
        let arrow = Shown {
            text: if self.has_endpoint { "→" } else { "↔" },
            style: FAINT,
        };
        let end = |text: &'static str| Shown {
            text,
            style: WARNING,
        };
        let process = |label| match label {
            &Text::Fixed(text) => end(text),
            label @ Text::Shared(_) => plain(label.as_str()),
        };
        [
            process(&self.client),
            self.mark.shown(),
            arrow,
            Shown {
                text: self.address.as_str(),
                style: ADDRESS,
            },
            arrow,
            process(&self.server),
            plain(self.unread.as_str()),
            end(if self.is_waiting {
                "waits to be accepted"
            } else {
                ""
            }),
        ]
    }
}

/// One connection as a row.
pub(super) fn connection_row(
    labels: &mut Labels<'_>,
    census: &Census,
    connection: &Connection,
) -> ConnectionRow {
    let endpoint = connection
        .endpoint
        .and_then(|at| census.endpoints().get(at));
    // A waiting client has no server socket yet: whoever holds the listener will serve it.
    let server = connection.server.or(endpoint
        .filter(|_| connection.is_waiting)
        .and_then(|known| known.socket));
    ConnectionRow {
        client: end(labels, connection.client),
        address: match endpoint {
            Some(endpoint) => labels.address_of(endpoint).into(),
            None => "(unnamed)".into(),
        },
        server: end(labels, server),
        unread: unread(connection).into(),
        is_waiting: connection.is_waiting,
        has_endpoint: endpoint.is_some(),
        mark: Mark::None,
    }
}

fn end(labels: &mut Labels<'_>, inode: Option<sockeye_census::SocketInode>) -> Text {
    match inode {
        Some(_) => labels.holders(inode),
        None => absent(labels.census()).into(),
    }
}

/// What to say of an end without a socket.
pub(crate) fn absent(census: &Census) -> &'static str {
    if census.unseen().diag_refused {
        "(not known)" // nobody tells who is connected to whom
    } else {
        "(closed)"
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

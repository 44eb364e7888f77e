//! Servers by name on the command line: checked once, explained where they are wrong, listed in the help.

use super::nearest::nearest;
use crate::servers::{self, CONNECTIONS_MAX, Column, SERVERS, Server};

/// The column of that name, `NAME` or `NAME@CONNECTIONS`; the error helps whoever mistyped it. clap ends the program with status 2 then.
pub fn column_named(name: &str) -> Result<Column, String> {
    if let Some((untraced, word)) = name.split_once('+') {
        let untraced = column_named(untraced)?;
        return Column::parse(name).ok_or_else(|| {
            format!("{word:?} is no place for a tracer; write {untraced}+same or {untraced}+other")
        });
    }
    if let Some((server, connections)) = name.split_once('@')
        && servers::by_name(server).is_some()
    {
        return Column::parse(name).ok_or_else(|| {
            format!(
                "{connections:?} is no number of connections from 1 to {CONNECTIONS_MAX}; write {server}@64 for 64 of \
                 its own"
            )
        });
    }
    server_named(name).map(Column::from)
}

/// The server of that name; the error helps whoever mistyped it. clap ends the program with status 2 then.
pub fn server_named(name: &str) -> Result<&'static Server, String> {
    servers::by_name(name).ok_or_else(|| {
        let guess = nearest(name, SERVERS.iter().map(|server| server.name))
            .map(|guess| format!("did you mean {guess}? "))
            .unwrap_or_default();
        let names: Vec<&str> = listed(false).map(|server| server.name).collect();
        format!("there is no such server; {guess}There are {}", names.join(", "))
    })
}

/// The servers of the table as the help prints them.
pub fn server_list() -> String {
    let rows = |flawed| -> String {
        listed(flawed).map(|server| format!("\n  {:<16} {}", server.name, server.says)).collect()
    };
    format!("Servers:{}\n\nWrong on purpose, for experiments:{}", rows(false), rows(true))
}

fn listed(flawed: bool) -> impl Iterator<Item = &'static Server> {
    SERVERS.iter().filter(move |server| server.flawed == flawed)
}

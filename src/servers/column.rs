//! One column of a comparison: a server, under the load that all have or with connections of its own.

use std::fmt;

use super::{Server, by_name};

/// Connections that a client opens at most.
pub const CONNECTIONS_MAX: u32 = 20_000;

/// A server as it is asked for: `epoll`, or `threads@64` for one with its own number of connections.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// The server.
    pub server: &'static Server,
    /// Its number of connections, where it is not the load's.
    pub connections: Option<u32>,
}

impl Column {
    /// Reads `NAME` or `NAME@CONNECTIONS`; `None` where there is no such server or the number is not
    /// one from 1 to [`CONNECTIONS_MAX`].
    pub fn parse(text: &str) -> Option<Self> {
        let Some((name, connections)) = text.split_once('@') else {
            return Some(Self { server: by_name(text)?, connections: None });
        };
        let connections =
            connections.parse().ok().filter(|connections| (1..=CONNECTIONS_MAX).contains(connections))?;
        Some(Self { server: by_name(name)?, connections: Some(connections) })
    }
}

impl From<&'static Server> for Column {
    fn from(server: &'static Server) -> Self {
        Self { server, connections: None }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.server.name)?;
        self.connections.map_or(Ok(()), |connections| write!(f, "@{connections}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_says_itself() {
        for text in ["epoll", "threads@1", "threads@64", "epoll@20000"] {
            assert_eq!(Column::parse(text).unwrap().to_string(), text);
        }
        for wrong in ["epol", "threads@", "threads@0", "threads@-1", "@4", "threads@4@4", "epoll@20001", ""] {
            assert!(Column::parse(wrong).is_none(), "{wrong}");
        }
    }
}

//! One column of a comparison: a server, under the load that all have or with connections of its own.

use std::fmt;

use super::{Server, by_name};

/// A server as it is asked for: `epoll`, or `threads@64` for one with its own number of connections.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// The server.
    pub server: &'static Server,
    /// Its number of connections, where it is not the load's.
    pub connections: Option<u32>,
}

impl Column {
    /// Reads `NAME` or `NAME@CONNECTIONS`; `None` where there is no such server or no such number.
    pub fn parse(text: &str) -> Option<Self> {
        let Some((name, connections)) = text.split_once('@') else {
            return Some(Self { server: by_name(text)?, connections: None });
        };
        let connections = connections.parse().ok().filter(|&connections| connections > 0)?;
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
        for text in ["epoll", "threads@1", "threads@64"] {
            assert_eq!(Column::parse(text).unwrap().to_string(), text);
        }
        for wrong in ["epol", "threads@", "threads@0", "threads@-1", "@4", "threads@4@4", ""] {
            assert!(Column::parse(wrong).is_none(), "{wrong}");
        }
    }
}

//! One column of a comparison: a server, under the load that all have or with connections of its own.

use std::fmt;

use super::{Server, by_name};

/// Connections that a client opens at most.
pub const CONNECTIONS_MAX: u32 = 20_000;

/// Where the thread runs that stops a server at each edge of its system calls, from a run's beginning to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TracedFrom {
    /// On the server's own processor.
    Same,
    /// On another one.
    Other,
}

impl TracedFrom {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::Same, Self::Other];

    /// Its name, as it is typed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Other => "other",
        }
    }
}

/// A server as it is asked for: `epoll`, `threads@64` for one with its own number of connections, `epoll+same` for
/// one that a tracer stops at each call.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// The server.
    pub server: &'static Server,
    /// Its number of connections, where it is not the load's.
    pub connections: Option<u32>,
    /// Who stops it at each call, if anybody does.
    pub traced: Option<TracedFrom>,
}

impl Column {
    /// Reads `NAME`, `NAME@CONNECTIONS`, and either with `+same` or `+other` behind; `None` where there is no such
    /// server, or the number is not one from 1 to [`CONNECTIONS_MAX`].
    pub fn parse(text: &str) -> Option<Self> {
        if let Some((untraced, word)) = text.split_once('+') {
            let traced = TracedFrom::ALL.into_iter().find(|from| from.word() == word)?;
            return Some(Self { traced: Some(traced), ..Self::parse(untraced)? });
        }
        let Some((name, connections)) = text.split_once('@') else {
            return Some(Self::from(by_name(text)?));
        };
        let connections =
            connections.parse().ok().filter(|connections| (1..=CONNECTIONS_MAX).contains(connections))?;
        Some(Self { connections: Some(connections), ..Self::from(by_name(name)?) })
    }
}

impl From<&'static Server> for Column {
    fn from(server: &'static Server) -> Self {
        Self { server, connections: None, traced: None }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.server.name)?;
        self.connections.map_or(Ok(()), |connections| write!(f, "@{connections}"))?;
        self.traced.map_or(Ok(()), |from| write!(f, "+{}", from.word()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_says_itself() {
        for text in ["epoll", "threads@1", "threads@64", "epoll@20000", "epoll+same", "epoll@50+other"] {
            assert_eq!(Column::parse(text).unwrap().to_string(), text);
        }
        for wrong in [
            "epol",
            "threads@",
            "threads@0",
            "threads@-1",
            "@4",
            "threads@4@4",
            "epoll@20001",
            "epoll+",
            "epoll+near",
            "epoll+same@4",
            "epoll+same+same",
            "",
        ] {
            assert!(Column::parse(wrong).is_none(), "{wrong}");
        }
    }
}

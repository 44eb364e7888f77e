//! The servers' own texts: what a stopped server is doing is shown on them.

/// A source file of this program, as it was compiled.
#[derive(Clone, Copy, Debug)]
pub struct Listing {
    /// Its path in the package: `src/servers/epoll.rs`.
    pub path: &'static str,
    /// All of it.
    pub text: &'static str,
}

macro_rules! listings {
    ($($file:literal),+ $(,)?) => {
        &[$(Listing { path: concat!("src/servers/", $file), text: include_str!($file) }),+]
    };
}

/// Every file of this room that a server runs through.
pub const LISTINGS: &[Listing] = listings!(
    "buffer_ring.rs",
    "epoll.rs",
    "epoll_edge.rs",
    "epoll_spin.rs",
    "flawed/edge_once.rs",
    "flawed/epoll_armed.rs",
    "flawed/epoll_rewrite.rs",
    "flawed/poll_armed.rs",
    "flawed/recv_spin.rs",
    "flawed/uring_async.rs",
    "multishot_connection.rs",
    "poll.rs",
    "select.rs",
    "sqpoll.rs",
    "threads.rs",
    "uring.rs",
    "uring_features.rs",
    "uring_multishot.rs",
    "uring_naive.rs",
);

/// The listing that a compiler's path ends in: `/somewhere/src/servers/epoll.rs`.
pub fn listing(path: &str) -> Option<&'static Listing> {
    LISTINGS.iter().find(|listing| {
        path.strip_suffix(listing.path).is_some_and(|before| before.is_empty() || before.ends_with('/'))
    })
}

impl Listing {
    /// Line `number`, from 1; empty beyond its end.
    pub fn line(&self, number: u32) -> &'static str {
        let at = (number as usize).checked_sub(1);
        at.and_then(|at| self.text.lines().nth(at)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servers::SERVERS;

    #[test]
    fn every_server_has_its_listing() {
        for server in SERVERS {
            let folder = if server.flawed { "flawed/" } else { "" };
            let path = format!("/build/src/servers/{folder}{}.rs", server.name.replace('-', "_"));
            assert!(listing(&path).is_some_and(|listing| listing.text.contains("pub fn run(")), "{path}");
        }
        assert!(listing("other/servers/epoll.rs").is_none());
        assert!(listing("/x/mysrc/servers/epoll.rs").is_none(), "a whole folder's name is compared");
    }

    #[test]
    fn lines_count_from_one() {
        let listing = listing("src/servers/epoll.rs").unwrap();
        assert!(listing.line(1).starts_with("//! epoll"));
        assert_eq!((listing.line(0), listing.line(u32::MAX)), ("", ""));
    }
}

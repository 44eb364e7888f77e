//! Every server as its users meet it: a process of its own that echoes bytes, whatever its peers do.

#![cfg(feature = "live")]
// A test says what went wrong by where it panics; clippy's own exception covers test functions only.
#![allow(clippy::unwrap_used)]

mod echo;
mod harness;
mod particular;
mod process;
mod watch;

use iolab::servers::SERVERS;

/// Makes a module of tests for each server named, and a test that no server of the table is missing.
macro_rules! test_servers {
    ($($module:ident = $name:literal),* $(,)?) => {
        $(mod $module {
            cases! { $name:
                every_size_comes_back,
                many_connections_interleaved,
                half_close_still_gets_everything,
                half_close_with_a_backlog,
                a_peer_that_does_not_read_must_wait,
                a_flood_does_not_starve_others,
                a_reset_ends_one_connection,
                closed_connections_leave_nothing,
                interruptions_go_unnoticed,
                without_descriptors_it_waits,
                idle_is_asleep,
                signals_end_it_with_status_0,
            }
        })*

        #[test]
        fn every_server_is_tested() {
            let table: Vec<&str> = SERVERS.iter().filter(|s| !s.flawed).map(|s| s.name).collect();
            assert_eq!(table, [$($name),*], "each server of the table has its line in test_servers!");
        }
    };
}

/// A test for each case, for one server.
macro_rules! cases {
    ($name:literal: $($case:ident),* $(,)?) => {
        $(#[test]
        fn $case() {
            crate::echo::$case($name);
        })*
    };
}

test_servers! {
    threads = "threads",
    select = "select",
    poll = "poll",
    epoll = "epoll",
    epoll_edge = "epoll-edge",
    epoll_spin = "epoll-spin",
    uring_naive = "uring-naive",
    uring = "uring",
    uring_multishot = "uring-multishot",
    sqpoll = "sqpoll",
}

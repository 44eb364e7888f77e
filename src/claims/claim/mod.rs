//! The claims, one file each.

mod default_in_2026;
mod every_syscall_switches;
mod files_without_threads;
mod kernel_5_1_enough;
mod lower_tail;
mod model_is_the_gap;
mod no_switches_steady;
mod one_per_batch;
mod possible_not_done;
mod proxy_near_nginx;
mod replaced_select;
mod sqpoll_burns_core;
mod sqpoll_three_times;
mod sqpoll_zero;
mod switches_bottleneck;
mod thousands_threshold;
mod two_syscalls_per_event;
mod two_to_three_times;

use super::Claim;

/// Every claim there is, in the order of the course.
pub const CLAIMS: &[Claim] = &[
    every_syscall_switches::CLAIM,
    two_syscalls_per_event::CLAIM,
    switches_bottleneck::CLAIM,
    replaced_select::CLAIM,
    possible_not_done::CLAIM,
    one_per_batch::CLAIM,
    no_switches_steady::CLAIM,
    sqpoll_zero::CLAIM,
    sqpoll_burns_core::CLAIM,
    model_is_the_gap::CLAIM,
    two_to_three_times::CLAIM,
    sqpoll_three_times::CLAIM,
    lower_tail::CLAIM,
    files_without_threads::CLAIM,
    kernel_5_1_enough::CLAIM,
    thousands_threshold::CLAIM,
    proxy_near_nginx::CLAIM,
    default_in_2026::CLAIM,
];

//! The pages of the court, as a terminal shows them.

use iolab::claims::{Judged, pages};
use iolab::screen::{Palette, Theme, View, frame};
use iolab::trace::Machine;
use ratatui::layout::Size;

use crate::written::{Written, evidence, machine, server};

fn calls(one: f64, many: f64, edge: f64) -> Written {
    let columns = [("epoll@1", one), ("epoll@64", many), ("epoll-edge@64", edge)];
    columns
        .into_iter()
        .fold(evidence(), |evidence, (name, each)| evidence.column(server(name).calls_each(each)))
}

fn judged() -> Vec<Judged> {
    let refused = evidence().without_io_uring();
    vec![
        calls(3.0, 2.03, 3.2).judge("two-syscalls-per-event"),
        evidence().column(server("epoll@64").named("recvfrom", 1.0)).judge("possible-not-done"),
        evidence().judge("proxy-near-nginx"),
        refused.judge("model-is-the-gap"),
    ]
}

/// A page of the court.
fn shown(page: usize, width: u16, height: u16, ascii: bool) -> String {
    let machine: Machine = machine();
    let court = pages(&machine, &judged(), !ascii);
    let theme = Theme { palette: Palette::Mono, ascii };
    let buffer = frame(None, &View::new(page), &court, Size::new(width, height), theme).buffer;
    let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..height).map(|y| row(y).trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

#[test]
fn all_verdicts_are_a_table_where_it_fits() {
    insta::assert_snapshot!("all_80x24", shown(0, 80, 24, false));
    insta::assert_snapshot!("all_40x12_ascii", shown(0, 40, 12, true));
}

#[test]
fn a_page_has_the_claim_the_verdict_and_bars_to_compare() {
    insta::assert_snapshot!("page_80x24", shown(1, 80, 24, false));
    insta::assert_snapshot!("page_120x36_ascii", shown(1, 120, 36, true));
}

#[test]
fn what_cannot_be_tested_says_what_to_try() {
    let page = shown(4, 80, 24, false);
    assert!(page.contains("cannot be tested here") && page.contains("outside the container"), "{page}");
    assert!(!page.contains("Confidence"), "{page}");
}

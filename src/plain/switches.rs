//! The map of context switches as lines: a thread each, its stretches of time in a row.

use crate::world::{Helper, ServerView, Stretches, SwitchColumn, SwitchMap, Switches};

/// Threads that are told one by one; the others together.
const THREADS_SHOWN: usize = 6;

/// Stretches of time that are told.
const STRETCHES_SHOWN: usize = 10;

/// What is known of a server's switches in its latest run, thread by thread.
pub(super) fn lines(view: &ServerView<'_>) -> Vec<String> {
    let Some(run) = view.rounds.last() else { return Vec::new() };
    let Some(stretches) = Stretches::of([*run].into_iter(), STRETCHES_SHOWN) else { return Vec::new() };
    let map = SwitchMap::of(run, &stretches, THREADS_SHOWN);
    map.columns.iter().map(|column| line(column, &stretches)).collect()
}

fn line(column: &SwitchColumn<'_>, stretches: &Stretches) -> String {
    let who = match column.thread {
        None => format!("{} more threads", column.threads),
        Some(thread) => match Helper::of(&thread.comm) {
            Some(helper) => format!("thread {} {}, {},", thread.comm, thread.tid, helper.says()),
            None => format!("thread {} {}", thread.comm, thread.tid),
        },
    };
    let Switches { voluntary, involuntary } = column.all;
    let told = column.cells.iter().position(Option::is_some).unwrap_or(0);
    let cells = &column.cells[told..];
    let each = |part: fn(&Switches) -> u64| {
        let cells = cells.iter().map(|cell| cell.as_ref().map_or("-".into(), |cell| part(cell).to_string()));
        cells.collect::<Vec<_>>().join(" ")
    };
    let mut out =
        format!("context switches of {who} (proc): {voluntary} voluntary, {involuntary} involuntary");
    if !cells.is_empty() {
        let from_s = stretches.start_ns(told) as f64 / 1e9;
        let length_ms = stretches.length_ns / 1_000_000;
        out += &format!(
            "; in each {length_ms} ms from {from_s:.2} s on: {} voluntary",
            each(|cell| cell.voluntary)
        );
        if cells.iter().flatten().any(|cell| cell.involuntary > 0) {
            out += &format!(", {} involuntary", each(|cell| cell.involuntary));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::ThreadTotals;

    const STRETCHES_NS: u64 = 200_000_000;

    fn column(thread: Option<&ThreadTotals>, cells: Vec<Option<Switches>>) -> SwitchColumn<'_> {
        let all = Switches { voluntary: 93, involuntary: 4 };
        SwitchColumn { thread, threads: if thread.is_some() { 1 } else { 61 }, all, cells }
    }

    #[test]
    fn a_thread_is_a_line_with_its_stretches_in_order() {
        let mut run = crate::world::RunWorld::new(crate::trace::Start {
            server: 0,
            round: 0,
            purpose: crate::trace::Purpose::Measure,
            pid: 1,
            load: None,
        });
        for tick in 0..=50 {
            run.apply(tick * 20_000_000, &crate::trace::Record::Process(Default::default()));
        }
        let stretches = Stretches::of([&run].into_iter(), STRETCHES_SHOWN).unwrap();
        assert_eq!(stretches.length_ns, STRETCHES_NS);
        let cell = |voluntary, involuntary| Some(Switches { voluntary, involuntary });
        let own = ThreadTotals { tid: 4711, comm: "epoll".into(), ..ThreadTotals::default() };
        assert_eq!(
            line(&column(Some(&own), vec![None, cell(8, 0), cell(7, 4)]), &stretches),
            "context switches of thread epoll 4711 (proc): 93 voluntary, 4 involuntary; in each 200 ms from \
             0.20 s on: 8 7 voluntary, 0 4 involuntary"
        );
        let poller = ThreadTotals { tid: 4712, comm: "iou-sqp-4711".into(), ..ThreadTotals::default() };
        assert_eq!(
            line(&column(Some(&poller), vec![cell(8, 0)]), &stretches),
            "context switches of thread iou-sqp-4711 4712, kernel poller, (proc): 93 voluntary, 4 involuntary; \
             in each 200 ms from 0.00 s on: 8 voluntary"
        );
        let others = line(&column(None, vec![None]), &stretches);
        assert!(others.starts_with("context switches of 61 more threads (proc): 93"), "{others}");
    }
}

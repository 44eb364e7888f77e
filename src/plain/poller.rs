//! How a server waits, as lines: the share of a processor that its threads take, and whether it slept.

use crate::world::{Helper, Moment, Poller, ServerView, Strip};

/// What is known of a server's latest run.
pub(super) fn lines(view: &ServerView<'_>) -> Vec<String> {
    let poller = view.rounds.last().and_then(|run| Poller::of(run));
    poller.iter().flat_map(|poller| poller.strips.iter().map(|strip| line(poller, strip))).collect()
}

fn line(poller: &Poller<'_>, strip: &Strip<'_>) -> String {
    let helper = Helper::of(strip.comm);
    let who = match (helper, poller.others) {
        (Some(helper), _) => format!("{} ({})", strip.comm, helper.says()),
        (None, 0) => format!("own thread {} {}", strip.comm, strip.tid),
        (None, others) => format!("the busiest of {} threads", others.saturating_add(1)),
    };
    let share =
        |share: Option<f64>| share.map_or("not known".into(), |share| format!("{:.1} %", share * 100.0));
    let mut out = format!(
        "{who} was on a processor (proc) {} of the time in the mean, {} now",
        share(strip.mean),
        share(strip.now)
    );
    let count = |is: fn(&Moment) -> bool| strip.moments.iter().filter(|moment| is(moment)).count();
    out += &format!(
        "; of the last {} readings, one every {} ms: {} spinning, {} spinning but put aside, {} partly, {} \
         waiting",
        strip.moments.len(),
        poller.reading_ns / 1_000_000,
        count(|moment| matches!(moment, Moment::Spinning)),
        count(|moment| matches!(moment, Moment::Contended(_))),
        count(|moment| matches!(moment, Moment::Partly(_))),
        count(|moment| matches!(moment, Moment::Waiting)),
    );
    if helper == Some(Helper::Poller) {
        let (looks, asleep) = poller.asleep;
        out += &format!(
            ", {} asleep; {asleep} of {looks} looks at the ring, {}, saw it asleep (ring)",
            count(|moment| matches!(moment, Moment::Asleep)),
            share((looks > 0).then(|| asleep as f64 / looks as f64))
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strip(comm: &str, moments: Vec<Moment>) -> Strip<'_> {
        Strip { comm, tid: 4711, moments, now: Some(0.25), mean: Some(0.871) }
    }

    #[test]
    fn a_poller_says_how_it_spent_its_time_and_whether_it_slept() {
        use Moment::{Asleep, Contended, Partly, Spinning, Waiting};
        let strips =
            vec![strip("iou-sqp-4711", vec![Spinning, Contended(0.6), Partly(0.3), Waiting, Asleep])];
        let poller = Poller { strips, others: 0, asleep: (400, 68), reading_ns: 20_000_000 };
        assert_eq!(
            line(&poller, &poller.strips[0]),
            "iou-sqp-4711 (kernel poller) was on a processor (proc) 87.1 % of the time in the mean, 25.0 % now; \
             of the last 5 readings, one every 20 ms: 1 spinning, 1 spinning but put aside, 1 partly, 1 waiting, \
             1 asleep; 68 of 400 looks at the ring, 17.0 %, saw it asleep (ring)"
        );
    }

    #[test]
    fn a_thread_of_the_servers_own_has_nobody_to_wake_it() {
        let strips = vec![strip("epoll", vec![Moment::Waiting])];
        let mut poller = Poller { strips, others: 0, asleep: (400, 0), reading_ns: 0 };
        let says = line(&poller, &poller.strips[0]);
        assert!(says.starts_with("own thread epoll 4711 was on a processor"), "{says}");
        assert!(says.ends_with("0 spinning, 0 spinning but put aside, 0 partly, 1 waiting"), "{says}");
        poller.others = 64;
        assert!(line(&poller, &poller.strips[0]).starts_with("the busiest of 65 threads"));
    }
}

//! One request followed through its places, step by step.

use std::fmt::Write;

use crate::screen::number::span;
use crate::trace::Trace;
use crate::world::Spot;
use crate::world::follow::{Followed, Step, Sure, follow};

/// The story of the request that a spot is about.
pub fn request(trace: &Trace, spot: &Spot) -> String {
    match follow(trace, spot) {
        Some(story) => told(trace, &story),
        None => "Nothing is known of a request there.\n".to_owned(),
    }
}

fn told(trace: &Trace, story: &Followed) -> String {
    let server = trace.header().servers.get(story.server as usize).map_or("", String::as_str);
    let mut out = format!("{} of {server}", story.title);
    if let Some((fd, _)) = story.fd {
        let _ = write!(out, ", fd {fd}");
    }
    let places: Vec<_> = story.places().into_iter().map(|place| place.words()).collect();
    let _ = writeln!(out, "\nplaces: {}", places.join(", "));
    let mut before_ns = story.sent_ns;
    for (number, step) in (1..).zip(&story.steps) {
        let _ = writeln!(out, "  {}", line(story, number, step, before_ns));
        if step.sure != Sure::TimeNotKnown {
            before_ns = step.t_ns;
        }
    }
    for remark in &story.remarks {
        let _ = writeln!(out, "  note: {remark}");
    }
    out
}

fn line(story: &Followed, number: usize, step: &Step, before_ns: u64) -> String {
    let at = match step.sure {
        Sure::TimeNotKnown => "when is not known".to_owned(),
        _ => {
            let after = span(step.t_ns.saturating_sub(story.sent_ns));
            match step.t_ns.saturating_sub(before_ns) {
                0 => format!("at {after}"),
                gap_ns => format!("at {after}, {} later", span(gap_ns)),
            }
        }
    };
    let lasted =
        step.until_ns.map(|until_ns| format!(", takes {}", span(until_ns.saturating_sub(step.t_ns))));
    let derived = if step.sure == Sure::Derived { ", derived" } else { "" };
    format!("{number}. {}: {} ({at}{}{derived})", step.place.words(), step.says, lasted.unwrap_or_default())
}

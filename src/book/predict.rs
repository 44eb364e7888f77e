//! A prediction in a page: an input, then what was measured beside it. A page without scripts shows the answer on demand.

use super::html::{block, escaped, slug};
use crate::lesson::Prediction;
use crate::screen::rounded;
use crate::world::{Measured, MetricId, World};

/// What stands in for an answer that the page's script has to say itself: the words are the verdict's own, and a test
/// compares the two.
pub(super) fn predict(asked: &Prediction, world: Option<&World<'_>>) -> String {
    let measured = world.and_then(|world| measured(asked, world));
    let id = format!("predict-{}", slug(&asked.id));
    let ask = escaped(&asked.ask);
    let unit = asked.unit.as_deref().map(|unit| format!(" <span class=\"io-unit\">{}</span>", escaped(unit)));
    let answer = answer(asked, measured.as_ref());
    let (data, form) = match measured.and_then(|measured| measured.value()) {
        Some(value) => (
            format!(" data-measured=\"{value}\" data-allowed=\"{}\"", asked.within.allowed(value)),
            format!(
                "<form hidden><label for=\"{id}-answer\">Your prediction</label>\n\
                 <input id=\"{id}-answer\" type=\"text\" inputmode=\"text\" enterkeyhint=\"done\" autocomplete=\"off\" \
                 size=\"8\" aria-describedby=\"{id}-ask\" placeholder=\"2, 0.5, 1/16\">{}\n\
                 <span class=\"io-buttons\"><button type=\"submit\">Compare</button>\n\
                 <button type=\"button\" class=\"io-pass\">Only show me</button></span></form>\n",
                unit.unwrap_or_default()
            ),
        ),
        None => (String::new(), String::new()),
    };
    block(&format!(
        "<section class=\"io-predict\" id=\"{id}\" aria-labelledby=\"{id}-ask\"{data}>\n\
         <p class=\"io-ask\" id=\"{id}-ask\">{ask}</p>\n{form}<p class=\"io-verdict\" role=\"status\"></p>\n\
         <details class=\"io-reveal\"><summary>What the kernel says</summary>\n{answer}</details>\n</section>"
    ))
}

/// What was measured for a prediction.
fn measured(asked: &Prediction, world: &World<'_>) -> Option<Measured> {
    world.server(&asked.server)?.metric(MetricId::by_key(&asked.metric)?)
}

/// The measured number and the reason for it.
fn answer(asked: &Prediction, measured: Option<&Measured>) -> String {
    let because = escaped(&asked.because);
    let row = MetricId::by_key(&asked.metric).map(MetricId::row);
    let (label, unit) = row.map_or(("", ""), |row| (row.label, row.unit));
    let number = match measured {
        Some(Measured::Known { value, rung, .. }) => format!(
            "<strong>{}</strong>: {} {label} {unit} (seen by {})",
            escaped(&asked.server),
            rounded(*value),
            rung.word()
        ),
        Some(Measured::Unknown { why, .. }) => format!("Not known: {}", escaped(why)),
        None => "Not known: there is no recorded run".to_owned(),
    };
    format!("<p>{number}.</p>\n<p>{because}</p>")
}

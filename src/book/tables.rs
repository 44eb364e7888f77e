//! Pages that are tables of the program in words: terms, numbers, insights.

use super::html::{block, escaped, slug};
use super::lesson::{anchor, href, path};
use crate::lesson::{Course, Place};
use crate::world::METRICS;
use crate::world::insight::INSIGHTS;

/// Every term of the course, with the steps that explain it.
pub(super) fn glossary(course: &Course) -> String {
    let mut terms: Vec<_> = course.glossary.terms.iter().collect();
    terms.sort_by_key(|term| term.word.to_lowercase());
    let mut html = String::from("<dl class=\"io-terms\">\n");
    for term in terms {
        let also = if term.also.is_empty() {
            String::new()
        } else {
            format!(" <span class=\"io-also\">also: {}</span>", escaped(&term.also.join(", ")))
        };
        let places: Vec<String> = term.places.iter().map(|place| place_link(course, *place)).collect();
        html += &format!(
            "<dt id=\"{}\">{}{also}</dt>\n<dd>{} <span class=\"io-where\">{}</span></dd>\n",
            slug(&term.word),
            escaped(&term.word),
            escaped(&term.means),
            places.join(", ")
        );
    }
    block(&(html + "</dl>"))
}

/// A link to a step, for a page at the book's root.
fn place_link(course: &Course, place: Place) -> String {
    let lesson = &course.lessons[place.lesson];
    format!("<a href=\"{}#{}\">{}</a>", href(&path(lesson)), anchor(place.step), course.name(place))
}

/// Every number that iolab shows.
pub(super) fn metrics() -> String {
    let mut out = String::new();
    for metric in METRICS {
        out += &format!(
            "## {} {{#{}}}\n\n",
            heading(&format!("{} {}", metric.label, metric.unit)),
            slug(metric.key)
        );
        out += &definitions(&[
            ("what it is", metric.meaning),
            ("how it is measured", metric.how),
            ("how far off it can be", metric.error),
        ]);
        out += &block(&format!(
            "<p>To see it yourself, with the server's process for <code>{{pid}}</code>:</p>\n\
             <pre><code class=\"language-sh\">{}\n</code></pre>",
            escaped(metric.check)
        ));
        out +=
            &block(&format!("<p class=\"io-also\">In JSON and in lessons: <code>{}</code></p>", metric.key));
    }
    out
}

/// Every insight, with the steps whose labs provoke it.
pub(super) fn insights(course: &Course) -> String {
    let mut out = String::new();
    for insight in INSIGHTS {
        out += &format!("## {} {{#{}}}\n\n", heading(insight.title), slug(insight.id));
        out += &definitions(&[("what it is about", insight.general), ("what to do", insight.fix)]);
        out += &seen_in(course, insight.id);
        out +=
            &block(&format!("<p class=\"io-also\">In JSON and in lessons: <code>{}</code></p>", insight.id));
    }
    out
}

/// Where an insight speaks up in the course.
fn seen_in(course: &Course, id: &str) -> String {
    let mut links = Vec::new();
    for lesson in &course.lessons {
        for (index, step) in lesson.steps.iter().enumerate() {
            if step.insights().any(|provoked| provoked.id == id) {
                let (page, place) = (href(&path(lesson)), anchor(index));
                let title = escaped(&step.title);
                links.push(format!("lesson {}, <a href=\"{page}#{place}\">{title}</a>", lesson.number));
            }
        }
    }
    if links.is_empty() { String::new() } else { block(&format!("<p>Seen in: {}.</p>", links.join("; "))) }
}

fn definitions(rows: &[(&str, &str)]) -> String {
    let rows: String =
        rows.iter().map(|(name, says)| format!("<dt>{name}</dt><dd>{}</dd>\n", escaped(says))).collect();
    block(&format!("<dl class=\"io-facts\">\n{rows}</dl>"))
}

/// Text as a heading, its first letter large.
fn heading(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

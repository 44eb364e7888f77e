//! The book as it is.

use iolab::lesson::Course;

use super::built::{book, repository};
use super::checks;
use super::html::{element, pieces, text};

#[test]
fn the_book_is_whole() {
    let wrong = checks::all(book());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_lesson_and_every_exercise_has_a_page() {
    let pages = checks::pages(&book().pages);
    let course = Course::read().unwrap();
    for lesson in &course.lessons {
        let page = &pages[&checks::page_of(lesson)];
        let said = text(&pieces(page));
        for step in &lesson.steps {
            assert!(said.contains(&step.title), "lesson {}: no step {:?}", lesson.number, step.title);
            for asked in step.predictions() {
                assert!(said.contains(&asked.ask), "lesson {}: no question {}", lesson.number, asked.id);
                assert!(
                    said.contains(&asked.because),
                    "lesson {}: no reason for {}",
                    lesson.number,
                    asked.id
                );
            }
        }
    }
    for exercise in &course.exercises {
        let file = format!("exercises/{:02}-{}.html", exercise.number, exercise.name);
        let lesson = course.lessons.iter().find(|lesson| lesson.number == exercise.manifest.lesson);
        let page = lesson.map(|lesson| &pages[&checks::page_of(lesson)]);
        assert!(
            page.is_none_or(|page| page.contains(&format!("../{file}"))),
            "{file} is linked from no lesson"
        );
        let page =
            &pages[std::path::Path::new(&format!("exercises/{:02}-{}.html", exercise.number, exercise.name))];
        for criterion in &exercise.manifest.criteria {
            assert!(
                page.contains(&criterion.id),
                "{}: criterion {} is not told",
                exercise.name,
                criterion.id
            );
        }
    }
}

#[test]
fn every_prediction_can_be_judged_without_the_program() {
    let pages = checks::pages(&book().pages);
    let asked: usize = Course::read()
        .unwrap()
        .lessons
        .iter()
        .flat_map(|lesson| &lesson.steps)
        .map(|step| step.predictions().count())
        .sum();
    let mut judged = 0;
    for html in pages.values() {
        let page = pieces(html);
        for (at, piece) in page.iter().enumerate().filter(|(_, piece)| piece.has_class("io-predict")) {
            let number = |name: &str| piece.attribute(name).and_then(|value| value.parse::<f64>().ok());
            assert!(number("data-measured").is_some() && number("data-allowed").is_some(), "{piece:?}");
            assert!(element(&page, at).iter().any(|piece| piece.opens("input")), "{piece:?}");
            judged += 1;
        }
    }
    assert_eq!(judged, asked);
}

#[test]
fn terms_numbers_insights_and_commands_are_all_there() {
    let pages = checks::pages(&book().pages);
    let said = |page: &str| text(&pieces(&pages[std::path::Path::new(page)]));
    let (glossary, metrics, insights) = (said("glossary.html"), said("metrics.html"), said("insights.html"));
    for term in &Course::read().unwrap().glossary.terms {
        assert!(glossary.contains(&term.means), "{}", term.word);
    }
    for metric in iolab::world::METRICS {
        assert!(metrics.contains(metric.meaning) && metrics.contains(metric.how), "{}", metric.key);
    }
    for insight in iolab::world::insight::INSIGHTS {
        assert!(insights.contains(insight.general) && insights.contains(insight.fix), "{}", insight.id);
    }
    for lesson in &Course::read().unwrap().lessons {
        for step in lesson.steps.iter().filter(|step| step.insights().next().is_some()) {
            assert!(insights.contains(&step.title), "no insight is seen in {:?}", step.title);
        }
    }
    let commands = said("commands.html");
    for command in ["iolab lesson", "iolab lab", "iolab replay", "--connections", "--theme"] {
        assert!(commands.contains(command), "{command}");
    }
}

/// Texts of all figures that no width leaves whole. A change that cuts more has made a figure harder to read.
const CUT: usize = 8;

#[test]
fn figures_are_as_wide_as_their_words() {
    let mut cut = Vec::new();
    for (path, html) in checks::pages(&book().pages) {
        let page = pieces(&html);
        for (at, _) in page.iter().enumerate().filter(|(_, piece)| piece.has_class("io-cells")) {
            let drawing = element(&page, at);
            let texts = (0..drawing.len()).filter(|at| drawing[*at].opens("tspan"));
            let texts = texts.map(|at| text(element(drawing, at))).filter(|text| text.contains('…'));
            cut.extend(texts.map(|text| format!("{}: {text}", path.display())));
        }
    }
    assert!(cut.len() <= CUT, "{} texts are cut:\n{}", cut.len(), cut.join("\n"));
}

#[test]
fn the_colours_of_figures_are_those_of_the_screen() {
    let css = std::fs::read_to_string(repository().join("book/theme/iolab.css")).unwrap();
    let [dark, light] = iolab::book::variables();
    let has = |begins: &str, colours: &str| {
        css.lines().any(|line| line.trim().starts_with(begins) && line.contains(colours))
    };
    assert!(has(":root {", &light), "a light page wants {light}");
    assert!(has("html.coal", &dark), "a dark page wants {dark}");
    assert!(has("html:not(.js) {", &dark), "a dark page without scripts wants {dark}");
}

#[test]
fn every_rule_of_the_style_sheet_is_one() {
    let css = std::fs::read_to_string(repository().join("book/theme/iolab.css")).unwrap();
    // A browser passes over what it cannot read, and says nothing.
    let dead: Vec<_> = css.lines().filter(|line| line.trim().starts_with("media")).collect();
    assert!(dead.is_empty(), "no @ before {dead:?}");
    assert_eq!(css.matches('{').count(), css.matches('}').count());
}

#[test]
fn the_player_is_small_and_needs_nothing_else() {
    let script = std::fs::read_to_string(repository().join("book/theme/iolab.js")).unwrap();
    assert!(script.len() < 15_000, "{} bytes", script.len());
    for word in ["import ", "require(", "fetch(", "XMLHttpRequest", "http://", "https://"] {
        let found: Vec<_> =
            script.lines().filter(|line| line.contains(word) && !line.contains("www.w3.org")).collect();
        assert!(found.is_empty(), "{word}: {found:?}");
    }
}

//! Pictures of a trace: what the screen shows, for eyes and for ears.

use iolab::export::picture::picture;
use iolab::screen::{Depth, Palette, Theme};
use iolab::trace::file;
use iolab::world::World;
use ratatui::layout::Size;

use super::{CALL_BY_CALL, exported, recording};

const DARK: Theme = Theme { palette: Palette::Dark(Depth::Full), ascii: false };

/// The text between two tags.
fn within<'t>(text: &'t str, tag: &str) -> &'t str {
    let (_, rest) = text.split_once(&format!("<{tag}")).unwrap();
    let (_, rest) = rest.split_once('>').unwrap();
    rest.split_once(&format!("</{tag}>")).unwrap().0
}

/// Text as it stands in a document.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[test]
fn a_picture_is_named_and_described_and_its_words_are_words() {
    let file = recording(CALL_BY_CALL);
    let svg = exported(&file, &["--format", "svg"]);
    let head = svg.lines().next().unwrap();
    for attribute in ["role=\"img\"", "aria-labelledby=\"title\"", "aria-describedby=\"desc\""] {
        assert!(head.contains(attribute), "{head}");
    }
    assert_eq!(within(&svg, "title"), "iolab: epoll, uring, at its end");
    let plain = exported(&file, &["--format", "text"]);
    assert_eq!(within(&svg, "desc"), escaped(&plain), "who hears it hears the plain edition");
    for text in [">epoll<", ">uring<", "rings", "recvfrom"] {
        assert!(svg.contains(text), "{text} is text that can be selected");
    }
    for foreign in ["<script", "href", "url(", "@import", "<path", "http://", "https://"] {
        let own = "xmlns=\"http://www.w3.org/2000/svg\"";
        assert!(!svg.replace(own, "").contains(foreign), "{foreign}");
    }
    assert!(!svg.contains("run again"), "keys cannot be pressed in a picture");
}

#[test]
fn a_theme_brings_its_background_and_a_size_its_room() {
    let file = recording(CALL_BY_CALL);
    for (theme, paper) in [("dark", "#16181d"), ("light", "#ffffff"), ("contrast", "#000000")] {
        let svg = exported(&file, &["--format", "svg", "--theme", theme, "--size", "80x24"]);
        assert!(svg.contains(&format!("rx=\"8\" fill=\"{paper}\"")), "{theme}");
        assert!(svg.contains("viewBox=\"0 0 696 456\""), "{}", svg.lines().next().unwrap());
    }
}

#[test]
fn a_picture_of_a_time_is_the_screen_at_that_time() {
    let file = recording(CALL_BY_CALL);
    let early = exported(&file, &["--format", "svg", "--at", "1.2"]);
    assert!(early.contains("frozen at 1.200 s") && within(&early, "title").ends_with("at 1.200 s"));
    assert_ne!(early, exported(&file, &["--format", "svg", "--at", "2.4"]));
    assert_eq!(early, exported(&file, &["--format", "svg", "--at", "1.2"]), "the same each time");
}

#[test]
fn every_recorded_run_has_a_picture_of_any_size() {
    for source in iolab::lesson::LESSONS {
        let lesson = source.read().unwrap();
        for lab in lesson.steps.iter().filter_map(|step| step.lab()) {
            let Some(name) = lab.recording.as_deref() else { continue };
            let trace = file::read(source.recording(name).unwrap()).unwrap().trace;
            let world = World::at(&trace, u64::MAX);
            for (width, height) in [(20, 5), (80, 24), (200, 60)] {
                let svg = picture(&world, Size { width, height }, DARK);
                assert!(svg.contains("<desc id=\"desc\">") && svg.ends_with("</svg>\n"), "{name}");
            }
            let large = picture(&world, Size { width: 160, height: 120 }, DARK);
            for server in &trace.header().servers {
                assert!(large.contains(&escaped(server)), "{name}: {server} is on the picture");
            }
        }
    }
}

//! Home, search and glossary without a terminal: the whole program as a value, with keys to press.
#![allow(clippy::unwrap_used)] // Helpers of tests are tests.

#[path = "common/course.rs"]
mod course;
#[path = "common/desk.rs"]
mod desk;

use desk::{Desk, text};
use iolab::exercise::State;
use iolab::progress::Event;
use iolab::screen::{Effect, Input, Key, Palette, Theme};
use ratatui::layout::Size;
use ratatui::style::Color;

/// The sizes of the design.
const SIZES: [(u16, u16); 4] = [(40, 12), (80, 24), (120, 36), (200, 60)];

/// Every state that is not a lesson's own.
fn states() -> Vec<Desk> {
    let pressed = |mut desk: Desk, keys: &[Key]| {
        desk.press(keys);
        desk
    };
    let mut examining = Desk::begun();
    examining.machine = None;
    let mut searched = pressed(Desk::begun(), &[Key::Char('/')]);
    searched.type_text("ring");
    let mut read = pressed(Desk::begun(), &[Key::Char('/')]);
    read.type_text("SQE");
    read.press(&[Key::Enter]);
    let mut in_lesson = pressed(Desk::begun(), &[Key::Enter, Key::Char('/')]);
    in_lesson.type_text("freeze");
    let mut nothing = pressed(Desk::begun(), &[Key::Char('/')]);
    nothing.type_text("no such thing");
    vec![
        Desk::new(),
        Desk::begun(),
        examining,
        searched,
        read,
        in_lesson,
        nothing,
        pressed(Desk::begun(), &[Key::Char('/')]),
        pressed(Desk::begun(), &[Key::Char('?')]),
        pressed(Desk::begun(), &[Key::Char('g')]),
        pressed(Desk::begun(), &[Key::Enter, Key::Char('g'), Key::PageDown]),
        Desk::worked(),
        pressed(Desk::worked(), &[Key::Enter]),
        pressed(
            Desk::worked(),
            &[Key::Up, Key::BackTab, Key::Down, Key::Down, Key::Down, Key::Down, Key::Enter],
        ),
    ]
}

#[test]
fn any_size_in_any_state_is_drawn_within_its_area() {
    for mut desk in states() {
        for width in [1, 2, 5, 20, 33, 39, 40, 59, 60, 79, 80, 99, 100, 120, 200, 500] {
            for height in [1, 2, 3, 6, 7, 12, 17, 24, 36, 200] {
                desk.size = Size::new(width, height);
                let drawn = desk.frame(Theme::DEFAULT);
                let area = drawn.buffer.area;
                assert_eq!(area.as_size(), desk.size);
                assert!(drawn.cursor.is_none_or(|at| area.contains(at)));
                assert!(drawn.zones.iter().all(|zone| zone.area.intersection(area) == zone.area));
            }
        }
    }
}

#[test]
fn every_theme_is_kept_to() {
    let [mono, ascii] =
        [(Palette::Mono, false), (Palette::Ansi, true)].map(|(palette, ascii)| Theme { palette, ascii });
    for desk in states() {
        let cells = desk.frame(Theme::DEFAULT).buffer.content;
        assert!(cells.iter().all(|cell| cell.bg == Color::Reset), "a background was set");
        let cells = desk.frame(mono).buffer.content;
        assert!(cells.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
        let drawn = text(&desk.frame(ascii));
        assert!(drawn.is_ascii(), "{drawn}");
    }
}

#[test]
fn keys_never_panic_at_any_size() {
    let keys = [Key::Down, Key::Up, Key::PageDown, Key::PageUp, Key::Tab, Key::Char('j'), Key::Enter];
    for (width, height) in [(1, 1), (20, 6), (40, 12), (80, 24)] {
        for mut desk in states() {
            desk.size = Size::new(width, height);
            for key in keys {
                (0..40).for_each(|_| {
                    desk.press(&[key]);
                });
                desk.input(Input::Wheel(3));
                desk.frame(Theme::DEFAULT);
            }
        }
    }
}

#[test]
fn who_has_begun_nothing_is_led_to_the_first_lesson() {
    let mut desk = Desk::new();
    assert!(!desk.screen().contains("continue"), "{}", desk.screen());
    desk.press(&[Key::Enter]);
    assert_eq!(desk.at(), Some((0, 1)));
}

#[test]
fn enter_goes_on_where_the_learner_left() {
    let mut desk = Desk::begun();
    assert!(desk.screen().contains("▸ continue: lesson 3, step 6: Idea 6 of rings"), "{}", desk.screen());
    desk.press(&[Key::Enter]);
    assert_eq!(desk.at(), Some((3, 6)));
    desk.press(&[Key::Right]);
    assert_eq!(desk.press(&[Key::Char('H')]), Effect::Home);
    assert!(desk.screen().contains("▸ continue: lesson 3, step 7"), "{}", desk.screen());
}

#[test]
fn after_the_end_of_a_lesson_the_next_that_is_not_done_follows() {
    let mut desk = Desk::begun();
    desk.saw("select-poll", 10..=10);
    assert!(desk.screen().contains("continue: lesson 2, step 1"), "{}", desk.screen());
    for lesson in ["epoll", "rings", "sqpoll"] {
        desk.take(lesson, Event::Completed);
    }
    desk.saw("sqpoll", 9..=9);
    assert!(!desk.screen().contains("continue"), "all is done: {}", desk.screen());
}

#[test]
fn home_says_how_far_and_how_well() {
    let screen = Desk::begun().sized(120, 36).screen();
    let row = |title: &str| screen.lines().find(|line| line.contains(title)).unwrap().to_owned();
    let first = row("Blocking and threads");
    assert!(first.contains("done") && first.contains("3 of 4, 2 close"), "{first}");
    let rings = row("3 io_uring rings");
    assert!(rings.contains("6 of 16") && rings.contains("0 of 3"), "{rings}");
    assert!(screen.contains("2 of 5 lessons done"), "{screen}");
    assert!(screen.contains("this machine: lessons 0 to 4: live"), "{screen}");
}

#[test]
fn the_mark_moves_from_row_to_row_and_a_click_opens() {
    let mut desk = Desk::begun();
    desk.press(&[Key::Down, Key::Down, Key::Down]);
    desk.press(&[Key::Enter]);
    assert_eq!(desk.at(), Some((2, 1)));
    let mut desk = Desk::begun();
    let frame = desk.frame(Theme::DEFAULT);
    let row = (0..24).find(|y| {
        let line: String = (0..80).map(|x| frame.buffer[(x, *y)].symbol()).collect();
        line.contains("SQPOLL")
    });
    let at = ratatui::layout::Position { x: 10, y: row.unwrap() };
    let zone = frame.zones.iter().find(|zone| zone.area.contains(at)).unwrap();
    let iolab::screen::Click::Choose(row) = zone.does else { panic!("{zone:?}") };
    desk.input(Input::Choose(row));
    assert_eq!(desk.at(), Some((4, 1)));
}

#[test]
fn a_lesson_that_is_begun_anew_asks_its_predictions_again() {
    let mut desk = Desk::begun();
    desk.press(&[Key::Down, Key::Char('s')]);
    assert_eq!(desk.at(), Some((0, 1)));
    assert!(desk.app.lesson().unwrap().view.answers.is_empty());
    assert_eq!(desk.progress.lesson("blocking").score(&desk.course.lessons[0]).made, 0);
    assert!(desk.progress.lesson("blocking").completed, "what was read stays read");
    let mut desk = Desk::begun();
    desk.press(&[Key::Down, Key::Down, Key::Down, Key::Char('s')]);
    assert_eq!(desk.at(), None);
    assert!(desk.screen().contains("it was not begun yet"), "{}", desk.screen());
}

#[test]
fn answers_and_measurements_come_back_with_the_lesson() {
    let mut desk = Desk::begun().sized(120, 36);
    desk.press(&[Key::Down, Key::Enter]);
    let view = &desk.app.lesson().unwrap().view;
    assert_eq!((view.answers["p9"].as_str(), view.measured["p9"]), ("2", 2.0));
    desk.press(&[Key::Home]);
    (1..9).for_each(|_| {
        desk.press(&[Key::Right]);
    });
    assert!(desk.screen().contains("You said 2, the kernel says 2: close."), "{}", desk.screen());
}

#[test]
fn what_is_found_is_gone_to() {
    let mut desk = Desk::begun();
    desk.press(&[Key::Enter, Key::Char('/')]);
    desk.type_text("Idea 7 of ep");
    assert!(desk.screen().contains("▸ step     Idea 7 of epoll"), "{}", desk.screen());
    desk.press(&[Key::Enter]);
    assert_eq!(desk.at(), Some((2, 7)));
    // Within the lesson the run stays: the step is gone to, the lesson is not opened again.
    desk.press(&[Key::Char('/')]);
    desk.type_text("idea 9 of epoll");
    assert_eq!(desk.press(&[Key::Enter]), Effect::None);
    assert_eq!(desk.at(), Some((2, 9)));
}

#[test]
fn a_term_is_read_first_and_then_gone_to() {
    let mut desk = Desk::begun();
    desk.press(&[Key::Char('/')]);
    desk.type_text("sqe");
    desk.press(&[Key::Enter]);
    let screen = desk.screen();
    assert_eq!(desk.at(), None, "{screen}");
    assert!(
        screen.contains("One operation for the kernel") && screen.contains("lesson 3, step 5"),
        "{screen}"
    );
    desk.press(&[Key::Esc]);
    assert!(desk.screen().contains("/ sqe_"), "back in the list: {}", desk.screen());
    desk.press(&[Key::Enter, Key::Enter]);
    assert_eq!(desk.at(), Some((3, 5)));
}

#[test]
fn search_finds_keys_numbers_servers_and_insights() {
    for (query, kind, says) in [
        ("freeze", "key", "freeze this instant"),
        ("syscalls_per", "number", "per echo"),
        ("uring-multi", "server", "iolab serve uring-multishot"),
        ("eagain-st", "insight", "mend it"),
    ] {
        let mut desk = Desk::new();
        desk.press(&[Key::Char('/')]);
        desk.type_text(query);
        assert!(desk.screen().contains(&format!("▸ {kind}")), "{query}: {}", desk.screen());
        desk.press(&[Key::Enter]);
        assert!(desk.screen().contains(says), "{query}: {}", desk.screen());
        desk.press(&[Key::Enter]);
        assert!(desk.screen().contains(query), "Enter closes what only has something to say");
    }
}

#[test]
fn letters_are_letters_while_searching_and_esc_is_the_way_out() {
    let mut desk = Desk::begun();
    desk.press(&[Key::Char('/')]);
    desk.type_text("q?g/");
    assert!(desk.screen().contains("/ q?g/_"), "{}", desk.screen());
    desk.press(&[Key::Backspace, Key::Backspace]);
    assert!(desk.screen().contains("/ q?_"), "{}", desk.screen());
    desk.press(&[Key::Esc]);
    assert!(desk.screen().contains("▸ continue"), "{}", desk.screen());
    desk.press(&[Key::Char('/')]);
    assert_eq!(desk.press(&[Key::Ctrl('c')]), Effect::Quit);
}

#[test]
fn an_answer_may_have_a_slash_in_it() {
    let mut desk = Desk::begun();
    desk.press(&[Key::Down, Key::Down, Key::Down, Key::Down, Key::Enter, Key::End]);
    desk.type_text("1/16");
    assert_eq!(desk.press(&[Key::Enter]), Effect::None);
    assert_eq!(desk.progress.lesson("rings").answers["p16"], "1/16", "it is in the journal at once");
}

#[test]
fn the_glossary_tells_what_this_lesson_has_explained_first() {
    let mut desk = Desk::begun();
    desk.press(&[Key::Enter, Key::Char('g')]);
    let screen = desk.screen();
    let at = |word: &str| screen.find(word).unwrap_or_else(|| panic!("{word}: {screen}"));
    let order =
        ["explained so far in lesson 3", "interest list", "ring  ", "SQE", "the others", "context switch"];
    assert!(order.map(at).is_sorted(), "{screen}");
    assert!(screen.contains("lesson 0, step 3"), "{screen}");
    assert!(screen.contains("What an epoll instance watches.  lesson 3, step 2"), "its own step: {screen}");
    desk.press(&[Key::Char('g')]);
    assert!(!desk.screen().contains("glossary ─"), "{}", desk.screen());
}

#[test]
fn the_glossary_ends_where_it_ends() {
    let mut desk = Desk::begun().sized(40, 12);
    desk.press(&[Key::Char('g')]);
    (0..200).for_each(|_| {
        desk.press(&[Key::Down]);
    });
    let end = desk.screen();
    assert!(!end.contains("more"), "{end}");
    desk.press(&[Key::PageUp]);
    assert_ne!(desk.screen(), end);
}

#[test]
fn one_window_lies_over_the_screen_at_a_time() {
    let mut desk = Desk::begun();
    desk.press(&[Key::Enter, Key::Char('?'), Key::Char('g')]);
    assert!(desk.screen().contains("─ glossary ─") && !desk.screen().contains("─ keys ─"));
    desk.press(&[Key::Char('/')]);
    assert!(desk.screen().contains("─ search ─") && !desk.screen().contains("─ glossary ─"));
    desk.press(&[Key::Esc]);
    assert!(!desk.screen().contains("─ keys ─"), "{}", desk.screen());
    desk.press(&[Key::Char('g'), Key::Char('?')]);
    assert!(desk.screen().contains("─ keys ─"), "{}", desk.screen());
}

#[test]
fn the_screens_at_the_sizes_of_the_design() {
    for (width, height) in SIZES {
        let size = format!("{width}x{height}");
        insta::assert_snapshot!(format!("home_{size}"), Desk::begun().sized(width, height).screen());
    }
    for (width, height) in SIZES {
        let size = format!("{width}x{height}");
        insta::assert_snapshot!(format!("home_worked_{size}"), Desk::worked().sized(width, height).screen());
    }
    for (width, height) in [(80, 24), (120, 36)] {
        let size = format!("{width}x{height}");
        let mut desk = Desk::worked().sized(width, height);
        desk.press(&[Key::Enter]);
        insta::assert_snapshot!(format!("home_exercise_{size}"), desk.screen());
    }
    for (width, height) in [(40, 12), (80, 24)] {
        let size = format!("{width}x{height}");
        let mut desk = Desk::begun().sized(width, height);
        insta::assert_snapshot!(format!("home_new_{size}"), Desk::new().sized(width, height).screen());
        desk.press(&[Key::Enter, Key::Char('g')]);
        insta::assert_snapshot!(format!("glossary_{size}"), desk.screen());
        desk.press(&[Key::Char('/')]);
        desk.type_text("ring");
        insta::assert_snapshot!(format!("search_{size}"), desk.screen());
    }
}

#[test]
fn an_exercise_that_was_worked_at_last_is_gone_on_with() {
    let mut desk = Desk::worked();
    assert!(
        desk.screen().contains("▸ continue: exercise 6, Drain the edge: 7 of 10 points"),
        "{}",
        desk.screen()
    );
    desk.press(&[Key::Enter]);
    assert!(desk.screen().contains("iolab exercise watch drain-the-edge"), "{}", desk.screen());
    desk.press(&[Key::Esc]);
    desk.checked("drain-the-edge", &[State::Pass; 3]);
    assert!(desk.screen().contains("▸ continue: lesson 3, step 6"), "passed: {}", desk.screen());
    desk.hint("ghost-event", 1);
    desk.saw("rings", 7..=7);
    assert!(desk.screen().contains("▸ continue: lesson 3, step 7"), "a lesson since: {}", desk.screen());
}

#[test]
fn exercises_are_rows_with_their_state_as_glyph_and_word() {
    let screen = Desk::worked().sized(120, 36).screen();
    let row = |name: &str| screen.lines().find(|line| line.contains(name)).unwrap().to_owned();
    for (name, says) in [
        ("switch-or-not", "✓ passed"),
        ("drain-the-edge", "◐ 7 of 10 points"),
        ("ghost-event", "○ opened"),
        ("raw-nops", "· not begun"),
    ] {
        assert!(row(name).contains(says), "{screen}");
    }
    assert!(row("drain-the-edge").contains("2 hints taken") && row("drain-the-edge").contains("12 min"));
    assert!(screen.contains("exercises: 2 of 12 passed"), "{screen}");
}

#[test]
fn the_chosen_exercise_is_in_sight_at_any_size_and_its_window_opens_and_closes() {
    for (width, height) in [(20, 6), (40, 12), (80, 24), (120, 36), (200, 60)] {
        let mut desk = Desk::worked().sized(width, height);
        desk.progress = Desk::new().progress;
        for nth in 0..17 {
            let glyph = if nth < 5 { format!("▸  {nth} ") } else { format!("▸ {:>2} ", nth - 4) };
            assert!(desk.screen().contains(&glyph), "{width}x{height}, {nth}: {}", desk.screen());
            desk.press(&[Key::Down]);
        }
        desk.press(&[Key::Enter]);
        assert!(desk.screen().contains("exercise"), "{}", desk.screen());
        desk.press(&[Key::Esc]);
        assert!(desk.screen().contains("▸ 12 "), "closed again: {}", desk.screen());
    }
}

#[test]
fn the_window_of_an_exercise_says_what_is_judged_and_the_command() {
    let mut desk = Desk::worked().sized(80, 24);
    desk.press(&[Key::Enter]);
    let screen = desk.screen();
    for says in [
        "6 Drain the edge",
        "2, epoll and readiness",
        "needs io_uring",
        "◐ 7 of 10 points, 2 hints taken",
        "✓ pass ",
        "✗ hung ",
        "✗ fail ",
        "who says goodbye is let go",
    ] {
        assert!(screen.contains(says), "{says}: {screen}");
    }
    desk.has_workspace = false;
    assert!(desk.screen().contains("iolab exercise init"), "{}", desk.screen());
    assert_eq!(desk.press(&[Key::Char('/')]), Effect::None);
    assert!(!desk.screen().contains("─ exercise ─"), "one window at a time: {}", desk.screen());
}

#[test]
fn the_last_step_of_a_lesson_leads_to_its_exercises() {
    let mut desk = Desk::worked();
    desk.press(&[Key::Down, Key::Down, Key::Down, Key::Enter]);
    assert_eq!(desk.at(), Some((2, 1)));
    assert!(!desk.screen().contains("exercises of this lesson"), "{}", desk.screen());
    desk.press(&[Key::End]);
    let says = "drain-the-edge (7 of 10), ghost-event (opened)";
    let view = &desk.app.lesson().unwrap().view;
    assert!(view.exercises.as_ref().unwrap().contains(says), "{view:?}");
    (0..40).for_each(|_| {
        desk.press(&[Key::Esc, Key::Down]);
    });
    let screen = desk.screen();
    assert!(screen.contains("drain-the-edge (7 of"), "{screen}");
}

#[test]
fn an_exercise_is_found_by_name_title_and_what_it_teaches() {
    for query in ["drain-the", "Drain the e", "number 6 has"] {
        let mut desk = Desk::begun();
        desk.press(&[Key::Enter, Key::Char('/')]);
        desk.type_text(query);
        assert!(desk.screen().contains("▸ exercise 6 drain-the-edge"), "{query}: {}", desk.screen());
        assert_eq!(desk.press(&[Key::Enter]), Effect::Home, "the lesson is left first");
        assert!(desk.screen().contains("iolab exercise watch drain-the-edge"), "{}", desk.screen());
        desk.press(&[Key::Esc]);
        assert!(desk.screen().contains("▸  6 drain-the-edge"), "{}", desk.screen());
    }
}

//! The pages as a reader has them: in Chromium, from a file, on a telephone and on a desk, by day and by night.

use std::path::{Path, PathBuf};

use iolab::lesson::{Prediction, Within};
use serde_json::Value;

use super::built::book;
use super::checks;
use super::devtools::Browser;

const WIDTHS: [u32; 2] = [390, 1280];
const SCHEMES: [&str; 2] = ["light", "dark"];

/// The pages that pictures are kept of: an introduction, a lesson, a table, long lines.
const PICTURED: [&str; 4] =
    ["introduction.html", "lessons/3-io-uring-rings.html", "choosing.html", "commands.html"];

fn page(path: &str) -> PathBuf {
    book().pages.join(path)
}

/// What is wider than the screen, and figures that nobody sees.
const LAYOUT: &str = "(() => {
  const wrong = [];
  const screen = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > screen) wrong.push('the page is wider than the screen');
  for (const after of document.querySelectorAll('.io-after, .io-listing, .io-words')) after.open = true;
  if (document.documentElement.scrollWidth > screen) wrong.push('the unfolded page is wider than the screen');
  for (const run of document.querySelectorAll('.io-run')) {
    const svg = run.querySelector('svg').getBoundingClientRect();
    if (svg.width < 200 || svg.height < 20) wrong.push(`${run.id} is not seen`);
    const frame = run.querySelector('.io-screen').getBoundingClientRect();
    if (frame.left < 0 || frame.right > screen) wrong.push(`${run.id} leaves the screen`);
    const text = run.querySelector('text').getBoundingClientRect();
    if (text.height < 9) wrong.push(`${run.id}: letters of ${text.height}px`);
  }
  return wrong;
})()";

#[test]
fn browser_every_page_fits_every_screen_and_complains_of_nothing() {
    let mut browser = Browser::start();
    let mut wrong = Vec::new();
    for (width, scheme) in WIDTHS.into_iter().flat_map(|width| SCHEMES.map(|scheme| (width, scheme))) {
        browser.look(width, scheme, "no-preference");
        for path in checks::pages(&book().pages).keys().filter(|path| !path.ends_with("toc.html")) {
            browser.open(&book().pages.join(path));
            let place = format!("{}, {width} px, {scheme}", path.display());
            let found = browser.value(LAYOUT);
            wrong.extend(found.as_array().unwrap().iter().map(|what| format!("{place}: {what}")));
            wrong.extend(browser.complaints().into_iter().map(|what| format!("{place}: {what}")));
            let dark = browser.value("matchMedia('(prefers-color-scheme: dark)').matches && \
                                      getComputedStyle(document.documentElement).getPropertyValue('--io-t').trim()");
            let expected = if scheme == "dark" { Value::from("#6fd3e8") } else { Value::from(false) };
            assert_eq!(dark, expected, "{place}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    keep_pictures(&mut browser);
}

/// Pictures for people to look at, where somebody wants them.
fn keep_pictures(browser: &mut Browser) {
    let Some(folder) = std::env::var_os("IOLAB_BOOK_PICTURES") else { return };
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder).unwrap();
    for (width, scheme) in WIDTHS.into_iter().flat_map(|width| SCHEMES.map(|scheme| (width, scheme))) {
        browser.look(width, scheme, "no-preference");
        for path in PICTURED {
            browser.open(&page(path));
            for (index, place) in ["0", "2400", "5200"].iter().enumerate() {
                browser.value(&format!("scrollTo(0, {place})"));
                let name = format!("{}-{width}-{scheme}-{index}.base64", path.replace(['/', '.'], "-"));
                std::fs::write(folder.join(name), browser.picture()).unwrap();
            }
        }
    }
}

/// The first figure of lesson 3 that has a player.
const FIGURE: &str = "document.querySelector('.io-run')";

/// What the player stands at, and what is drawn: a number and the text of the drawing.
fn stand(browser: &mut Browser) -> (u64, String) {
    let at = browser.value(&format!("Number({FIGURE}.querySelector('[type=range]').value)"));
    let drawn = browser.value(&format!("{FIGURE}.querySelector('g').innerHTML"));
    (at.as_f64().unwrap() as u64, drawn.as_str().unwrap().to_owned())
}

#[test]
fn browser_a_recorded_run_is_walked_through_with_keys() {
    let mut browser = Browser::start();
    browser.look(1280, "light", "no-preference");
    browser.open(&page("lessons/3-io-uring-rings.html"));
    let (last, still) = stand(&mut browser);
    assert!(last >= 3, "{last} instants are no film");
    let figure = checks::pages(&book().pages)[Path::new("lessons/3-io-uring-rings.html")].clone();
    let inside = |html: &str| html.split_once("<g>").unwrap().1.split_once("</g>").unwrap().0.to_owned();
    assert_eq!(still, inside(&figure), "the player's last instant is the still");

    browser.value(&format!("{FIGURE}.querySelector('[type=range]').focus()"));
    browser.press("ArrowLeft");
    let (at, before) = stand(&mut browser);
    assert_eq!(at, last - 1);
    assert_ne!(before, still, "another instant, another picture");
    browser.press("Home");
    assert_eq!(stand(&mut browser).0, 0);
    browser.press("ArrowRight");
    assert_eq!(stand(&mut browser).0, 1);
    browser.press("End");
    assert_eq!(stand(&mut browser), (last, still.clone()));

    // Space plays from the beginning, and stops.
    browser.press(" ");
    assert_eq!(stand(&mut browser).0, 0);
    let plays = format!("{FIGURE}.querySelector('.io-play').getAttribute('aria-label')");
    assert_eq!(browser.value(&plays), "Stop");
    browser.press(" ");
    assert_eq!(browser.value(&plays), "Play");
    let says =
        browser.value(&format!("{FIGURE}.querySelector('[type=range]').getAttribute('aria-valuetext')"));
    assert!(says.as_str().unwrap().contains(" of "), "{says}");
    assert_eq!(
        browser.value("location.pathname.endsWith('3-io-uring-rings.html')"),
        true,
        "arrows turned the page"
    );
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// Where the reader is, after the page had time to turn.
const HERE: &str = "new Promise((soon) => setTimeout(() => soon(location.pathname.split('/').pop()), 300))";

#[test]
fn browser_a_figure_that_was_clicked_has_the_keys_and_the_page_keeps_its_own() {
    let lesson = "3-io-uring-rings.html";
    let mut browser = Browser::start();
    browser.look(1280, "light", "no-preference");
    browser.open(&page(&format!("lessons/{lesson}")));
    let last = stand(&mut browser).0;
    let screen = format!("{FIGURE}.querySelector('.io-screen')");
    let says = browser
        .value(&format!("[{screen}.tabIndex, {screen}.getAttribute('role'), {screen}.ariaLabel.length > 0]"));
    assert_eq!(says, serde_json::json!([0, "group", true]));

    browser.value(&format!("{screen}.scrollIntoView({{block: 'center'}})"));
    let at = browser.value(&format!("(({{x, y}}) => [x + 40, y + 40])({screen}.getBoundingClientRect())"));
    browser.click(at[0].as_f64().unwrap(), at[1].as_f64().unwrap());
    browser.press("ArrowLeft");
    assert_eq!(stand(&mut browser).0, last - 1, "a click gives the figure the keys");
    browser.press("End");
    browser.press(" ");
    assert_eq!(stand(&mut browser).0, 0, "space plays from the beginning");
    browser.press(" ");

    // What is said in words is scrolled; it is no place to walk from, nor to be thrown out of.
    browser.value(&format!(
        "(() => {{ const words = {FIGURE}.querySelector('.io-words'); words.open = true;
         words.querySelector('pre').tabIndex = 0; words.querySelector('pre').focus(); }})()"
    ));
    browser.press("ArrowRight");
    assert_eq!(stand(&mut browser).0, 0);
    assert_eq!(browser.value(HERE), lesson, "the page turned");

    browser.value("document.activeElement.blur()");
    browser.press("ArrowRight");
    assert_ne!(browser.value(HERE), lesson, "outside of figures the page's own keys work");
}

#[test]
fn browser_who_wants_no_motion_gets_none() {
    let mut browser = Browser::start();
    browser.look(1280, "light", "reduce");
    browser.open(&page("lessons/3-io-uring-rings.html"));
    browser.value(&format!("{FIGURE}.querySelector('[type=range]').focus()"));
    browser.press(" ");
    assert_eq!(stand(&mut browser).0, 0, "from the end, the beginning");
    browser.press(" ");
    assert_eq!(stand(&mut browser).0, 1, "one instant at a time");
    let plays = browser.value(&format!("{FIGURE}.querySelector('.io-play').getAttribute('aria-label')"));
    assert_eq!(plays, "Next instant", "nothing plays, and nothing says so");
    browser.look(1280, "light", "no-preference");
    let plays = browser.value(&format!(
        "new Promise((soon) => setTimeout(() => soon({FIGURE}.querySelector('.io-play').getAttribute('aria-label')), 300))"
    ));
    assert_eq!(plays, "Play", "who changes the mind need not load the page again");
}

#[test]
fn browser_a_prediction_is_judged_and_opens_the_run() {
    let mut browser = Browser::start();
    browser.look(390, "dark", "no-preference");
    browser.open(&page("lessons/3-io-uring-rings.html"));
    let section = "document.querySelector('.io-predict')";
    let opened = "document.querySelector('.io-after').open";
    assert_eq!(browser.value(&format!("{section}.querySelector('.io-reveal').hidden")), true);
    assert_eq!(browser.value(opened), false, "the run tells the answer");
    browser.value(&format!("{section}.querySelector('input').focus()"));
    browser.type_text("many");
    browser.press("Enter");
    let verdict = format!("{section}.querySelector('.io-verdict').textContent");
    assert!(browser.value(&verdict).as_str().unwrap().contains("not a number"));
    assert_eq!(browser.value(opened), false);
    browser.value(&format!("{section}.querySelector('input').select()"));
    browser.type_text("0.5");
    browser.press("Enter");
    let says = browser.value(&verdict);
    assert!(says.as_str().unwrap().starts_with("You said 0.5, the kernel says "), "{says}");
    assert_eq!(browser.value(&format!("{section}.querySelector('.io-reveal').open")), true);
    assert_eq!(browser.value(opened), true);
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn browser_who_only_wants_to_be_shown_hears_the_number() {
    let mut browser = Browser::start();
    browser.look(390, "light", "no-preference");
    browser.open(&page("lessons/3-io-uring-rings.html"));
    let section = "document.querySelector('.io-predict')";
    let status = format!("getComputedStyle({section}.querySelector('[role=status]')).display");
    assert_ne!(browser.value(&status), "none", "what is not in the tree is not announced when it changes");
    browser.value(&format!("{section}.querySelector('.io-pass').click()"));
    let says = browser.value(&format!("{section}.querySelector('.io-verdict').textContent"));
    assert!(says.as_str().unwrap().starts_with("The kernel says "), "{says}");
    assert_eq!(browser.value(&format!("{section}.querySelector('.io-reveal').open")), true);
    let asked =
        format!("document.getElementById({section}.querySelector('input').getAttribute('aria-describedby'))");
    assert_eq!(browser.value(&format!("{asked}.className")), "io-ask");
}

#[test]
fn browser_the_words_of_a_verdict_are_those_of_the_terminal() {
    let answers = [
        "",
        "   ",
        "two",
        "nan",
        "inf",
        "infinity",
        "1/0",
        "1/0,0",
        "/",
        "1/2/3",
        "1,000",
        "0,062",
        "1.2.3",
        "1,2,3",
        "2x",
        "6%",
        "between 2 and 3",
        "-1",
        "1e999",
        "1e308/1e-308",
        "≈",
        "é",
        "0.5",
        ".06",
        "2,03",
        ",125",
        "1/16",
        " 2 / 64 ",
        "~2",
        "≈ 0.06",
        "about 3",
        "ca. 2",
        "About ~2 syscalls per echo",
        "6e-2",
        "+2",
        "0",
        "-0",
        "2.",
        "1/16 calls",
        "123456",
        "1234.5",
        "0.0005",
        "99999999999999999999999999",
        "1e300",
        "3 µs",
        "10,5",
        "1,00",
        "12,345",
        "=2",
        "- 2",
        "1_000",
        "0x10",
        "1e",
        "e5",
        ".",
        "+",
        "２",
        "2 3 calls",
        "2 calls 3",
        "9999999999999999999999999999999999999999999",
    ];
    let bounds =
        [(2.0, 0.1, 0.0), (0.0625, 0.1, 0.02), (0.0, 0.0, 20.0), (20000.0, 0.1, 0.0), (0.0311, 0.0, 0.0)];
    let mut browser = Browser::start();
    browser.open(&page("lessons/3-io-uring-rings.html"));
    let mut differing = Vec::new();
    for (measured, relative, absolute) in bounds {
        let within = Within { relative, absolute };
        let asked = Prediction {
            id: "id".into(),
            ask: "How many?".into(),
            server: "uring".into(),
            metric: "syscalls_per_request".into(),
            unit: None,
            because: "so".into(),
            within,
        };
        for answer in answers {
            let terminal = asked.judge(answer, Some(measured)).to_string();
            let answer = serde_json::to_string(answer).unwrap();
            let allowed = within.allowed(measured);
            let in_page = browser.value(&format!("iolab.verdict({answer}, {measured}, {allowed}).says"));
            if in_page != terminal.as_str() {
                differing.push(format!("{answer} against {measured}:\n  {terminal}\n  {in_page}"));
            }
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn browser_without_scripts_there_is_a_still_and_the_answer_folded_away() {
    let mut browser = Browser::start();
    browser.look(390, "light", "no-preference");
    browser.ask("Emulation.setScriptExecutionDisabled", serde_json::json!({ "value": true }));
    browser.open(&page("lessons/3-io-uring-rings.html"));
    browser.ask("Emulation.setScriptExecutionDisabled", serde_json::json!({ "value": false }));
    let seen = browser.value(
        "(() => { const seen = (e) => e.checkVisibility(); return [
           seen(document.querySelector('.io-run svg')), seen(document.querySelector('.io-reveal summary')),
           seen(document.querySelector('.io-predict form')), document.querySelectorAll('.io-player').length ]; })()",
    );
    assert_eq!(seen, serde_json::json!([true, true, false, 0]));
}

#[test]
fn browser_a_telephone_has_its_own_measures() {
    let mut browser = Browser::start();
    let style = |what: &str| format!("getComputedStyle(document.querySelector('.io-screen')).{what}");
    let padding = WIDTHS.map(|width| {
        browser.look(width, "light", "no-preference");
        browser.open(&page("lessons/3-io-uring-rings.html"));
        browser.value(&style("padding")).as_str().unwrap().trim_end_matches("px").parse::<f64>().unwrap()
    });
    assert!(padding[0] < padding[1], "{padding:?}");
    browser.ask("Emulation.setEmulatedMedia", serde_json::json!({ "media": "print" }));
    let player = browser.value("getComputedStyle(document.querySelector('.io-player')).display");
    assert_eq!(player, "none", "paper does not play");
}

#[test]
fn browser_a_dark_page_without_scripts_has_dark_figures() {
    let mut browser = Browser::start();
    browser.look(1280, "dark", "no-preference");
    browser.ask("Emulation.setScriptExecutionDisabled", serde_json::json!({ "value": true }));
    browser.open(&page("lessons/3-io-uring-rings.html"));
    browser.ask("Emulation.setScriptExecutionDisabled", serde_json::json!({ "value": false }));
    let style = |of: &str, what: &str| format!("getComputedStyle(document.querySelector('{of}')).{what}");
    let paper = browser.value(&style(".io-screen", "backgroundColor"));
    assert_eq!(paper, "rgb(20, 23, 28)");
    let link = browser.value(&style(".io-insight a", "color"));
    assert_eq!(link, "rgb(125, 180, 240)");
}

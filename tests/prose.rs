//! Prose as the faces lay it out: wrapped, styled, never wider than the screen, nothing lost.

use iolab::lesson::{self, Block, Source, Step, plain_prose, prose, wrap};

fn prose_of(step: &Step) -> Vec<prose::Block> {
    let prose = |block: &Block| if let Block::Prose(prose) = block { Some(prose.clone()) } else { None };
    step.blocks.iter().filter_map(prose).collect()
}

/// The prose of a lesson with this one step.
fn read(markdown: &str) -> Vec<prose::Block> {
    let front =
        "+++\nnumber = 1\nname = \"demo\"\ntitle = \"Demo\"\nminutes = 20\nservers = []\n+++\n## A\n\n";
    let text: &'static str = Box::leak(format!("{front}{markdown}").into_boxed_str());
    let lesson = Source { folder: "01-demo", text, recordings: &[] }.read().expect("the text is in order");
    prose_of(&lesson.steps[0])
}

#[test]
fn prose_is_wrapped_into_plain_lines() {
    let blocks = read(
        "One **two** `three four`, *five* six\nseven.\n\n1. first item of them\n2. second\n\n> said so\n\n\
         ```c\nint x;\n```\n\n| a | b |\n|---|---|\n| `1` | two |\n\nSee [io_uring(7)](https://x.org/y).\n",
    );
    let expected = "\
One two three four,
five six seven.

1. first item of
   them
2. second

> said so

  int x;

a  b
1  two

See io_uring(7)
<https://x.org/y>.";
    assert_eq!(plain_prose::lines(&blocks, 19).join("\n"), expected);
    // Too narrow for the table: each cell behind its head.
    assert_eq!(plain_prose::lines(&blocks[4..5], 5), ["a: 1", "b:", "two"]);
}

#[test]
fn a_table_without_room_names_its_rows_and_columns() {
    let blocks = read("|  | you get |\n|---|---|\n| epoll | what is *possible* |\n| ring | what is done |\n");
    let expected = ["epoll", "you get: what is", "possible", "", "ring", "you get: what is", "done"];
    assert_eq!(plain_prose::lines(&blocks, 16), expected);
}

#[test]
fn items_of_several_blocks_hang_together() {
    let blocks = read("- one\n\n  two\n\n  - three\n- four\n");
    assert_eq!(plain_prose::lines(&blocks, 40), ["- one", "", "  two", "", "  - three", "- four"]);
}

#[test]
fn styles_survive_the_wrapping() {
    use prose::Style::{Code, Plain, Strong};
    let lines = wrap::lines(&read("an `SQE`s **release store** here\n"), 16);
    let shape: Vec<Vec<(&str, &prose::Style)>> = lines
        .iter()
        .map(|line| line.iter().map(|span| (span.text.as_str(), &span.style)).collect())
        .collect();
    assert_eq!(shape[0], [("an ", &Plain), ("SQE", &Code), ("s ", &Plain), ("release", &Strong)]);
    assert_eq!(shape[1], [("store", &Strong), (" here", &Plain)]);
}

#[test]
fn no_line_is_wider_than_the_screen_and_no_letter_is_lost() {
    let wide = "λόγος 日本語の文章 `fd` e\u{301}e\u{301}e\u{301} supercalifragilistic\n\n- 日本\n  - in\n\n\
                ```text\n日本語 code\n```\n";
    let lessons = lesson::LESSONS.iter().map(|source| source.read().unwrap());
    let texts = lessons.flat_map(|lesson| lesson.steps.iter().map(prose_of).collect::<Vec<_>>());
    for blocks in texts.chain([read(wide)]) {
        let shown =
            |width| wrap::lines(&blocks, width).iter().map(|line| prose::words(line)).collect::<String>();
        let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
        // A table too wide for the screen says its heads again in each row; its letters are not compared.
        let table = blocks.iter().any(|block| matches!(block, prose::Block::Table { .. }));
        for width in (0..=80).chain([120, 200, 500]) {
            // A character of two columns needs them even where there is one.
            let limit = width.max(2);
            for line in wrap::lines(&blocks, width) {
                assert!(wrap::columns(&line) <= limit, "{width}: {line:?}");
            }
            if !table && width > 8 {
                assert_eq!(letters(&shown(width)), letters(&shown(2000)), "at {width}");
            }
        }
    }
}

#[test]
fn a_sentence_is_wrapped_like_prose() {
    assert_eq!(
        plain_prose::sentence("You said 2, the kernel says 2.", 16),
        ["You said 2, the", "kernel says 2."]
    );
    assert_eq!(plain_prose::sentence("", 16), [""]);
}

#[test]
fn an_address_stays_whole_in_a_text_and_is_cut_on_a_screen() {
    let blocks = read("- the kernel's [source](https://kernel.org/a/long/way/to/it.c), the end\n");
    let whole = ["- the kernel's", "  source", "  <https://kernel.org/a/long/way/to/it.c>,", "  the end"];
    assert_eq!(plain_prose::lines(&blocks, 18), whole);
    assert!(wrap::lines(&blocks, 18).iter().all(|line| wrap::columns(line) <= 18));
}

#[test]
fn a_number_is_not_broken_between_its_groups() {
    let blocks = read("It returned 65 536, of 1 000 000 bytes.\n");
    assert_eq!(plain_prose::lines(&blocks, 14).join("\n"), "It returned\n65 536, of\n1 000 000\nbytes.");
}

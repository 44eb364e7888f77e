//! The keys, as one table: the footer, the help, the mouse and the loop all read it.

mod moment;

pub(super) use self::moment::{Wanted, wanted};
pub use self::moment::{in_footer, label, name, rank, why_not, word};
pub use super::context::Context;
use super::key::Key;
use crate::lesson::Show;

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is explained by its row in BINDINGS")]
pub enum Action {
    GoOn,
    NextStep,
    PreviousStep,
    FirstStep,
    LastStep,
    ScrollUp,
    ScrollDown,
    PageUp,
    PageDown,
    RunOrStop,
    Restart,
    Freeze,
    StepBack,
    StepForward,
    LeapBack,
    LeapForward,
    Mark,
    NextMark,
    PreviousMark,
    NextRequest,
    PreviousRequest,
    Closer,
    Wider,
    InTime,
    Measure,
    StopWhen,
    Arm,
    Disarm,
    Pick,
    NoFocus,
    NextNumber,
    PreviousNumber,
    Left,
    Right,
    Up,
    Down,
    Leave,
    Info,
    Help,
    Pane,
    MoreConnections,
    FewerConnections,
    MoreIdle,
    FewerIdle,
    Controls,
    TurnUp,
    TurnDown,
    ControlAbove,
    ControlBelow,
    AsTheLessonHasIt,
    Replay,
    Reveal,
    Store,
    Erase,
    Close,
    SlowMotion,
    SlowForward,
    SlowBack,
    SlowRequest,
    SlowCompletion,
    SlowFree,
    SlowServer,
    SlowNewest,
    SlowLeave,
    Home,
    Open,
    Afresh,
    Search,
    Glossary,
    Suspend,
    Quit,
}

/// A row of the table.
#[derive(Debug)]
pub struct Binding {
    /// The keys, the one to be shown first.
    pub keys: &'static [Key],
    /// What they do.
    pub action: Action,
    /// Where they hold.
    pub contexts: &'static [Context],
    /// A word or two for the footer, and how early it gives way: the lowest stays longest. `None` is only
    /// in the help.
    pub footer: Option<(&'static str, u8)>,
    /// What it does, for the help.
    pub says: &'static str,
}

const EVERYWHERE: &[Context] = &[
    Context::Slow,
    Context::Text,
    Context::Typing,
    Context::Numbers,
    Context::Overlay,
    Context::Controls,
    Context::Triggers,
    Context::Home,
];
/// The same for keys that write no number: an answer may have a slash in it.
const NOT_TYPING: &[Context] =
    &[Context::Text, Context::Numbers, Context::Overlay, Context::Controls, Context::Triggers, Context::Home];
/// For keys that write nothing at all.
const ALWAYS: &[Context] = Context::ALL;

const LESSON: &[Context] = &[Context::Text, Context::Numbers];
/// The same for keys that write no number: they hold while an answer is typed, too.
const LESSON_TYPING: &[Context] = &[Context::Text, Context::Typing, Context::Numbers];
const TEXT: &[Context] = &[Context::Text];
const TEXT_TYPING: &[Context] = &[Context::Text, Context::Typing];
const NUMBERS: &[Context] = &[Context::Numbers];
const TYPING: &[Context] = &[Context::Typing];
const OVERLAY: &[Context] = &[Context::Overlay];
const CONTROLS: &[Context] = &[Context::Controls];
const TRIGGERS: &[Context] = &[Context::Triggers];
const CHOOSING: &[Context] = &[Context::Controls, Context::Triggers];
const NOTING: &[Context] = &[Context::Noting];
const SLOW: &[Context] = &[Context::Slow];
const HOME: &[Context] = &[Context::Home];
const SEARCH: &[Context] = &[Context::Search];

macro_rules! binding {
    ([$($key:expr),+], $action:ident, $contexts:expr, $footer:expr, $says:literal) => {
        Binding { keys: &[$($key),+], action: Action::$action, contexts: $contexts, footer: $footer, says: $says }
    };
}

/// Every key there is, in the order the help shows them.
pub const BINDINGS: &[Binding] = &[
    binding!([Key::Enter], GoOn, TEXT, Some(("next", 1)), "the next thing to do: predict, run, go on"),
    binding!(
        [Key::Right, Key::Char('l'), Key::Char('n')],
        NextStep,
        TEXT_TYPING,
        Some(("step", 2)),
        "next step"
    ),
    binding!([Key::Left, Key::Char('h'), Key::Char('p')], PreviousStep, TEXT_TYPING, None, "previous step"),
    binding!(
        [Key::Down, Key::Char('j')],
        ScrollDown,
        TEXT_TYPING,
        Some(("scroll", 6)),
        "scroll the text down"
    ),
    binding!([Key::Up, Key::Char('k')], ScrollUp, TEXT_TYPING, None, "scroll the text up"),
    binding!([Key::PageDown], PageDown, LESSON_TYPING, None, "a page down, then the next step"),
    binding!([Key::PageUp], PageUp, LESSON_TYPING, None, "a page up, then the previous step"),
    binding!([Key::Home], FirstStep, LESSON_TYPING, None, "first step"),
    binding!([Key::End], LastStep, LESSON_TYPING, None, "last step"),
    binding!([Key::Char(' ')], RunOrStop, LESSON, Some(("run", 1)), "run the lab, or stop it"),
    binding!([Key::Char('r')], Restart, LESSON_TYPING, None, "run the lab again from its beginning"),
    binding!(
        [Key::Char('f')],
        Freeze,
        LESSON_TYPING,
        Some(("freeze", 3)),
        "freeze this instant, and go on from it"
    ),
    binding!(
        [Key::Char(','), Key::Char('[')],
        StepBack,
        LESSON,
        Some(("record", 3)),
        "frozen: one record back"
    ),
    binding!([Key::Char('.'), Key::Char(']')], StepForward, LESSON, None, "frozen: one record forward"),
    binding!([Key::Char('<'), Key::Char('{')], LeapBack, LESSON_TYPING, None, "frozen: half a second back"),
    binding!(
        [Key::Char('>'), Key::Char('}')],
        LeapForward,
        LESSON_TYPING,
        None,
        "frozen: half a second forward"
    ),
    binding!(
        [Key::Char('m')],
        Mark,
        LESSON_TYPING,
        Some(("mark", 4)),
        "set a mark at this instant, with a note of yours"
    ),
    binding!([Key::Char('\'')], NextMark, LESSON_TYPING, None, "frozen: to the next mark"),
    binding!([Key::Char('"')], PreviousMark, LESSON_TYPING, None, "frozen: to the mark before"),
    binding!(
        [Key::Char('u')],
        Closer,
        LESSON_TYPING,
        Some(("zoom", 4)),
        "closer: the lanes in real time, down to 10 ns a cell"
    ),
    binding!([Key::Char('U')], Wider, LESSON_TYPING, None, "wider, up to 100 ms a cell"),
    binding!(
        [Key::Char('o')],
        InTime,
        LESSON_TYPING,
        None,
        "the lanes in real time, or one call after another"
    ),
    binding!(
        [Key::Char('d')],
        Measure,
        LESSON_TYPING,
        Some(("measure", 6)),
        "frozen: measure from here, time and counts, to wherever you go"
    ),
    binding!(
        [Key::Char('e')],
        StopWhen,
        LESSON,
        Some(("stop when", 5)),
        "stop at an event: the first EAGAIN, a slow answer, an error"
    ),
    binding!(
        [Key::Char(';')],
        NextRequest,
        LESSON_TYPING,
        Some(("request", 3)),
        "follow a request of the window; again: the next one"
    ),
    binding!([Key::Char(':')], PreviousRequest, LESSON_TYPING, None, "follow the request before"),
    binding!(
        [Key::Char('x')],
        NoFocus,
        LESSON_TYPING,
        Some(("follow nothing", 4)),
        "follow nothing any more"
    ),
    binding!(
        [Key::Enter],
        Pick,
        NUMBERS,
        Some(("pick", 3)),
        "follow what this part shows: a request, a descriptor, an entry; then left and right choose"
    ),
    binding!(
        [Key::Tab],
        NextNumber,
        LESSON_TYPING,
        Some(("numbers", 5)),
        "go to the numbers, then part by part"
    ),
    binding!([Key::BackTab], PreviousNumber, LESSON_TYPING, None, "the same backwards"),
    binding!([Key::Left, Key::Char('h')], Left, NUMBERS, Some(("move", 2)), "to the server on the left"),
    binding!([Key::Right, Key::Char('l')], Right, NUMBERS, None, "to the server on the right"),
    binding!([Key::Up, Key::Char('k')], Up, NUMBERS, None, "to the number above"),
    binding!([Key::Down, Key::Char('j')], Down, NUMBERS, None, "to the number below"),
    binding!(
        [Key::Char('i'), Key::Char('w')],
        Info,
        LESSON_TYPING,
        Some(("what is this?", 4)),
        "what the number is, who measured it, how to check it"
    ),
    binding!([Key::Esc], Leave, NUMBERS, Some(("text", 2)), "back to the text"),
    binding!(
        [Key::Char('t')],
        Pane,
        LESSON_TYPING,
        Some(("text/lab", 7)),
        "both, only the text, only the lab"
    ),
    binding!(
        [Key::Char('z')],
        SlowMotion,
        LESSON,
        Some(("slow motion", 4)),
        "slow motion: the lab's servers, stopped at each system call"
    ),
    binding!(
        [Key::Char(' '), Key::Enter, Key::Right, Key::Char('n'), Key::Char('l')],
        SlowForward,
        SLOW,
        Some(("next stop", 1)),
        "to the next stop: at the newest one the servers go on"
    ),
    binding!(
        [Key::Left, Key::Char('p'), Key::Char('h')],
        SlowBack,
        SLOW,
        Some(("back", 2)),
        "to the stop before, as it was seen"
    ),
    binding!(
        [Key::Char('r')],
        SlowRequest,
        SLOW,
        Some(("request", 3)),
        "to the end of this request, or of the next"
    ),
    binding!(
        [Key::Char('c')],
        SlowCompletion,
        SLOW,
        Some(("completion", 4)),
        "to the next completion: a CQE, or a call that moved bytes"
    ),
    binding!(
        [Key::Tab],
        SlowServer,
        SLOW,
        Some(("which server", 6)),
        "whom the keys are for: one server, or all"
    ),
    binding!([Key::End], SlowNewest, SLOW, None, "to the newest stop"),
    binding!(
        [Key::Char('f')],
        SlowFree,
        SLOW,
        Some(("free", 7)),
        "let the servers run, untraced; again: stop them"
    ),
    binding!([Key::Esc, Key::Char('z')], SlowLeave, SLOW, Some(("leave", 1)), "back to the step"),
    binding!(
        [Key::Char('+'), Key::Char('=')],
        MoreConnections,
        LESSON,
        Some(("connections", 8)),
        "more connections, while it runs or before"
    ),
    binding!([Key::Char('-')], FewerConnections, LESSON, None, "fewer connections"),
    binding!(
        [Key::Char('a')],
        MoreIdle,
        LESSON,
        Some(("add idle ones", 9)),
        "more idle connections beside them"
    ),
    binding!([Key::Char('A')], FewerIdle, LESSON, None, "fewer idle connections"),
    binding!(
        [Key::Char('c')],
        Controls,
        LESSON_TYPING,
        Some(("controls", 9)),
        "message size, rate, burst, probes, servers"
    ),
    binding!([Key::Char('R')], Replay, LESSON_TYPING, None, "play the recorded run instead of a live one"),
    binding!([Key::Char('v')], Reveal, LESSON, Some(("answers", 1)), "presenting: show this step's answers"),
    binding!(
        [Key::Right, Key::Char('l'), Key::Char('+'), Key::Char('='), Key::Char(' ')],
        TurnUp,
        CONTROLS,
        Some(("change", 1)),
        "one step up, or in and out"
    ),
    binding!(
        [Key::Left, Key::Char('h'), Key::Char('-')],
        TurnDown,
        CONTROLS,
        None,
        "one step down, or in and out"
    ),
    binding!(
        [Key::Down, Key::Char('j'), Key::Tab],
        ControlBelow,
        CHOOSING,
        Some(("choose", 2)),
        "to the row below"
    ),
    binding!([Key::Up, Key::Char('k'), Key::BackTab], ControlAbove, CHOOSING, None, "to the row above"),
    binding!(
        [Key::Backspace, Key::Delete],
        AsTheLessonHasIt,
        CONTROLS,
        Some(("as it was", 3)),
        "everything as the lesson has it"
    ),
    binding!([Key::Esc, Key::Enter, Key::Char('c')], Close, CONTROLS, Some(("close", 1)), "close this"),
    binding!(
        [Key::Enter, Key::Char(' ')],
        Arm,
        TRIGGERS,
        Some(("stop there", 1)),
        "running: freeze when it happens; at rest: go to the next one"
    ),
    binding!([Key::Backspace, Key::Delete], Disarm, TRIGGERS, Some(("at none", 3)), "do not stop any more"),
    binding!([Key::Esc, Key::Char('e')], Close, TRIGGERS, Some(("close", 1)), "close this"),
    binding!([Key::Enter], Store, NOTING, Some(("set the mark", 1)), "set the mark"),
    binding!([Key::Backspace, Key::Delete], Erase, NOTING, None, "take the last character back"),
    binding!([Key::Esc], Leave, NOTING, Some(("no mark", 2)), "set no mark"),
    binding!([Key::Enter], Store, TYPING, Some(("store", 1)), "store the prediction"),
    binding!([Key::Backspace, Key::Delete], Erase, TYPING, None, "take the last character back"),
    binding!([Key::Esc], Leave, TYPING, Some(("without one", 2)), "go on without a prediction"),
    binding!(
        [Key::Esc, Key::Enter, Key::Char('i'), Key::Char(' ')],
        Close,
        OVERLAY,
        Some(("close", 1)),
        "close this"
    ),
    binding!(
        [Key::Down, Key::Char('j'), Key::PageDown],
        ScrollDown,
        OVERLAY,
        Some(("scroll", 2)),
        "scroll down"
    ),
    binding!([Key::Up, Key::Char('k'), Key::PageUp], ScrollUp, OVERLAY, None, "scroll up"),
    binding!(
        [Key::Enter, Key::Right, Key::Char('l')],
        Open,
        HOME,
        Some(("open", 1)),
        "open what is marked, or read about it"
    ),
    binding!([Key::Down, Key::Char('j'), Key::Tab], Down, HOME, Some(("choose", 2)), "to the next"),
    binding!([Key::Up, Key::Char('k'), Key::BackTab], Up, HOME, None, "to the one before"),
    binding!(
        [Key::Char('s')],
        Afresh,
        HOME,
        Some(("start again", 5)),
        "open the lesson at its first step; its predictions are asked again"
    ),
    binding!([Key::Enter], Open, SEARCH, Some(("open", 1)), "go there, or read what it says"),
    binding!([Key::Down, Key::Tab], Down, SEARCH, Some(("choose", 2)), "to the next"),
    binding!([Key::Up, Key::BackTab], Up, SEARCH, None, "to the one before"),
    binding!([Key::PageDown], PageDown, SEARCH, None, "a page down"),
    binding!([Key::PageUp], PageUp, SEARCH, None, "a page up"),
    binding!([Key::Backspace, Key::Delete], Erase, SEARCH, None, "take the last character back"),
    binding!([Key::Esc], Close, SEARCH, Some(("close", 1)), "close this"),
    binding!(
        [Key::Char('/')],
        Search,
        NOT_TYPING,
        Some(("search", 8)),
        "find a step, an exercise, a term, a key, a number, a server"
    ),
    binding!([Key::Char('g')], Glossary, EVERYWHERE, Some(("glossary", 9)), "the terms and what they mean"),
    binding!([Key::Char('H'), Key::Backspace], Home, LESSON, Some(("home", 10)), "to all lessons"),
    binding!([Key::Char('?')], Help, EVERYWHERE, Some(("keys", 1)), "all keys of the moment"),
    binding!([Key::Ctrl('z')], Suspend, ALWAYS, None, "to the shell; fg comes back"),
    binding!([Key::Char('q')], Quit, EVERYWHERE, Some(("quit", 0)), "quit"),
    binding!([Key::Ctrl('c')], Quit, ALWAYS, None, "quit"),
];

/// Whether numbers are written with this character: while an answer is typed it belongs to the answer.
pub fn writes_numbers(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '.' | ',' | '/' | '~' | '-' | '+' | 'e' | 'E' | ' ' | '%')
}

/// The row that a key means here.
pub fn binding(context: Context, key: Key) -> Option<&'static Binding> {
    here(context).find(|binding| binding.keys.contains(&key))
}

/// The key of an action, the one to be shown first.
pub fn of(action: Action) -> Key {
    BINDINGS.iter().find(|binding| binding.action == action).map_or(Key::Char('?'), |binding| binding.keys[0])
}

/// The rows that hold here.
pub fn here(context: Context) -> impl Iterator<Item = &'static Binding> {
    BINDINGS.iter().filter(move |binding| binding.contexts.contains(&context))
}

/// The parts of a lab that the focus visits after its numbers, in the order they are shown.
pub(super) fn parts(show: &[Show]) -> impl Iterator<Item = Show> + '_ {
    show.iter().copied().filter(|part| !matches!(part, Show::Metrics | Show::Insights))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_key_means_one_thing_in_each_context() {
        for context in Context::ALL.iter().copied() {
            let mut seen = BTreeSet::new();
            for binding in here(context) {
                for key in binding.keys {
                    assert!(seen.insert(*key), "{} is bound twice in {context:?}", key.name());
                }
            }
            assert!(seen.contains(&Key::Ctrl('c')), "{context:?} cannot be quit");
        }
    }

    #[test]
    fn typing_takes_no_character_of_a_number_for_a_command() {
        for binding in here(Context::Typing) {
            let taken = binding.keys.iter().any(|key| matches!(key, Key::Char(c) if writes_numbers(*c)));
            assert!(!taken, "{binding:?}");
        }
    }

    #[test]
    fn every_row_says_what_it_does() {
        assert!(BINDINGS.iter().all(|binding| !binding.says.is_empty() && !binding.contexts.is_empty()));
    }
}

//! Taking a terminal and giving it back as it was, however the program ends.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::{Hide, Show};
use crossterm::queue;
use crossterm::style::{Attribute, SetAttribute};
use crossterm::terminal::{self, EnterAlternateScreen, LeaveAlternateScreen};

/// Presses and the wheel, as SGR reports. Not crossterm's own command: that one also reports every motion,
/// and each would wake a screen that is at rest.
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1000l";

/// Whether the terminal is ours at the moment. The panic hook asks, on whatever thread.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Whether a thread has panicked since it was taken.
static PANICKED: AtomicBool = AtomicBool::new(false);

/// A terminal that is ours; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Terminal(());

impl Terminal {
    /// Takes it: raw mode, alternate screen, mouse, no cursor. From now on a panic in whatever thread gives it
    /// back before its message is printed, and is then told to `on_panic`: nothing may be drawn any more.
    pub(super) fn take(on_panic: impl Fn() + Send + Sync + 'static) -> io::Result<Self> {
        let earlier = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICKED.store(true, Ordering::SeqCst);
            // The message must land on the screen that stays; nothing can be done about an error here.
            let _ = give_back();
            earlier(info);
            on_panic();
        }));
        let terminal = Self(());
        terminal.retake()?;
        Ok(terminal)
    }

    /// Whether some thread has panicked, so that its message stands on the terminal.
    pub(super) fn saw_panic(&self) -> bool {
        PANICKED.load(Ordering::SeqCst)
    }

    /// Takes it again after it was given back, or after somebody else changed its modes.
    pub(super) fn retake(&self) -> io::Result<()> {
        TAKEN.store(true, Ordering::SeqCst);
        // crossterm keeps the modes it found and does nothing when it believes to be in raw mode; a shell
        // that ran in between may have changed them.
        terminal::disable_raw_mode()?;
        terminal::enable_raw_mode()?;
        let mut out = Vec::new();
        queue!(out, EnterAlternateScreen, Hide)?;
        out.extend_from_slice(MOUSE_ON);
        write(&out)
    }

    /// Gives it back for a while.
    pub(super) fn lend(&self) -> io::Result<()> {
        give_back()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A terminal that is gone cannot be restored and needs no restoring.
        let _ = give_back();
    }
}

fn give_back() -> io::Result<()> {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return Ok(());
    }
    let mut out = MOUSE_OFF.to_vec();
    queue!(out, SetAttribute(Attribute::Reset), Show, LeaveAlternateScreen)?;
    let written = write(&out);
    terminal::disable_raw_mode()?;
    written
}

fn write(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

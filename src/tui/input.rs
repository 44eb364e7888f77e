//! Keys, clicks and sizes: a thread that sleeps in the kernel until the terminal says something.

use std::sync::mpsc::Sender;
use std::thread;

use crossterm::event::{
    self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind,
};

use super::rehearsal;
use super::run::Message;
use crate::screen::Key;

/// Starts the thread. It ends with the process: a thread that waits for a terminal cannot be woken.
pub(super) fn listen(to: Sender<Message>) -> std::io::Result<()> {
    let listen = move || {
        loop {
            let message = match event::read() {
                Ok(event) => match translate(&event) {
                    Some(message) => message,
                    None => continue,
                },
                Err(error) => Message::TerminalGone(error),
            };
            rehearsal::of_a_panic("keys");
            let last = matches!(message, Message::TerminalGone(_));
            if to.send(message).is_err() || last {
                return;
            }
        }
    };
    thread::Builder::new().name("iolab-keys".into()).spawn(listen).map(|_| ())
}

fn translate(event: &Event) -> Option<Message> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => self::key(key).map(Message::Key),
        Event::Mouse(mouse) => match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => Some(Message::Click(mouse.column, mouse.row)),
            MouseEventKind::ScrollUp => Some(Message::Wheel(-3)),
            MouseEventKind::ScrollDown => Some(Message::Wheel(3)),
            _ => None,
        },
        Event::Resize(..) => Some(Message::Resized),
        _ => None,
    }
}

fn key(event: &KeyEvent) -> Option<Key> {
    let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
    Some(match event.code {
        KeyCode::Char(c) if ctrl => Key::Ctrl(c.to_ascii_lowercase()),
        KeyCode::Char(c) if !event.modifiers.contains(KeyModifiers::ALT) => Key::Char(c),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Tab => Key::Tab,
        KeyCode::BackTab => Key::BackTab,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        _ => return None,
    })
}

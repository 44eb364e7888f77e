//! From a thread that stands still to the line of source that made its call.
//!
//! The stack is unwound by the call frame information that every program brings along for panics and exceptions
//! (`.eh_frame`, gABI and LSB), libraries without symbols included; each return address is then looked up in the line
//! tables (DWARF 5, 6.2) of the file it came from, inlined functions resolved. Nothing is known beforehand of the
//! program, so this works for any that has line tables: `-g`, or `debug = "line-tables-only"`.

mod image;
mod unwind;

use std::collections::HashMap;

use addr2line::Loader;

use self::image::Image;
use self::unwind::Unwinding;
use super::ptrace::registers;
use crate::trace::SourceLine;

/// Frames that are looked at, from the innermost on.
const FRAMES_MAX: usize = 64;

/// Why a line is not known, as a sentence without its full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown(pub String);

/// Which files of a program are looked for: the innermost frame in one of them is the line.
pub type IsWanted = fn(&str) -> bool;

/// The source lines of one process; belongs to the thread that traces it.
pub struct SourceLines {
    images: Vec<Image>,
    /// The line tables of each image, opened when an address in it is first met.
    tables: HashMap<usize, Option<Loader>>,
    unwinding: Unwinding,
    is_wanted: IsWanted,
    /// What addresses came to: a server makes the same few calls again and again.
    known: HashMap<u64, Option<SourceLine>>,
}

impl SourceLines {
    /// Gets ready for process `pid`, whose files are mapped by now; `is_wanted` chooses by a file's path.
    ///
    /// # Errors
    /// A processor whose stacks are not known here, a process that may not be looked into, a program without line
    /// tables.
    pub fn of(pid: u32, is_wanted: IsWanted) -> Result<Self, Unknown> {
        let images = image::images(pid)?;
        let program = images.first().ok_or_else(|| Unknown("the process has no program mapped".into()))?;
        if !program.has_line_tables() {
            return Err(Unknown(
                "the program has no line tables (it was stripped, or built without them)".into(),
            ));
        }
        let unwinding = Unwinding::of(pid, &images)?;
        Ok(Self { images, tables: HashMap::new(), unwinding, is_wanted, known: HashMap::new() })
    }

    /// The line at which thread `tid`, which stands still and is traced by the caller, made its call.
    ///
    /// # Errors
    /// The stack leads through no file that is wanted, or could not be read.
    pub fn at(&mut self, tid: u32) -> Result<SourceLine, Unknown> {
        let registers = registers(tid)
            .map_err(|errno| Unknown(format!("the thread's registers cannot be read: {errno:?}")))?;
        let frames = self.unwinding.frames(registers, FRAMES_MAX);
        let seen = frames.len();
        for address in frames {
            if let Some(line) = self.line(address) {
                return Ok(line);
            }
        }
        Err(Unknown(match seen {
            0 | 1 => "the stack could not be unwound".into(),
            _ => format!("none of the {seen} frames on the stack is in a listing"),
        }))
    }

    fn line(&mut self, address: u64) -> Option<SourceLine> {
        if let Some(known) = self.known.get(&address) {
            return known.clone();
        }
        let line = self.look_up(address);
        self.known.insert(address, line.clone());
        line
    }

    fn look_up(&mut self, address: u64) -> Option<SourceLine> {
        let index = self.images.iter().position(|image| image.range.contains(&address))?;
        let image = &self.images[index];
        let opened = self.tables.entry(index).or_insert_with(|| Loader::new(&image.path).ok());
        let mut frames = opened.as_ref()?.find_frames(address.checked_sub(image.bias)?).ok()?;
        // Innermost first: what was inlined into a function comes before it.
        while let Ok(Some(frame)) = frames.next() {
            let Some(location) = frame.location else { continue };
            let (Some(file), Some(line)) = (location.file, location.line) else { continue };
            if (self.is_wanted)(file) {
                let name = frame.function.and_then(|name| Some(name.demangle().ok()?.into_owned()));
                let function = name.unwrap_or_default();
                return Some(SourceLine { file: file.to_owned(), line, function, says: String::new() });
            }
        }
        None
    }
}

impl std::fmt::Debug for SourceLines {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("SourceLines").field("images", &self.images.len()).finish_non_exhaustive()
    }
}

//! The files that a process has mapped with code in them: where they lie, and which sections they have.

use std::fs::{self, File};
use std::ops::Range;
use std::path::PathBuf;

use object::read::ReadCache;
use object::{Object, ObjectSection, ObjectSegment};

use super::Unknown;
use crate::probe::text::text;

/// A program or library as it is mapped.
#[derive(Debug)]
pub(super) struct Image {
    /// Where its file can be opened; the program itself by /proc/PID/exe, which is right even after an update.
    pub path: PathBuf,
    /// The addresses that its mappings span.
    pub range: Range<u64>,
    /// What is added to an address in the file to get one in memory.
    pub bias: u64,
    /// Its sections for unwinding, by name.
    pub sections: Vec<(&'static str, Section)>,
    has_line_tables: bool,
}

/// A section: its addresses in the file, and its bytes.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub range: Range<u64>,
    pub bytes: Vec<u8>,
}

/// The sections that unwinding needs.
const SECTIONS: [&str; 4] = [".eh_frame", ".eh_frame_hdr", ".got", ".text"];

impl Image {
    /// Whether it has line tables.
    pub(super) fn has_line_tables(&self) -> bool {
        self.has_line_tables
    }

    fn open(path: PathBuf, range: Range<u64>) -> Option<Self> {
        let cache = ReadCache::new(File::open(&path).ok()?);
        let file = object::File::parse(&cache).ok()?;
        let lowest = file.segments().map(|segment| segment.address()).min().unwrap_or(0);
        let page = lowest & !0xfff;
        let section = |name: &'static str| {
            let section = file.section_by_name(name)?;
            let range = section.address()..section.address().checked_add(section.size())?;
            // Of the code only the place is needed.
            let bytes = if name == ".text" { Vec::new() } else { section.data().ok()?.to_vec() };
            Some((name, Section { range, bytes }))
        };
        let sections = SECTIONS.into_iter().filter_map(section).collect();
        let has_line_tables = file.section_by_name(".debug_line").is_some_and(|table| table.size() > 0);
        Some(Self { path, bias: range.start.checked_sub(page)?, range, sections, has_line_tables })
    }
}

/// The images of a process, its program first.
pub(super) fn images(pid: u32) -> Result<Vec<Image>, Unknown> {
    let cannot = |error: std::io::Error| Unknown(format!("/proc/{pid}/maps cannot be read: {error}"));
    let maps = text(format!("/proc/{pid}/maps")).map_err(cannot)?;
    let program = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
    let mut images = Vec::new();
    for (path, range) in files(&maps) {
        let is_program = program.to_str() == Some(path);
        // A container's files are under its own root.
        let open_at = match is_program {
            true => format!("/proc/{pid}/exe"),
            false => format!("/proc/{pid}/root{path}"),
        };
        let Some(image) = Image::open(open_at.into(), range) else { continue };
        if is_program { images.insert(0, image) } else { images.push(image) }
    }
    Ok(images)
}

/// The mapped files that have code, each with the span of its mappings.
fn files(maps: &str) -> Vec<(&str, Range<u64>)> {
    let mut files: Vec<(&str, Range<u64>, bool)> = Vec::new();
    for line in maps.lines() {
        // Address range, rights, offset, device, inode, path.
        let mut words = line.splitn(6, ' ');
        let (Some(range), Some(rights), Some(path)) = (words.next(), words.next(), words.nth(3)) else {
            continue;
        };
        let path = path.trim_start();
        let Some((start, end)) = range.split_once('-') else { continue };
        let address = |hex| u64::from_str_radix(hex, 16).ok();
        let (Some(start), Some(end)) = (address(start), address(end)) else { continue };
        if !path.starts_with('/') {
            continue;
        }
        let has_code = rights.contains('x');
        match files.iter_mut().find(|(known, ..)| *known == path) {
            Some((_, span, code)) => {
                (*span, *code) = (span.start.min(start)..span.end.max(end), *code || has_code);
            }
            None => files.push((path, start..end, has_code)),
        }
    }
    files.into_iter().filter(|(_, _, code)| *code).map(|(path, span, _)| (path, span)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mappings_of_a_file_are_one_image() {
        let maps = "\
            5500-5600 r--p 00000000 08:01 12      /usr/bin/a program\n\
            5600-5700 r-xp 00001000 08:01 12      /usr/bin/a program\n\
            7f00-7f01 r--p 00000000 08:01 13      /etc/data\n\
            7f10-7f20 rw-p 00000000 00:00 0 \n\
            7ffc-7ffe r-xp 00000000 00:00 0       [vdso]\n";
        assert_eq!(files(maps), [("/usr/bin/a program", 0x5500..0x5700)]);
    }

    #[test]
    fn this_program_is_found_and_has_line_tables() {
        let images = images(std::process::id()).unwrap();
        assert!(images[0].has_line_tables(), "{:?}", images[0].path);
        let here = this_program_is_found_and_has_line_tables as *const () as u64;
        assert!(images[0].range.contains(&here));
    }
}

//! A trace as a file: newline-delimited JSON, the header first; compressed when the name ends in `.gz`.
//!
//! A file that was cut off or damaged opens up to the damage, and says so: what was seen before it is true.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::{Entry, Header, Record, RunId, SCHEMA, Trace};

/// The longest line that is believed, in bytes: a foreign file without line breaks must not fill the memory.
const LINE_BYTES_MAX: usize = 16 << 20;

/// How a file that gzip(1) wrote begins.
pub const GZIP: [u8; 2] = [0x1f, 0x8b];

/// How much of a run may be lost by a kill, nanoseconds.
const FLUSH_NS: u64 = 1_000_000_000;

/// Why a file could not be opened as a trace.
#[derive(Debug)]
pub enum Unreadable {
    /// The file itself could not be read.
    File(io::Error),
    /// It is not a trace: what the first line has instead of a header.
    Foreign(String),
    /// It is a trace of a version this program does not know.
    Version(String),
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(error) => write!(out, "{error}"),
            Self::Foreign(why) => write!(out, "line 1 is not the header of a trace ({why})"),
            Self::Version(schema) => {
                write!(out, "line 1 says {schema:?}; this iolab reads {SCHEMA:?}: a later version wrote it")
            }
        }
    }
}

impl std::error::Error for Unreadable {}

/// A trace as far as it could be read.
#[derive(Debug)]
pub struct Opened {
    /// The trace.
    pub trace: Trace,
    /// Where and why reading ended early, if it did: `line 17: unexpected end of file`.
    pub damage: Option<String>,
}

/// Opens the trace at `path`.
pub fn open(path: &Path) -> Result<Opened, Unreadable> {
    read(BufReader::new(File::open(path).map_err(Unreadable::File)?))
}

/// Reads a trace, compressed or not: the first two bytes tell.
pub fn read(input: impl BufRead) -> Result<Opened, Unreadable> {
    let mut entries = Entries::begin(input)?;
    let mut trace = Trace::new(entries.header.clone());
    while let Some(entry) = entries.next() {
        if let Err(why) = trace.push(entry) {
            entries.is_damaged(&why);
        }
    }
    Ok(Opened { trace, damage: entries.damage })
}

/// A trace entry by entry, for whoever does not need it whole: a long one is larger than the memory.
pub struct Entries<'r> {
    input: Box<dyn BufRead + 'r>,
    header: Header,
    line: Vec<u8>,
    number: u64,
    damage: Option<String>,
}

impl<'r> Entries<'r> {
    /// Reads the header.
    pub fn begin(mut input: impl BufRead + 'r) -> Result<Self, Unreadable> {
        let start = input.fill_buf().map_err(Unreadable::File)?;
        let mut input: Box<dyn BufRead + 'r> = match start.starts_with(&GZIP) {
            true => Box::new(BufReader::new(MultiGzDecoder::new(input))),
            false => Box::new(input),
        };
        let mut line = Vec::new();
        next_line(&mut input, &mut line).map_err(Unreadable::File)?;
        let header = header(&line)?;
        Ok(Self { input, header, line, number: 1, damage: None })
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Where and why reading ended early, if it did: `line 17: unexpected end of file`.
    pub fn damage(&self) -> Option<&str> {
        self.damage.as_deref()
    }

    /// The entry that was read last cannot be: nothing is read any more.
    pub fn is_damaged(&mut self, why: &str) {
        self.damage = Some(format!("line {}: {why}", self.number));
    }

    fn read(&mut self) -> Result<Option<Entry>, String> {
        match next_line(&mut self.input, &mut self.line) {
            Ok(false) => Ok(None),
            Ok(true) => serde_json::from_slice(&self.line).map(Some).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl Iterator for Entries<'_> {
    type Item = Entry;

    /// The next entry; `None` at the end, and where the file is damaged.
    fn next(&mut self) -> Option<Entry> {
        if self.damage.is_some() {
            return None;
        }
        self.number += 1;
        self.read().unwrap_or_else(|why| {
            self.is_damaged(&why);
            None
        })
    }
}

/// Reads one line; `false` at the end of the file.
fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let read = input.by_ref().take(LINE_BYTES_MAX as u64 + 1).read_until(b'\n', line)?;
    if read > LINE_BYTES_MAX {
        return Err(io::Error::other("longer than any line of a trace"));
    }
    Ok(read > 0)
}

fn header(line: &[u8]) -> Result<Header, Unreadable> {
    #[derive(serde::Deserialize)]
    struct Schema {
        schema: String,
    }
    let named: Schema =
        serde_json::from_slice(line).map_err(|error| Unreadable::Foreign(error.to_string()))?;
    if named.schema != SCHEMA {
        return Err(if named.schema.starts_with("iolab.trace/") {
            Unreadable::Version(named.schema)
        } else {
            Unreadable::Foreign(format!("its schema is {:?}", named.schema))
        });
    }
    serde_json::from_slice(line).map_err(|error| Unreadable::Foreign(error.to_string()))
}

/// Writes a trace line by line as it comes.
///
/// A kill costs at most the last second of each run: the header, the start and end of every run and the first
/// entry of each of its seconds are handed to the kernel at once, with all that came before them.
pub struct Writer {
    path: PathBuf,
    out: Output,
    /// The second of each run that was last flushed; notes about the whole trace are of no run.
    flushed: BTreeMap<Option<RunId>, u64>,
}

enum Output {
    Plain(BufWriter<File>),
    Compressed(Box<GzEncoder<BufWriter<File>>>),
}

impl Writer {
    /// Creates (or replaces) the file and writes the header.
    pub fn create(path: &Path, header: &Header) -> io::Result<Self> {
        let file = BufWriter::new(File::create(path)?);
        let out = if path.extension().is_some_and(|ending| ending == "gz") {
            Output::Compressed(Box::new(GzEncoder::new(file, Compression::default())))
        } else {
            Output::Plain(file)
        };
        let mut writer = Self { path: path.to_owned(), out, flushed: BTreeMap::new() };
        writer.line(header)?;
        writer.flush()?;
        Ok(writer)
    }

    /// Appends one entry.
    pub fn append(&mut self, entry: &Entry) -> io::Result<()> {
        self.line(entry)?;
        let second = entry.t_ns / FLUSH_NS;
        let is_new = self.flushed.insert(entry.run, second) != Some(second);
        if matches!(entry.record, Record::End { .. }) {
            self.flushed.remove(&entry.run);
            self.flush()
        } else if is_new || matches!(entry.record, Record::Start(_)) {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// Writes what is buffered and ends the file.
    pub fn finish(self) -> io::Result<PathBuf> {
        match self.out {
            Output::Plain(mut file) => file.flush()?,
            Output::Compressed(encoder) => encoder.finish()?.flush()?,
        }
        Ok(self.path)
    }

    /// Hands over what is buffered; what is compressed ends so that it can be read up to here.
    fn flush(&mut self) -> io::Result<()> {
        match &mut self.out {
            Output::Plain(file) => file.flush(),
            Output::Compressed(encoder) => encoder.flush(),
        }
    }

    fn line(&mut self, value: &impl serde::Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(value).map_err(io::Error::other)?;
        line.push(b'\n');
        match &mut self.out {
            Output::Plain(file) => file.write_all(&line),
            Output::Compressed(encoder) => encoder.write_all(&line),
        }
    }
}

/// Appends one entry to a trace that was finished: a line, in a member of its own where the file is compressed.
///
/// # Errors
/// The file cannot be written.
pub fn append(path: &Path, entry: &Entry) -> io::Result<()> {
    let mut file = std::fs::OpenOptions::new().append(true).open(path)?;
    let mut line = serde_json::to_vec(entry).map_err(io::Error::other)?;
    line.push(b'\n');
    if path.extension().is_some_and(|ending| ending == "gz") {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(&line)?;
        line = packed.finish()?;
    }
    // One write: a reader sees all of it or nothing.
    file.write_all(&line)
}

/// Writes a whole trace to a file.
pub fn save(trace: &Trace, path: &Path) -> io::Result<()> {
    let mut writer = Writer::create(path, trace.header())?;
    for entry in trace.entries() {
        writer.append(&entry)?;
    }
    writer.finish().map(|_| ())
}

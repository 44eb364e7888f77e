//! What stands where in the record of a tracepoint: tracefs says it in `events/*/*/format`, and it differs
//! from kernel to kernel.

/// The layout of a tracepoint's record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Format {
    /// The number of the tracepoint, which its records begin with.
    pub id: u64,
    fields: Vec<(String, Field)>,
}

/// Where a number stands in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Bytes from the record's beginning.
    pub offset: usize,
    /// Its length in bytes.
    pub size: usize,
    /// Whether it may be negative.
    pub signed: bool,
}

impl Format {
    /// Reads a text of tracefs; `None` where it has no number. Lines that are no fields are passed over.
    pub fn parse(text: &str) -> Option<Self> {
        let id = text.lines().find_map(|line| line.strip_prefix("ID:")?.trim().parse().ok())?;
        Some(Self { id, fields: text.lines().filter_map(field).collect() })
    }

    /// The field of that name, where it is a number.
    pub fn field(&self, name: &str) -> Option<Field> {
        let (_, field) = self.fields.iter().find(|(known, _)| known == name)?;
        matches!(field.size, 1 | 2 | 4 | 8).then_some(*field)
    }

    /// The fields of type `unsigned long` and its like that stand at `offset` or behind it, one after the other:
    /// the arguments of a system call.
    pub fn words_from(&self, offset: usize) -> usize {
        let at =
            |place: &usize| self.fields.iter().any(|(_, field)| (field.offset, field.size) == (*place, 8));
        (0..).map(|n| offset + n * 8).take_while(at).count()
    }

    /// Where a field that holds several numbers of 8 bytes begins.
    pub fn array(&self, name: &str) -> Option<usize> {
        let (_, field) = self.fields.iter().find(|(known, _)| known == name)?;
        Some(field.offset)
    }
}

impl Field {
    /// The number in a record, with its sign where it has one; `None` where the record ends before it.
    pub fn read(self, record: &[u8]) -> Option<u64> {
        if !(1..=8).contains(&self.size) {
            return None;
        }
        let bytes = record.get(self.offset..self.offset.checked_add(self.size)?)?;
        let unsigned = |bytes: &[u8]| {
            let mut wide = [0; 8];
            // Native order: the kernel runs on this very machine.
            match cfg!(target_endian = "little") {
                true => wide[..bytes.len()].copy_from_slice(bytes),
                false => wide[8 - bytes.len()..].copy_from_slice(bytes),
            }
            u64::from_ne_bytes(wide)
        };
        let value = unsigned(bytes);
        let shift = 64 - 8 * self.size as u32;
        Some(if self.signed { ((value << shift).cast_signed() >> shift).cast_unsigned() } else { value })
    }
}

/// One line, its parts set apart by tabs: `field:unsigned long args[6]; offset:16; size:48; signed:0;`
fn field(line: &str) -> Option<(String, Field)> {
    let mut parts = line.trim().strip_prefix("field:")?.split(';').map(str::trim);
    let declared = parts.next()?;
    // What stands elsewhere in the record (`__data_loc char[] op_str`) is no number.
    if declared.starts_with("__data_loc") || declared.starts_with("__rel_loc") {
        return None;
    }
    let name = declared.rsplit([' ', '*']).next()?.split('[').next()?;
    let (mut offset, mut size, mut signed) = (None, None, false);
    for part in parts {
        match part.split_once(':') {
            Some(("offset", number)) => offset = number.parse().ok(),
            Some(("size", number)) => size = number.parse().ok(),
            Some(("signed", number)) => signed = number == "1",
            _ => {}
        }
    }
    Some((name.to_owned(), Field { offset: offset?, size: size?, signed }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPLETE: &str = "name: io_uring_complete\nID: 2141\nformat:\n\
        \tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\
        \tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n\
        \tfield:void * ctx;\toffset:8;\tsize:8;\tsigned:0;\n\
        \tfield:u64 user_data;\toffset:24;\tsize:8;\tsigned:0;\n\
        \tfield:int res;\toffset:32;\tsize:4;\tsigned:1;\n\
        \tfield:__data_loc char[] op_str;\toffset:36;\tsize:4;\tsigned:0;\n\n\
        print fmt: \"ring %p, field:u64 x; offset:1; size:8;\", REC->ctx\n";

    #[test]
    fn fields_are_found_by_name() {
        let format = Format::parse(COMPLETE).unwrap();
        assert_eq!(format.id, 2141);
        assert_eq!(format.field("ctx"), Some(Field { offset: 8, size: 8, signed: false }));
        assert_eq!(format.field("res"), Some(Field { offset: 32, size: 4, signed: true }));
        assert_eq!(format.field("op_str"), None, "it holds a place, no value");
        assert_eq!(format.field("x"), None, "what is printed is no field");
    }

    #[test]
    fn numbers_are_read_with_their_sign_and_never_beyond_the_end() {
        let mut record = [0; 36];
        record[32..].copy_from_slice(&(-125_i32).to_ne_bytes());
        let res = Field { offset: 32, size: 4, signed: true };
        assert_eq!(res.read(&record).map(u64::cast_signed), Some(-125));
        assert_eq!(res.read(&record[..35]), None);
        assert_eq!(Field { signed: false, ..res }.read(&record), Some(u64::from((-125_i32).cast_unsigned())));
        assert_eq!(Field { offset: usize::MAX, ..res }.read(&record), None);
        let byte = Field { offset: 0, size: 1, signed: true };
        assert_eq!(byte.read(&[0xff]).map(u64::cast_signed), Some(-1));
    }

    #[test]
    fn arguments_are_the_words_in_a_row() {
        let text = "ID: 842\n\tfield:int __syscall_nr;\toffset:8;\tsize:4;\tsigned:1;\n\
            \tfield:unsigned int fd;\toffset:16;\tsize:8;\tsigned:0;\n\
            \tfield:char * buf;\toffset:24;\tsize:8;\tsigned:0;\n\
            \tfield:__data_loc char[] text;\toffset:32;\tsize:4;\tsigned:0;\n";
        let format = Format::parse(text).unwrap();
        assert_eq!((format.words_from(16), format.words_from(40)), (2, 0));
        assert_eq!(format.field("buf"), Some(Field { offset: 24, size: 8, signed: false }));
    }

    #[test]
    fn a_text_of_something_else_is_no_format() {
        for text in ["", "ID: many", "name: x\nformat:\n", "ID:\n"] {
            assert_eq!(Format::parse(text), None, "{text:?}");
        }
        let odd = "ID: 7\n\tfield:int a;\toffset:-1;\tsize:4;\n\tfield:;\n\tfield:int b;\toffset:8;\tsize:3;\tsigned:0;\n";
        let format = Format::parse(odd).unwrap();
        assert_eq!((format.field("a"), format.field("b")), (None, None));
    }
}

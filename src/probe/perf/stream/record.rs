//! The bytes of a buffer of perf_event_open(2), taken apart into records. Nothing in them is believed that was
//! not checked: a length that leads nowhere ends the stretch, what is not known is passed over.

/// `PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_RAW`: what the records are asked to hold, in this order.
pub(super) const SAMPLE_TYPE: u64 = 1 << 1 | 1 << 2 | 1 << 10;

/// `struct perf_event_header`: type, misc, size.
const HEADER_BYTES: usize = 8;

const LOST: u32 = 2;
const SAMPLE: u32 = 9;
const SWITCH: u32 = 14;

/// Bits of `misc` in a record of a switch.
const SWITCH_OUT: u16 = 1 << 13;
const SWITCH_OUT_PREEMPT: u16 = 1 << 14;

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Raw<'b> {
    /// A tracepoint was passed.
    Sample {
        /// CLOCK_MONOTONIC, nanoseconds.
        at_ns: u64,
        /// By whom.
        tid: u32,
        /// The tracepoint's own record.
        data: &'b [u8],
    },
    /// A thread got a processor or left it.
    Switch {
        /// CLOCK_MONOTONIC, nanoseconds.
        at_ns: u64,
        /// Who.
        tid: u32,
        /// How.
        how: Switch,
    },
    /// There was no room for so many records.
    Lost(u64),
}

/// How a thread and a processor come together and part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Switch {
    /// It got the processor.
    In,
    /// It gave it up to wait.
    Out,
    /// It was put aside although it could have gone on.
    PutAside,
}

/// The records of a stretch of a buffer.
pub(super) struct Records<'b> {
    bytes: &'b [u8],
    /// Whether a length led nowhere: what stood behind it is not known.
    damaged: bool,
}

impl<'b> Records<'b> {
    pub(super) fn of(bytes: &'b [u8]) -> Self {
        Self { bytes, damaged: false }
    }

    /// Whether the stretch ended before its end.
    pub(super) fn is_damaged(&self) -> bool {
        self.damaged
    }
}

impl<'b> Iterator for Records<'b> {
    type Item = Raw<'b>;

    fn next(&mut self) -> Option<Raw<'b>> {
        while !self.bytes.is_empty() {
            let size = usize::from(half(self.bytes, 6).unwrap_or(0));
            let Some((record, rest)) = self.bytes.split_at_checked(size).filter(|_| size >= HEADER_BYTES)
            else {
                (self.bytes, self.damaged) = (&[], true);
                return None;
            };
            self.bytes = rest;
            if let Some(raw) = raw(record) {
                return Some(raw);
            }
        }
        None
    }
}

/// What a record says; `None` for kinds that say nothing here, and for those that are shorter than they must be.
fn raw(record: &[u8]) -> Option<Raw<'_>> {
    let (kind, misc) = (word(record, 0)?, half(record, 4)?);
    match kind {
        LOST => Some(Raw::Lost(long(record, 16)?)),
        SAMPLE => {
            let (tid, at_ns) = (word(record, 12)?, long(record, 16)?);
            let size = word(record, 24)? as usize;
            let data = record.get(28..)?.get(..size)?;
            Some(Raw::Sample { at_ns, tid, data })
        }
        SWITCH => {
            let how = match (misc & SWITCH_OUT != 0, misc & SWITCH_OUT_PREEMPT != 0) {
                (false, _) => Switch::In,
                (true, false) => Switch::Out,
                (true, true) => Switch::PutAside,
            };
            Some(Raw::Switch { at_ns: long(record, 16)?, tid: word(record, 12)?, how })
        }
        _ => None,
    }
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().copied().map(u16::from_ne_bytes)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_ne_bytes)
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().copied().map(u64::from_ne_bytes)
}

/// Records made by hand, for the tests of what is read from them.
#[cfg(test)]
pub(super) mod by_hand {
    use super::*;

    pub fn record(kind: u32, misc: u16, body: &[u8]) -> Vec<u8> {
        let size = (HEADER_BYTES + body.len()) as u16;
        [&kind.to_ne_bytes()[..], &misc.to_ne_bytes(), &size.to_ne_bytes(), body].concat()
    }

    pub fn sample(tid: u32, at_ns: u64, data: &[u8]) -> Vec<u8> {
        let padding = vec![0; (4 + data.len()).next_multiple_of(8) - 4 - data.len()];
        let size = (data.len() + padding.len()) as u32;
        let about = [&1_u32.to_ne_bytes()[..], &tid.to_ne_bytes(), &at_ns.to_ne_bytes(), &size.to_ne_bytes()]
            .concat();
        record(SAMPLE, 0, &[&about[..], data, &padding].concat())
    }

    pub fn switch(tid: u32, at_ns: u64, misc: u16) -> Vec<u8> {
        record(SWITCH, misc, &[&1_u32.to_ne_bytes()[..], &tid.to_ne_bytes(), &at_ns.to_ne_bytes()].concat())
    }

    pub fn lost(records: u64) -> Vec<u8> {
        record(LOST, 0, &[7_u64.to_ne_bytes(), records.to_ne_bytes()].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::by_hand::*;
    use super::*;

    #[test]
    fn records_follow_each_other() {
        let bytes = [
            sample(7, 100, b"abc"),
            switch(7, 200, SWITCH_OUT),
            switch(8, 300, SWITCH_OUT | SWITCH_OUT_PREEMPT),
            switch(7, 400, 0),
            record(77, 0, b"a later kind"),
            lost(5),
        ]
        .concat();
        let mut records = Records::of(&bytes);
        let seen: Vec<_> = records.by_ref().collect();
        assert_eq!(
            seen,
            [
                Raw::Sample { at_ns: 100, tid: 7, data: b"abc\0" },
                Raw::Switch { at_ns: 200, tid: 7, how: Switch::Out },
                Raw::Switch { at_ns: 300, tid: 8, how: Switch::PutAside },
                Raw::Switch { at_ns: 400, tid: 7, how: Switch::In },
                Raw::Lost(5),
            ]
        );
        assert!(!records.is_damaged());
    }

    #[test]
    fn a_length_that_leads_nowhere_ends_the_stretch() {
        for size in [0_u16, 1, 7, 25, 5_000, u16::MAX] {
            let mut bytes = [switch(7, 200, 0), switch(8, 300, 0)].concat();
            bytes[24 + 6..24 + 8].copy_from_slice(&size.to_ne_bytes());
            let mut records = Records::of(&bytes);
            assert_eq!(records.next(), Some(Raw::Switch { at_ns: 200, tid: 7, how: Switch::In }));
            assert_eq!(records.by_ref().count(), 0, "{size}");
            assert!(records.is_damaged(), "{size}");
        }
    }

    #[test]
    fn a_record_that_promises_more_than_it_holds_is_passed_over() {
        let mut longer = sample(7, 100, &[1; 28]);
        longer[24..28].copy_from_slice(&u32::MAX.to_ne_bytes());
        let short = record(SAMPLE, 0, &[0; 8]);
        let bytes = [longer, short, record(SWITCH, 0, &[]), record(LOST, 0, &[1]), switch(9, 1, 0)].concat();
        let mut records = Records::of(&bytes);
        assert_eq!(records.by_ref().collect::<Vec<_>>(), [Raw::Switch { at_ns: 1, tid: 9, how: Switch::In }]);
        assert!(!records.is_damaged());
    }

    #[test]
    fn no_bytes_are_too_strange() {
        // All kinds of records cut at every place, and every byte of them set to its extremes.
        let whole = [sample(7, 100, &[9; 30]), switch(7, 200, 0), lost(5)].concat();
        for cut in 0..whole.len() {
            assert!(Records::of(&whole[..cut]).count() <= 3);
        }
        for at in 0..whole.len() {
            for byte in [0, 1, 0x7f, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] = byte;
                assert!(Records::of(&bytes).count() <= whole.len() / HEADER_BYTES);
            }
        }
    }
}

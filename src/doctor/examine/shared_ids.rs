//! Ids of tracepoints that root has shared with every user, for the tracepoints that the doctor tries.
//!
//! The file, and whom it is believed, are the probe's business: [`crate::probe::tracepoint_ids`].

use crate::probe::tracepoint_ids;

/// The id of `syscalls:sys_enter_NAME`, if root has shared it since this start of the machine. A file that
/// is not to be trusted counts as none.
pub fn syscall(name: &str) -> Option<u64> {
    tracepoint_ids::load().ok().flatten()?.ids.get(name).copied()
}

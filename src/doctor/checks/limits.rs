//! Limits of the process: locked memory and descriptors.

use super::started_with;
use crate::doctor::check::Check;
use crate::doctor::version::Version;
use crate::trace::{Capabilities, Layer};

/// The kernel that charges rings to the memory cgroup and no longer to RLIMIT_MEMLOCK.
const RINGS_NOT_CHARGED: Version = Version(5, 12);
/// What the io_uring servers of one lesson lock on a kernel that charges rings: about 28 KiB for a ring
/// of 256 entries, with room for several.
const RINGS_BYTES: u64 = 256 << 10;
/// What a perf ring buffer of one page and one registered buffer take.
const BUFFERS_BYTES: u64 = 64 << 10;

/// RLIMIT_MEMLOCK against what rings and registered buffers take.
pub fn memlock(capabilities: &Capabilities) -> Check {
    let why = "registered buffers count against it, and rings too until Linux 5.12: beyond it, ENOMEM";
    let Some(limit_bytes) = capabilities.memlock_bytes else {
        return Check::ok("memlock", "no limit on locked memory", why);
    };
    let version = Version::of(&capabilities.machine.kernel);
    let needed_bytes = if version < RINGS_NOT_CHARGED { RINGS_BYTES } else { BUFFERS_BYTES };
    let check = Check::ok("memlock", format!("{} KiB of locked memory", limit_bytes >> 10), why);
    // Root is exempt by CAP_IPC_LOCK; a container's root may lack it, so the limit is judged all the same.
    if limit_bytes >= needed_bytes {
        return check;
    }
    let try_this = started_with(capabilities, "--ulimit memlock=8388608:8388608").unwrap_or_else(|| {
        "`sudo prlimit --pid $$ --memlock=8388608:8388608`, or a line `* - memlock 8192` in \
         /etc/security/limits.conf and a new login"
            .to_owned()
    });
    check.limited(Layer::Memlock, try_this)
}

/// Descriptors that a server needs besides its connections: listener, epoll set or ring, standard streams.
const OTHER_DESCRIPTORS: u64 = 16;
/// Connections of the largest step of the course: lesson 1, with idle connections.
const MOST_CONNECTIONS: u64 = 10_000;
/// Connections of an ordinary step.
const USUAL_CONNECTIONS: u64 = 64;

/// RLIMIT_NOFILE against the connections of the lessons; iolab raises the soft limit to the hard one.
pub fn nofile(capabilities: &Capabilities) -> Check {
    let (soft, hard) = capabilities.nofile;
    let connections = hard.saturating_sub(OTHER_DESCRIPTORS);
    let says = if hard >= u64::from(u32::MAX) {
        format!("{soft} descriptors, may be raised without limit")
    } else {
        format!("{soft} descriptors, may be raised to {hard}: up to {connections} connections")
    };
    let why = "a connection is one descriptor in the server and one in the client; at the end, EMFILE";
    let check = Check::ok("nofile", says, why);
    if connections >= MOST_CONNECTIONS {
        return check;
    }
    let try_this = started_with(capabilities, "--ulimit nofile=20000:20000")
        .unwrap_or_else(|| "`sudo prlimit --pid $$ --nofile=20000:20000`".to_owned());
    if connections < USUAL_CONNECTIONS {
        check.refused(Layer::Limit, try_this)
    } else {
        check.limited(Layer::Limit, try_this)
    }
}

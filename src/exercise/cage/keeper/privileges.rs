//! Giving privileges up for good. Root without capabilities is still the owner of root's files: the rest is
//! done by mounts and Landlock.

use nix::errno::Errno;

use super::namespaces::why;
use crate::trace::Refusal;

/// `_LINUX_CAPABILITY_VERSION_3` (capget(2)): two words of 32 capabilities each.
const VERSION_3: u32 = 0x2008_0522;

#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Capabilities {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// No capability now, and none by any exec.
pub fn drop_all() -> Result<(), Refusal> {
    for capability in 0..64 {
        // SAFETY: takes numbers. EINVAL: there are no more. EPERM: not ours to drop, and no_new_privs keeps an
        // exec from giving it.
        if unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) } < 0 {
            break;
        }
    }
    nix::sys::prctl::set_no_new_privs().map_err(|errno| why("prctl(PR_SET_NO_NEW_PRIVS)", errno))?;
    let header = Header { version: VERSION_3, pid: 0 };
    let none = [Capabilities::default(); 2];
    // SAFETY: both have the layout of this version and outlive the call.
    let done = unsafe { libc::syscall(libc::SYS_capset, &raw const header, none.as_ptr()) };
    Errno::result(done).map(drop).map_err(|errno| why("capset", errno))
}

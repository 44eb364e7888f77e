//! A system call by its number, which means nothing without the instruction set by which it was asked for.

use crate::probe::syscalls;

/// AUDIT_ARCH_… of the processor that this program was built for (linux/audit.h); 0 is none, so that the
/// tracer asks about each call.
pub(super) const ARCHITECTURE: u32 = if cfg!(target_arch = "x86_64") {
    0xc000_003e
} else if cfg!(target_arch = "aarch64") {
    0xc000_00b7
} else if cfg!(target_arch = "riscv64") {
    0xc000_00f3
} else {
    0
};

/// A system call as a program asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Call {
    /// AUDIT_ARCH_… of the instruction set by which it was asked for.
    pub architecture: u32,
    /// Its number there.
    pub number: u64,
}

impl Call {
    /// A call of this processor's own kind.
    pub(super) fn native(number: u64) -> Self {
        Self { architecture: ARCHITECTURE, number }
    }

    /// Its name.
    pub(super) fn name(self) -> String {
        const I386: u32 = 0x4000_0003;
        const X32: u64 = 0x4000_0000;
        let number = self.number;
        match self.architecture {
            ARCHITECTURE if number & !0xffff == X32 => format!("x32_syscall_{}", number & 0xffff),
            ARCHITECTURE => syscalls::name(number).into_owned(),
            I386 => format!("i386_syscall_{number}"),
            other => format!("syscall_{number}_of_{other:#x}"),
        }
    }
}

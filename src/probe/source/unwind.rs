//! Return addresses on the stack of a stopped thread, by call frame information.

use super::Unknown;
use super::image::Image;
use crate::probe::ptrace::Registers;

/// Bytes of the stack that are read at once, from its top.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
const STACK_BYTES: usize = 16 * 1024;

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod known {
    use framehop::{
        CacheNative, ExplicitModuleSectionInfo, MayAllocateDuringUnwind, Module, UnwindRegsNative, Unwinder,
        UnwinderNative,
    };

    use super::{Image, Registers, STACK_BYTES, Unknown};
    use crate::probe::pointed::copy;

    /// Unwinds stacks of one process.
    pub struct Unwinding {
        pid: u32,
        unwinder: UnwinderNative<Vec<u8>, MayAllocateDuringUnwind>,
        cache: CacheNative<MayAllocateDuringUnwind>,
    }

    impl Unwinding {
        pub fn of(pid: u32, images: &[Image]) -> Result<Self, Unknown> {
            let mut unwinder = UnwinderNative::new();
            for image in images {
                unwinder.add_module(module(image));
            }
            Ok(Self { pid, unwinder, cache: CacheNative::new() })
        }

        /// Addresses of calls under way, the innermost first; each lies inside its call, not behind it.
        pub fn frames(&mut self, registers: Registers, most: usize) -> Vec<u64> {
            let Self { pid, unwinder, cache } = self;
            let top = copy(*pid, registers.sp, STACK_BYTES).unwrap_or_default();
            let mut read = |address: u64| {
                let at = address.checked_sub(registers.sp).and_then(|at| usize::try_from(at).ok());
                let word = at.and_then(|at| Some(top.get(at..at.checked_add(8)?)?.to_vec()));
                let word = word.or_else(|| copy(*pid, address, 8)).ok_or(())?;
                Ok(u64::from_ne_bytes(word.try_into().map_err(drop)?))
            };
            let mut iterator = unwinder.iter_frames(registers.pc, native(registers), cache, &mut read);
            let mut frames = Vec::new();
            while frames.len() < most
                && let Ok(Some(frame)) = iterator.next()
            {
                frames.push(frame.address_for_lookup());
            }
            frames
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn native(registers: Registers) -> UnwindRegsNative {
        UnwindRegsNative::new(registers.pc, registers.sp, registers.fp)
    }

    #[cfg(target_arch = "aarch64")]
    fn native(registers: Registers) -> UnwindRegsNative {
        UnwindRegsNative::new(registers.lr, registers.sp, registers.fp)
    }

    fn module(image: &Image) -> Module<Vec<u8>> {
        let section =
            |name| image.sections.iter().find(|(known, _)| *known == name).map(|(_, section)| section);
        let range = |name| section(name).map(|section| section.range.clone());
        let bytes = |name| section(name).map(|section| section.bytes.clone());
        let info = ExplicitModuleSectionInfo {
            text_svma: range(".text"),
            got_svma: range(".got"),
            eh_frame_svma: range(".eh_frame"),
            eh_frame: bytes(".eh_frame"),
            eh_frame_hdr_svma: range(".eh_frame_hdr"),
            eh_frame_hdr: bytes(".eh_frame_hdr"),
            ..ExplicitModuleSectionInfo::default()
        };
        Module::new(image.path.display().to_string(), image.range.clone(), image.bias, info)
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod known {
    use super::{Image, Registers, Unknown};

    /// Stacks of a processor that is not known here.
    pub struct Unwinding;

    impl Unwinding {
        pub fn of(_pid: u32, _images: &[Image]) -> Result<Self, Unknown> {
            Err(Unknown(format!("stacks of {} are not known to iolab", std::env::consts::ARCH)))
        }

        pub fn frames(&mut self, _registers: Registers, _most: usize) -> Vec<u64> {
            Vec::new()
        }
    }
}

pub(super) use known::Unwinding;

//! The kernel, and what runs below it.

use crate::doctor::check::Check;
use crate::doctor::features::FEATURES;
use crate::doctor::operations::OPERATIONS;
use crate::doctor::version::Version;
use crate::trace::{Capabilities, Layer};

/// The first kernel that has every operation and feature that a lesson uses.
fn whole() -> Version {
    let operations = OPERATIONS.iter().filter(|row| !row.lessons.is_empty()).map(|row| row.since);
    let features = FEATURES.iter().filter(|row| !row.lessons.is_empty()).map(|row| row.since);
    operations.chain(features).max().unwrap_or(Version(0, 0))
}

/// The first kernel that has the operations without which there is no echo server on io_uring.
fn usable() -> Version {
    let operations = OPERATIONS.iter().filter(|row| row.lessons.contains(&3));
    operations.map(|row| row.since).max().unwrap_or(Version(0, 0))
}

/// Which kernel this is, whose it is, and whether it is new enough.
pub fn kernel(capabilities: &Capabilities) -> Check {
    let release = &capabilities.machine.kernel;
    let version = Version::of(release);
    let mut says = format!("Linux {release}");
    let wsl = Wsl::of(release);
    match wsl {
        Some(Wsl::One) => says.push_str(", WSL 1: system calls translated by Windows"),
        Some(Wsl::Two) => says.push_str(", the kernel that comes with WSL 2"),
        None => {}
    }
    if let Some(container) = &capabilities.around.container {
        says.push_str(&format!(", in a container ({container}): the kernel is the host's"));
    }
    let (usable, whole) = (usable(), whole());
    let why = format!(
        "io_uring grew with the kernel: echo servers from {usable} on, all that lessons show in {whole}"
    );
    let check = Check::ok("kernel", says, why);
    if version >= whole {
        return check;
    }
    let newer = match (wsl, &capabilities.around.container) {
        (Some(Wsl::One), _) => "in PowerShell: `wsl --set-version DISTRIBUTION 2`".to_owned(),
        (Some(Wsl::Two), _) => "in PowerShell: `wsl --update`, then `wsl --shutdown`".to_owned(),
        (None, Some(_)) => format!("a host with Linux {whole} or later; the container needs no change"),
        (None, None) => format!("a distribution with Linux {whole} or later"),
    };
    if version < usable { check.refused(Layer::Kernel, newer) } else { check.limited(Layer::Kernel, newer) }
}

/// The two kinds of Windows Subsystem for Linux, as their kernel releases tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wsl {
    One,
    Two,
}

impl Wsl {
    /// WSL 1 answers uname(2) with `4.4.0-19041-Microsoft`, WSL 2 with `…-microsoft-standard-WSL2`.
    fn of(release: &str) -> Option<Self> {
        match (release.contains("Microsoft"), release.contains("microsoft")) {
            (true, _) => Some(Self::One),
            (_, true) => Some(Self::Two),
            _ => None,
        }
    }
}

/// Whether a hypervisor runs below. Nothing is refused by that; it says how far to trust a time.
pub fn virtual_machine(capabilities: &Capabilities) -> Check {
    let says = match capabilities.machine.is_virtual {
        Some(true) => "a virtual machine",
        Some(false) => "no hypervisor below",
        None => "the machine does not say whether a hypervisor runs below",
    };
    let why = "times move with a host's other guests, counts do not: counts decide here, times illustrate";
    Check::ok("virtual", says, why)
}

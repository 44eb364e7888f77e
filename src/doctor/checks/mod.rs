//! Every question of the doctor, in the order in which a person needs the answers.
//!
//! One function a question, from [`Capabilities`] to a [`Check`]; nothing here asks the machine.

mod cpus;
mod io_uring;
mod kernel;
mod limits;
mod rungs;
mod terminal;

use super::check::Check;
use crate::trace::Capabilities;

/// All answers. The list of ids is the same on every machine.
pub fn all(capabilities: &Capabilities) -> Vec<Check> {
    [
        kernel::kernel,
        kernel::virtual_machine,
        io_uring::io_uring,
        io_uring::operations,
        io_uring::features,
        io_uring::sqpoll,
        rungs::ring,
        rungs::perf,
        rungs::perf_user,
        rungs::tracefs,
        rungs::ptrace,
        rungs::sock,
        limits::memlock,
        limits::nofile,
        cpus::cpus,
        terminal::terminal,
    ]
    .into_iter()
    .map(|question: fn(&Capabilities) -> Check| question(capabilities))
    .collect()
}

/// The command that starts the container around this process with one more option, where its manager is one
/// that is started by a command.
fn started_with(capabilities: &Capabilities, option: &str) -> Option<String> {
    let manager = capabilities.around.container.as_deref()?;
    matches!(manager, "docker" | "podman").then(|| format!("`{manager} run {option} …`"))
}

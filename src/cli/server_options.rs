//! What the servers are told, as flags: shared by every command that starts one.

use anyhow::bail;
use clap::Args;

use crate::servers::Options;

/// Sizes of rings and their like; each server takes what concerns it.
#[derive(Args, Debug)]
#[command(next_help_heading = "Options of the io_uring servers")]
pub struct ServerOptions {
    /// Slots of the submission queue of an io_uring server, a power of two up to 32768.
    #[arg(long, value_name = "N", default_value_t = Options::default().sq_entries, value_parser = queue_slots)]
    sq_entries: u32,
    /// Slots of the completion queue, a power of two up to 65536 and not below the submission queue's; the
    /// kernel's choice is twice the submission queue.
    #[arg(long, value_name = "N", value_parser = completion_slots)]
    cq_entries: Option<u32>,
    /// Buffers in the provided buffer ring of uring-multishot, a power of two up to 32768.
    #[arg(long, value_name = "N", default_value_t = Options::default().buffers, value_parser = buffers)]
    buffers: u16,
    /// Milliseconds without work after which an SQPOLL thread goes to sleep.
    #[arg(long, value_name = "MS", default_value_t = Options::default().sqpoll_idle_ms)]
    sqpoll_idle_ms: u32,
}

impl ServerOptions {
    /// The checked options.
    ///
    /// # Errors
    ///
    /// A completion queue below the submission queue: the kernel would say EINVAL, as it does for much else.
    pub fn options(&self) -> anyhow::Result<Options> {
        if let Some(cq_entries) = self.cq_entries
            && cq_entries < self.sq_entries
        {
            bail!("--cq-entries {cq_entries} must not be below --sq-entries ({})", self.sq_entries);
        }
        Ok(Options {
            sq_entries: self.sq_entries,
            cq_entries: self.cq_entries,
            buffers: self.buffers,
            sqpoll_idle_ms: self.sqpoll_idle_ms,
        })
    }
}

/// Slots of a submission queue; the kernel's limit is IORING_MAX_ENTRIES (io_uring/io_uring.h).
fn queue_slots(text: &str) -> Result<u32, String> {
    power_of_two(text, 32_768)
}

/// Slots of a completion queue; the kernel's limit is twice that of the submission queue.
fn completion_slots(text: &str) -> Result<u32, String> {
    power_of_two(text, 65_536)
}

/// Buffers of a ring of provided buffers; its tail is 16 bits wide (io_uring_register_buf_ring(3)).
fn buffers(text: &str) -> Result<u16, String> {
    power_of_two(text, 32_768).map(|buffers| buffers as u16)
}

fn power_of_two(text: &str, max: u32) -> Result<u32, String> {
    match text.parse::<u32>() {
        Ok(number) if number.is_power_of_two() && number <= max => Ok(number),
        _ => Err(format!("a power of two from 1 to {max} is needed")),
    }
}

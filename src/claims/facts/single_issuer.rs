//! Whom IORING_SETUP_SINGLE_ISSUER binds a ring to.

use anyhow::Context;
use io_uring::{IoUring, opcode};
use nix::errno::Errno;

use super::tools::{errno, submit};
use super::{Fact, Observed};

pub const FACT: Fact = Fact {
    id: "single-issuer-binds",
    says: "IORING_SETUP_SINGLE_ISSUER binds a ring to the thread that makes it, or with R_DISABLED to the one that enables it, \
           not to the first that submits; another thread gets EEXIST.",
    source: "io_uring/io_uring.c: submitter_task is set at creation; io_uring/register.c: or when rings are enabled",
    manual: Some(
        "io_uring_setup_flags(7) of liburing 2.15 says that the first to submit becomes the one; io_uring_setup(2) has it right",
    ),
    io_uring: true,
    probe,
};

/// What is asked for.
const WHAT: &str = "io_uring_setup with SINGLE_ISSUER";

pub fn probe() -> anyhow::Result<Observed> {
    let ring: IoUring = IoUring::builder().setup_single_issuer().build(4).context(WHAT)?;
    let stranger = elsewhere(ring)?;
    let ring: IoUring = IoUring::builder().setup_single_issuer().setup_r_disabled().build(4).context(WHAT)?;
    let enabler = std::thread::scope(|scope| {
        let enable = || ring.submitter().register_enable_rings();
        scope.spawn(enable).join().map_err(|_| anyhow::anyhow!("a thread failed"))
    })?;
    enabler.context("io_uring_register")?;
    let mut ring = ring;
    let maker = first(&mut ring);
    let is_refused = |result: &Result<(), Errno>| *result == Err(Errno::EEXIST);
    let says = |result: &Result<(), Errno>| match result {
        Ok(()) => "was served".to_owned(),
        Err(errno) => format!("got {errno:?}"),
    };
    Ok(Observed::of(
        is_refused(&stranger) && is_refused(&maker),
        format!(
            "a second thread, first to submit, {}; the maker of a ring that another thread enabled {}",
            says(&stranger),
            says(&maker)
        ),
    ))
}

/// What another thread gets that submits first.
fn elsewhere(mut ring: IoUring) -> anyhow::Result<Result<(), Errno>> {
    let joined = std::thread::spawn(move || first(&mut ring)).join();
    joined.map_err(|_| anyhow::anyhow!("a thread failed"))
}

fn first(ring: &mut IoUring) -> Result<(), Errno> {
    submit(ring, &[opcode::Nop::new().build()]).map_err(|_| Errno::ENOSPC)?;
    ring.submit().map(drop).map_err(|error| errno(&error))
}

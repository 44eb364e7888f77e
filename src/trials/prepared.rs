//! What a trial needs before its gate opens: a program in another language is compiled and loaded first, so that what
//! is measured is the program.

/// Gets something ready, or says what is missing.
pub type Prepare = fn() -> anyhow::Result<()>;

/// The trials that need it.
#[cfg(feature = "live")]
const PREPARED: &[(&str, Prepare)] = &[("ring-by-liburing", super::ring_by_liburing::prepare)];

/// What the trial of that name needs first, if anything.
pub fn of(name: &str) -> Option<Prepare> {
    #[cfg(feature = "live")]
    return PREPARED.iter().find(|(trial, _)| *trial == name).map(|(_, prepare)| *prepare);
    #[cfg(not(feature = "live"))]
    {
        let _ = name;
        None
    }
}

//! Panics on demand: what a panic leaves of the terminal can only be tested by one.

/// Panics where `IOLAB_PANIC_AT` names this place. Builds for release have no such thing.
pub(super) fn of_a_panic(place: &str) {
    #[cfg(debug_assertions)]
    if std::env::var("IOLAB_PANIC_AT").is_ok_and(|wanted| wanted == place) {
        panic!("a rehearsed panic at {place}");
    }
    #[cfg(not(debug_assertions))]
    let _ = place;
}

//! What `/proc` says, as text. Names in it are whatever bytes a program has given itself (PR_SET_NAME of prctl(2)), so
//! none of it has to be UTF-8.

use std::fs;
use std::io;
use std::path::Path;

/// The text of a file of `/proc`; bytes that are no UTF-8 are shown as U+FFFD.
///
/// # Errors
/// It cannot be read; [`is_gone`] tells whether the process is the reason.
pub fn text(path: impl AsRef<Path>) -> io::Result<String> {
    fs::read(path).map(|bytes| match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

/// Whether a process is not there any more: every other error says that it is.
pub fn is_gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_any_bytes_is_read() {
        let named = std::thread::spawn(|| {
            // SAFETY: names the calling thread; the kernel copies at most 16 bytes, up to the 0.
            unsafe { libc::prctl(libc::PR_SET_NAME, c"\xff\xfe)".as_ptr(), 0, 0, 0) };
            text("/proc/thread-self/stat")
        });
        let stat = named.join().unwrap().unwrap();
        assert!(stat.contains("(\u{fffd}\u{fffd})) "), "{stat}");
    }

    #[test]
    fn who_may_not_look_is_not_told_that_nobody_is_there() {
        assert!(is_gone(&text("/proc/2147483600/stat").unwrap_err()));
        assert!(!is_gone(&io::Error::from_raw_os_error(libc::EACCES)));
    }
}

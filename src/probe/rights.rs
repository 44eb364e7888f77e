//! What a file gives whoever executes it: the rights of its owner or group, or capabilities. See execve(2),
//! capabilities(7).

use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// By what a file gives rights that user `user` has not; `None` where it gives none.
pub fn given_by(file: &Path, user: u32) -> Option<&'static str> {
    let there = fs::metadata(file).ok()?;
    let has = |bit: libc::mode_t| there.mode() & bit == bit;
    match () {
        () if has(libc::S_ISUID) && there.uid() != user => Some("set-uid"),
        // Without the right to execute, the bit means something else.
        () if has(libc::S_ISGID | libc::S_IXGRP) => Some("set-gid"),
        () if has_capabilities(file) => Some("file capabilities"),
        () => None,
    }
}

fn has_capabilities(file: &Path) -> bool {
    let Ok(file) = CString::new(file.as_os_str().as_bytes()) else { return false };
    // SAFETY: two strings that end with 0 and outlive the call; a size of 0 asks whether it is there.
    let bytes =
        unsafe { libc::getxattr(file.as_ptr(), c"security.capability".as_ptr(), std::ptr::null_mut(), 0) };
    bytes > 0
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn files_that_give_rights_are_told_apart() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let owner = fs::metadata(file.path()).unwrap().uid();
        let by = |mode: u32, user: u32| {
            fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).unwrap();
            given_by(file.path(), user)
        };
        assert_eq!(by(0o755, owner + 1), None);
        assert_eq!(by(0o4755, owner + 1), Some("set-uid"));
        assert_eq!(by(0o4755, owner), None, "they are the user's own");
        assert_eq!(by(0o2755, owner), Some("set-gid"));
        assert_eq!(given_by(Path::new("/no/such/file"), owner), None);
    }
}

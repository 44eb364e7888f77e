//! Errors by name and in words: what a call answers when it did not do what it was asked.

/// Names by number, as all processors of this program have them (asm-generic/errno.h).
#[rustfmt::skip]
const NAMES: [&str; 134] = [
    "", "EPERM", "ENOENT", "ESRCH", "EINTR", "EIO", "ENXIO", "E2BIG", "ENOEXEC", "EBADF", "ECHILD",
    "EAGAIN", "ENOMEM", "EACCES", "EFAULT", "ENOTBLK", "EBUSY", "EEXIST", "EXDEV", "ENODEV", "ENOTDIR",
    "EISDIR", "EINVAL", "ENFILE", "EMFILE", "ENOTTY", "ETXTBSY", "EFBIG", "ENOSPC", "ESPIPE", "EROFS",
    "EMLINK", "EPIPE", "EDOM", "ERANGE", "EDEADLK", "ENAMETOOLONG", "ENOLCK", "ENOSYS", "ENOTEMPTY",
    "ELOOP", "", "ENOMSG", "EIDRM", "ECHRNG", "EL2NSYNC", "EL3HLT", "EL3RST", "ELNRNG", "EUNATCH", "ENOCSI",
    "EL2HLT", "EBADE", "EBADR", "EXFULL", "ENOANO", "EBADRQC", "EBADSLT", "", "EBFONT", "ENOSTR", "ENODATA",
    "ETIME", "ENOSR", "ENONET", "ENOPKG", "EREMOTE", "ENOLINK", "EADV", "ESRMNT", "ECOMM", "EPROTO",
    "EMULTIHOP", "EDOTDOT", "EBADMSG", "EOVERFLOW", "ENOTUNIQ", "EBADFD", "EREMCHG", "ELIBACC", "ELIBBAD",
    "ELIBSCN", "ELIBMAX", "ELIBEXEC", "EILSEQ", "ERESTART", "ESTRPIPE", "EUSERS", "ENOTSOCK",
    "EDESTADDRREQ", "EMSGSIZE", "EPROTOTYPE", "ENOPROTOOPT", "EPROTONOSUPPORT", "ESOCKTNOSUPPORT",
    "EOPNOTSUPP", "EPFNOSUPPORT", "EAFNOSUPPORT", "EADDRINUSE", "EADDRNOTAVAIL", "ENETDOWN", "ENETUNREACH",
    "ENETRESET", "ECONNABORTED", "ECONNRESET", "ENOBUFS", "EISCONN", "ENOTCONN", "ESHUTDOWN",
    "ETOOMANYREFS", "ETIMEDOUT", "ECONNREFUSED", "EHOSTDOWN", "EHOSTUNREACH", "EALREADY", "EINPROGRESS",
    "ESTALE", "EUCLEAN", "ENOTNAM", "ENAVAIL", "EISNAM", "EREMOTEIO", "EDQUOT", "ENOMEDIUM", "EMEDIUMTYPE",
    "ECANCELED", "ENOKEY", "EKEYEXPIRED", "EKEYREVOKED", "EKEYREJECTED", "EOWNERDEAD", "ENOTRECOVERABLE",
    "ERFKILL", "EHWPOISON",
];

/// The kernel's own codes for a wait that a signal broke off: no program sees them, only a tracer
/// (linux/errno.h). The program gets EINTR, or the call goes on by itself.
const RESTARTS: std::ops::RangeInclusive<u64> = 512..=516;

/// The name of the error that a call answered: `EAGAIN`; `None` for a success, and for the kernel's own codes.
pub fn errno_name(result: i64) -> Option<&'static str> {
    let code = usize::try_from(result.checked_neg()?).ok()?;
    NAMES.get(code).copied().filter(|name| !name.is_empty())
}

/// An error by name and in words; by number where it has no name.
pub fn errno(code: u64) -> String {
    if RESTARTS.contains(&code) {
        return "a signal came first".to_owned();
    }
    let name = usize::try_from(code).ok().and_then(|at| NAMES.get(at)).filter(|name| !name.is_empty());
    match (name, meaning(code)) {
        (None, _) => format!("error {code}"),
        (Some(name), "") => (*name).to_owned(),
        (Some(name), meaning) => format!("{name}: {meaning}"),
    }
}

/// What the errors mean that servers and trials meet; empty for the others.
fn meaning(code: u64) -> &'static str {
    match code {
        1 => "this cannot be done with that, or is not allowed",
        2 => "there is no such thing",
        3 => "there is no such process",
        4 => "a signal came first",
        9 => "no such descriptor is open",
        11 => "nothing there now",
        12 => "no memory is left",
        13 => "it is not allowed",
        14 => "there is no memory at that address",
        16 => "somebody else is at it",
        17 => "it is there already",
        22 => "the kernel does not know what is meant",
        24 => "no descriptor is left",
        32 => "the other side is gone",
        38 => "this kernel does not have it",
        62 => "the time is up",
        88 => "it is not a socket",
        95 => "it cannot do that",
        98 => "the address is taken",
        104 => "the other side broke off",
        105 => "no buffer is left",
        107 => "it is not connected",
        110 => "no answer came in time",
        111 => "nobody listens there",
        115 => "it has begun",
        125 => "it was called off",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_its_name_and_where_it_is_common_its_meaning() {
        assert_eq!(errno(9), "EBADF: no such descriptor is open");
        assert_eq!(errno(33), "EDOM");
        assert_eq!(errno(512), "a signal came first");
        for nameless in [0, 41, 134, 511, u64::MAX] {
            assert_eq!(errno(nameless), format!("error {nameless}"));
        }
    }

    #[cfg(feature = "live")]
    #[test]
    fn names_are_those_of_the_c_library() {
        use nix::errno::Errno;
        for (code, name) in NAMES.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            assert_eq!(format!("{:?}", Errno::from_raw(code as i32)), *name, "{code}");
        }
        let nameless = NAMES.iter().enumerate().filter(|(_, name)| name.is_empty());
        for (code, _) in nameless {
            let known = Errno::from_raw(code as i32);
            assert!(matches!(known, Errno::UnknownErrno), "{code} is {known:?}");
        }
    }
}

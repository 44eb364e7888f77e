//! recvmsg(2) with what comes along. By hand: where a message was cut because we are out of descriptors, those
//! that came nevertheless must be closed, and the wrapper of nix gives none of them out then.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;

/// Room for what comes along, in words, because it must be aligned: 200 descriptors, credentials, two headers.
const ROOM_WORDS: usize = 256;

/// A message as the kernel gives it.
pub struct Came {
    /// Bytes of it; 0 when the other end is closed.
    pub length: usize,
    /// What came along, close-on-exec.
    pub descriptors: Vec<OwnedFd>,
    /// The sender's process id in our namespace, where the socket asks for it.
    pub sender: Option<u32>,
    /// Whether there was more than could be received.
    pub cut: bool,
}

/// Waits for one message.
pub fn receive(from: &OwnedFd, text: &mut [u8]) -> Result<Came, Errno> {
    let mut room = [0u64; ROOM_WORDS];
    let mut into = libc::iovec { iov_base: text.as_mut_ptr().cast(), iov_len: text.len() };
    // SAFETY: all bytes zero is a header that points nowhere.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_iov = &raw mut into;
    header.msg_iovlen = 1;
    header.msg_control = room.as_mut_ptr().cast();
    header.msg_controllen = size_of_val(&room) as _;
    // SAFETY: text and room outlive the call, and their lengths are told.
    let length =
        Errno::result(unsafe { libc::recvmsg(from.as_raw_fd(), &raw mut header, libc::MSG_CMSG_CLOEXEC) })?;
    let cut = header.msg_flags & (libc::MSG_CTRUNC | libc::MSG_TRUNC) != 0;
    let mut came = Came { length: length.unsigned_abs(), descriptors: Vec::new(), sender: None, cut };
    // SAFETY: the kernel has written the control messages that the header describes; the macros walk within
    // them. Descriptors among them are new, and ours alone.
    unsafe {
        let mut at = libc::CMSG_FIRSTHDR(&raw const header);
        while let Some(along) = at.as_ref() {
            let data = libc::CMSG_DATA(at);
            let bytes = (along.cmsg_len as u64).saturating_sub(libc::CMSG_LEN(0).into()) as usize;
            match (along.cmsg_level, along.cmsg_type) {
                (libc::SOL_SOCKET, libc::SCM_RIGHTS) => {
                    let numbers = data.cast::<RawFd>();
                    for n in 0..bytes / size_of::<RawFd>() {
                        let number = numbers.add(n).read_unaligned();
                        came.descriptors.push(OwnedFd::from_raw_fd(number));
                    }
                }
                (libc::SOL_SOCKET, libc::SCM_CREDENTIALS) => {
                    let who = data.cast::<libc::ucred>().read_unaligned();
                    came.sender = u32::try_from(who.pid).ok();
                }
                _ => {}
            }
            at = libc::CMSG_NXTHDR(&raw const header, at);
        }
    }
    Ok(came)
}

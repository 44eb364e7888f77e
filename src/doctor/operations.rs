//! The operations of io_uring: their names, since when Linux has them, and which lessons use them.
//!
//! Names are those of io_uring_enter(2) without `IORING_OP_`; numbers are their places in this table, as in
//! `enum io_uring_op` of `linux/io_uring.h`.

use super::version::Version;

/// One row of [`OPERATIONS`].
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// Its name in io_uring_enter(2) without `IORING_OP_`.
    pub name: &'static str,
    /// The first kernel that has it.
    pub since: Version,
    /// The lessons that use it.
    pub lessons: &'static [u8],
}

const fn operation(name: &'static str, major: u16, minor: u16, lessons: &'static [u8]) -> Operation {
    Operation { name, since: Version(major, minor), lessons }
}

/// Every operation up to Linux 6.16, by number.
pub const OPERATIONS: &[Operation] = &[
    operation("NOP", 5, 1, &[3]),
    operation("READV", 5, 1, &[]),
    operation("WRITEV", 5, 1, &[]),
    operation("FSYNC", 5, 1, &[6]),
    operation("READ_FIXED", 5, 1, &[6]),
    operation("WRITE_FIXED", 5, 1, &[6]),
    operation("POLL_ADD", 5, 1, &[]),
    operation("POLL_REMOVE", 5, 1, &[]),
    operation("SYNC_FILE_RANGE", 5, 2, &[]),
    operation("SENDMSG", 5, 3, &[]),
    operation("RECVMSG", 5, 3, &[]),
    operation("TIMEOUT", 5, 4, &[]),
    operation("TIMEOUT_REMOVE", 5, 5, &[]),
    operation("ACCEPT", 5, 5, &[3, 4, 5, 7]),
    operation("ASYNC_CANCEL", 5, 5, &[7]),
    operation("LINK_TIMEOUT", 5, 5, &[]),
    operation("CONNECT", 5, 5, &[7]),
    operation("FALLOCATE", 5, 6, &[]),
    operation("OPENAT", 5, 6, &[]),
    operation("CLOSE", 5, 6, &[]),
    operation("FILES_UPDATE", 5, 6, &[]),
    operation("STATX", 5, 6, &[]),
    operation("READ", 5, 6, &[6]),
    operation("WRITE", 5, 6, &[6]),
    operation("FADVISE", 5, 6, &[]),
    operation("MADVISE", 5, 6, &[]),
    operation("SEND", 5, 6, &[3, 4, 5, 7]),
    operation("RECV", 5, 6, &[3, 4, 5, 7]),
    operation("OPENAT2", 5, 6, &[]),
    operation("EPOLL_CTL", 5, 6, &[]),
    operation("SPLICE", 5, 7, &[]),
    operation("PROVIDE_BUFFERS", 5, 7, &[]),
    operation("REMOVE_BUFFERS", 5, 7, &[]),
    operation("TEE", 5, 8, &[]),
    operation("SHUTDOWN", 5, 11, &[7]),
    operation("RENAMEAT", 5, 11, &[]),
    operation("UNLINKAT", 5, 11, &[]),
    operation("MKDIRAT", 5, 15, &[]),
    operation("SYMLINKAT", 5, 15, &[]),
    operation("LINKAT", 5, 15, &[]),
    operation("MSG_RING", 5, 18, &[]),
    operation("FSETXATTR", 5, 19, &[]),
    operation("SETXATTR", 5, 19, &[]),
    operation("FGETXATTR", 5, 19, &[]),
    operation("GETXATTR", 5, 19, &[]),
    operation("SOCKET", 5, 19, &[]),
    operation("URING_CMD", 5, 19, &[]),
    operation("SEND_ZC", 6, 0, &[5]),
    operation("SENDMSG_ZC", 6, 1, &[]),
    operation("READ_MULTISHOT", 6, 7, &[]),
    operation("WAITID", 6, 7, &[]),
    operation("FUTEX_WAIT", 6, 7, &[]),
    operation("FUTEX_WAKE", 6, 7, &[]),
    operation("FUTEX_WAITV", 6, 7, &[]),
    operation("FIXED_FD_INSTALL", 6, 8, &[]),
    operation("FTRUNCATE", 6, 9, &[]),
    operation("BIND", 6, 11, &[]),
    operation("LISTEN", 6, 11, &[]),
    operation("RECV_ZC", 6, 15, &[]),
    operation("EPOLL_WAIT", 6, 15, &[]),
    operation("READV_FIXED", 6, 15, &[]),
    operation("WRITEV_FIXED", 6, 15, &[]),
    operation("PIPE", 6, 16, &[]),
];

#[cfg(all(test, feature = "live", target_os = "linux"))]
mod tests {
    use super::OPERATIONS;
    use io_uring::opcode;

    /// The table's places are the kernel's numbers: the crate's bindings are the witness.
    #[test]
    fn places_are_the_kernels_numbers() {
        let named = |number: u8| OPERATIONS[usize::from(number)].name;
        assert_eq!(named(opcode::Nop::CODE), "NOP");
        assert_eq!(named(opcode::Fsync::CODE), "FSYNC");
        assert_eq!(named(opcode::SyncFileRange::CODE), "SYNC_FILE_RANGE");
        assert_eq!(named(opcode::RecvMsg::CODE), "RECVMSG");
        assert_eq!(named(opcode::Accept::CODE), "ACCEPT");
        assert_eq!(named(opcode::Connect::CODE), "CONNECT");
        assert_eq!(named(opcode::Read::CODE), "READ");
        assert_eq!(named(opcode::Recv::CODE), "RECV");
        assert_eq!(named(opcode::Splice::CODE), "SPLICE");
        assert_eq!(named(opcode::Shutdown::CODE), "SHUTDOWN");
        assert_eq!(named(opcode::LinkAt::CODE), "LINKAT");
        assert_eq!(named(opcode::MsgRingData::CODE), "MSG_RING");
        assert_eq!(named(opcode::GetXattr::CODE), "GETXATTR");
        assert_eq!(named(opcode::Socket::CODE), "SOCKET");
        assert_eq!(named(opcode::SendZc::CODE), "SEND_ZC");
        assert_eq!(named(opcode::FutexWaitV::CODE), "FUTEX_WAITV");
        assert_eq!(named(opcode::FixedFdInstall::CODE), "FIXED_FD_INSTALL");
        assert_eq!(named(opcode::Listen::CODE), "LISTEN");
        assert_eq!(named(opcode::EpollWait::CODE), "EPOLL_WAIT");
        assert_eq!(named(opcode::Pipe::CODE), "PIPE");
        assert_eq!(OPERATIONS.len(), usize::from(opcode::Pipe::CODE) + 1);
    }
}

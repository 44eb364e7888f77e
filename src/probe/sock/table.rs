//! `/proc/PID/net/tcp` and `tcp6`, proc_pid_net(5): the fallback, in the process's own network namespace.

use std::fs;
use std::io;

use super::Listed;

/// TCP_CLOSE_WAIT, TCP_LISTEN.
const CLOSE_WAIT: u8 = 0x08;
const LISTEN: u8 = 0x0a;

/// All TCP sockets of the namespace of process `pid` that somebody has open.
pub(super) fn list(pid: u32) -> io::Result<Vec<Listed>> {
    let mut listed = parse(&fs::read_to_string(format!("/proc/{pid}/net/tcp"))?);
    match fs::read_to_string(format!("/proc/{pid}/net/tcp6")) {
        Ok(text) => listed.extend(parse(&text)),
        // A kernel without IPv6.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    Ok(listed)
}

fn parse(text: &str) -> Vec<Listed> {
    text.lines().skip(1).filter_map(socket).collect()
}

/// `sl local_address rem_address st tx_queue:rx_queue tr:tm retrnsmt uid timeout inode …`
fn socket(line: &str) -> Option<Listed> {
    let mut words = line.split_ascii_whitespace().skip(2);
    let peer_port = u16::from_str_radix(words.next()?.rsplit(':').next()?, 16).ok()?;
    let state = u8::from_str_radix(words.next()?, 16).ok()?;
    let (send, receive) = words.next()?.split_once(':')?;
    let inode = words.nth(4)?.parse().ok()?;
    let listed = Listed {
        inode,
        peer_port,
        receive_queue_bytes: u32::from_str_radix(receive, 16).ok()?,
        send_queue_bytes: u32::from_str_radix(send, 16).ok()?,
        listening: state == LISTEN,
        peer_done: state == CLOSE_WAIT,
    };
    (inode != 0).then_some(listed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_ports_and_states_are_read() {
        let text = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
            0: 0100007F:1F90 00000000:0000 0A 00000000:00000002 00:00000000 00000000     0        0 4711 1 0 100 0\n   \
            1: 0100007F:1F90 0100007F:C350 01 00000007:00000040 00:00000000 00000000     0        0 4712 1 0 20 4\n   \
            2: 0100007F:1F90 0100007F:C351 06 00000000:00000000 03:00001770 00000000     0        0 0 3 0\n";
        let listed = parse(text);
        assert_eq!(listed.len(), 2, "what is in TIME_WAIT is nobody's");
        assert!(listed[0].listening);
        assert_eq!((listed[0].inode, listed[0].receive_queue_bytes), (4711, 2));
        assert_eq!(listed[1].peer_port, 50_000);
        assert_eq!((listed[1].send_queue_bytes, listed[1].receive_queue_bytes), (7, 64));
    }
}

//! Connections that are over on the peer's side and stay open on this one, folded from reading to reading.

use std::collections::BTreeMap;

use crate::trace::Socket;

/// The connections in CLOSE_WAIT, with nothing left to receive or to send.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeftOpen {
    /// Readings in a row that found them so, by descriptor and the peer's port.
    readings: BTreeMap<(i32, u16), u64>,
}

impl LeftOpen {
    /// Those that at least so many readings in a row found: in how many.
    pub fn since(&self, readings: u64) -> impl Iterator<Item = u64> {
        self.readings.values().copied().filter(move |times| *times >= readings)
    }

    /// Folds a reading in. The end of the stream counts as a byte until it is read: what has none left was told that
    /// the peer is done.
    pub(super) fn read(&mut self, sockets: &[Socket]) {
        let before = std::mem::take(&mut self.readings);
        let over = |socket: &&Socket| {
            socket.peer_done && socket.receive_queue_bytes == 0 && socket.send_queue_bytes == 0
        };
        self.readings = sockets
            .iter()
            .filter(over)
            .map(|socket| {
                let key = (socket.fd, socket.peer_port);
                (key, before.get(&key).copied().unwrap_or(0).saturating_add(1))
            })
            .collect();
    }
}

//! Totals as curves: what a server and its client have done since the run's zero, and how full the rings are.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::event::{Args, Event};
use super::story::{At, exact};
use super::track::{Of, Program};
use super::{Perfetto, object};
use crate::trace::{ClientTotals, EpollSet, ProcessTotals, RingTotals, Socket};

impl<W: Write> Perfetto<W> {
    /// What the probes know of the process; `first` is what they knew at the run's zero.
    pub(super) fn process(
        &mut self,
        at: At,
        first: Option<&ProcessTotals>,
        now: &ProcessTotals,
    ) -> io::Result<()> {
        let server = Program::Server(at.server);
        for thread in &now.threads {
            if self.comms.get(&(at.server, thread.tid)) != Some(&thread.comm) {
                self.comms.insert((at.server, thread.tid), thread.comm.clone());
            }
        }
        let before = first.unwrap_or(now);
        for ring in &now.rings {
            self.depth(at, ring.fd, (ring.sq_head, ring.sq_tail), (ring.cq_head, ring.cq_tail))?;
            let first = before.rings.iter().find(|first| first.fd == ring.fd).unwrap_or(ring);
            for (what, values) in curves_of(first, ring) {
                self.curve(server, &format!("ring {}: {what}", ring.fd), at, values)?;
            }
        }
        if let Some(calls) = &now.syscalls {
            let zero = before.syscalls.as_ref().map_or(0, |first| first.total);
            let since = object([(calls.rung.word(), exact(calls.total.saturating_sub(zero)))]);
            self.curve(server, "system calls", at, since)?;
        }
        if now.threads.is_empty() {
            return Ok(());
        }
        let since = |of: fn(&crate::trace::ThreadTotals) -> u64| {
            let sum = |totals: &ProcessTotals| totals.threads.iter().map(of).fold(0, u64::saturating_add);
            sum(now).saturating_sub(sum(before))
        };
        let switches = object([
            ("voluntary", exact(since(|thread| thread.voluntary_switches))),
            ("involuntary", exact(since(|thread| thread.involuntary_switches))),
        ]);
        self.curve(server, "context switches", at, switches)?;
        let times = object([
            ("server", milliseconds(since(|thread| thread.cpu_ns))),
            ("probes", milliseconds(now.probe_cpu_ns.saturating_sub(before.probe_cpu_ns))),
        ]);
        self.curve(server, "processor time, ms", at, times)
    }

    /// How many entries stand between head and tail of both queues.
    pub(super) fn depth(&mut self, at: At, ring: i32, sq: (u64, u64), cq: (u64, u64)) -> io::Result<()> {
        let between = |(head, tail): (u64, u64)| exact(tail.saturating_sub(head));
        let depths = object([("SQ", between(sq)), ("CQ", between(cq))]);
        self.curve(Program::Server(at.server), &format!("ring {ring}: depth"), at, depths)
    }

    /// Where the client stands.
    pub(super) fn client(&mut self, at: At, now: &ClientTotals) -> io::Result<()> {
        let client = Program::Client(at.server);
        let requests = object([("sent", exact(now.sent)), ("answered", exact(now.answered))]);
        self.curve(client, "requests", at, requests)?;
        let troubles = object([
            ("errors", exact(now.errors)),
            ("wrong bytes", exact(now.bytes_wrong)),
            ("late", exact(now.late)),
        ]);
        self.curve(client, "troubles", at, troubles)?;
        self.curve(client, "connections", at, object([("open", json!(now.open))]))?;
        self.curve(client, "processor time, ms", at, object([("client", milliseconds(now.cpu_ns))]))?;
        let latency = [("p50", 0.5), ("p99", 0.99)];
        let latency = latency
            .into_iter()
            .filter_map(|(name, share)| Some((name, json!(now.latency_ns.quantile(share)? as f64 / 1000.0))));
        let latency: Vec<_> = latency.collect();
        match latency.is_empty() {
            true => Ok(()),
            false => self.curve(client, "latency since the last reading, µs", at, object(latency)),
        }
    }

    /// How long the interest lists are.
    pub(super) fn epoll_sets(&mut self, at: At, sets: &[EpollSet]) -> io::Result<()> {
        for set in sets {
            let watched = object([("watched", json!(set.interest.len()))]);
            self.curve(Program::Server(at.server), &format!("interest list {}", set.fd), at, watched)?;
        }
        Ok(())
    }

    /// What stands in the queues of all its connections.
    pub(super) fn sockets(&mut self, at: At, sockets: &[Socket]) -> io::Result<()> {
        let sum = |of: fn(&Socket) -> u32| {
            let connected = sockets.iter().filter(|socket| !socket.listening);
            connected.map(|socket| u64::from(of(socket))).fold(0, u64::saturating_add)
        };
        let bytes = object([
            ("received, not read", exact(sum(|socket| socket.receive_queue_bytes))),
            ("sent, not acknowledged", exact(sum(|socket| socket.send_queue_bytes))),
        ]);
        self.curve(Program::Server(at.server), "bytes in queues", at, bytes)
    }

    fn curve(&mut self, program: Program, name: &str, at: At, values: Args) -> io::Result<()> {
        let track = self.track(program, Of::Runs)?;
        self.events.add(&Event::counter(name, track, at.ns(), values))
    }
}

fn curves_of(first: &RingTotals, now: &RingTotals) -> Vec<(&'static str, Args)> {
    let between = |head: u64, tail: u64| exact(tail.saturating_sub(head));
    let tails = [("SQ", between(first.sq_tail, now.sq_tail)), ("CQ", between(first.cq_tail, now.cq_tail))];
    let mut curves = vec![("tails, from the zero", object(tails))];
    let deepest = [("SQ", now.sq_depth.max()), ("CQ", now.cq_depth.max())];
    let deepest: Vec<_> =
        deepest.into_iter().filter_map(|(queue, depth)| Some((queue, exact(depth?)))).collect();
    if !deepest.is_empty() {
        curves.push(("deepest since the last reading", object(deepest)));
    }
    curves
}

fn milliseconds(ns: u64) -> Value {
    json!(ns as f64 / 1e6)
}

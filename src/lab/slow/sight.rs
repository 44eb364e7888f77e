//! What is read of a server while a thread of it stands still.

use crate::probe::epoll_set::EpollSets;
use crate::probe::pointed;
use crate::probe::ptrace::Halt;
use crate::probe::ring::Rings;
use crate::probe::sock::Sockets;
use crate::probe::source::{SourceLines, Unknown};
use crate::servers::listings::listing;
use crate::trace::{CqeSight, Edge, RingSight, Source, SourceLine, SqeSight, Stop};

/// Looks into one process.
pub struct Sight {
    pid: u32,
    has_ring: bool,
    rings: Option<Rings>,
    sets: Option<EpollSets>,
    sockets: Option<Sockets>,
    /// Found out at the first stop that is shown: all libraries are there by then.
    lines: Option<Result<SourceLines, Unknown>>,
}

impl Sight {
    /// Of process `pid`; what cannot be read is left out.
    pub fn new(pid: u32, has_ring: bool) -> Self {
        let (sets, sockets) = (EpollSets::open(pid).ok(), Sockets::open(pid).ok());
        Self { pid, has_ring, rings: None, sets, sockets, lines: None }
    }

    /// All there is to see at a stop. The caller traces the thread.
    pub fn at(&mut self, halt: &Halt, request: u64, answered: bool) -> Stop {
        Stop {
            tid: halt.tid,
            edge: halt.edge,
            name: halt.name.clone(),
            args: halt.args,
            pointed: pointed::read(self.pid, &halt.name, &halt.args, halt.edge),
            request,
            answered,
            rings: self.rings(),
            sets: self.sets.as_mut().and_then(|sets| sets.read().ok()).unwrap_or_default(),
            sockets: self.sockets.as_mut().and_then(|sockets| sockets.read().ok()).unwrap_or_default(),
            source: self.source(halt.tid),
        }
    }

    /// The rings as they are now.
    pub fn rings(&mut self) -> Vec<RingSight> {
        if self.has_ring && self.rings.is_none() {
            self.rings = Rings::open(self.pid).ok().filter(|rings| !rings.is_empty());
        }
        self.rings.as_mut().map(sights).unwrap_or_default()
    }

    /// Lends the rings out, to be looked at from another thread.
    pub fn lend_rings(&mut self) -> Option<Rings> {
        self.rings();
        self.rings.take()
    }

    /// Takes them back.
    pub fn take_back(&mut self, rings: Rings) {
        self.rings = Some(rings);
    }

    fn source(&mut self, tid: u32) -> Source {
        let lines =
            self.lines.get_or_insert_with(|| SourceLines::of(self.pid, |path| listing(path).is_some()));
        match lines.as_mut().map_err(|why| why.clone()).and_then(|lines| lines.at(tid)) {
            Ok(line) => Source::Line(in_listing(line)),
            Err(Unknown(why)) => Source::Unknown { why },
        }
    }
}

/// The servers' process runs this very program, so the listings in it are what it was compiled from.
fn in_listing(line: SourceLine) -> SourceLine {
    match listing(&line.file) {
        Some(listing) => SourceLine {
            file: listing.path.to_owned(),
            says: listing.line(line.line).trim().to_owned(),
            ..line
        },
        None => line,
    }
}

/// What stands in rings now.
pub fn sights(rings: &mut Rings) -> Vec<RingSight> {
    let pending = rings.pending();
    let of = |ring: crate::trace::RingTotals| {
        let waits = pending.iter().find(|waits| waits.fd == ring.fd);
        let sqe = |sqe: &crate::probe::ring::Sqe| SqeSight {
            operation: sqe.operation.clone(),
            fd: sqe.fd,
            len: sqe.len,
            flags: sqe.flags,
            user_data: sqe.user_data,
        };
        let cqe = |cqe: &crate::probe::ring::Cqe| CqeSight {
            user_data: cqe.user_data,
            result: cqe.res,
            flags: cqe.flags,
        };
        RingSight {
            fd: ring.fd,
            entries: (ring.sq_entries, ring.cq_entries),
            sq: (ring.sq_head, ring.sq_tail),
            cq: (ring.cq_head, ring.cq_tail),
            flags: ring.sq_flags,
            sqes: waits.map(|waits| waits.sqes.iter().map(sqe).collect()).unwrap_or_default(),
            cqes: waits.map(|waits| waits.cqes.iter().map(cqe).collect()).unwrap_or_default(),
        }
    };
    rings.totals().into_iter().map(of).collect()
}

/// A look at rings that nobody stops for.
pub fn look(rings: Vec<RingSight>, request: u64, answered: bool) -> Stop {
    Stop {
        tid: 0,
        edge: Edge::Look,
        name: String::new(),
        args: [0; 6],
        pointed: crate::trace::Pointed::Nothing,
        request,
        answered,
        rings,
        sets: Vec::new(),
        sockets: Vec::new(),
        source: Source::Unknown { why: "no thread of the program stands still".into() },
    }
}

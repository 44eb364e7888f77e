//! What the learner may change of a lab: the load, the probes, the servers. Each is a row; a step up or down
//! is a pure function of the lab.

mod tracer;

use super::number::count;
use crate::lesson::Lab;
use crate::servers::{Column, SERVERS};
use crate::trace::{Load, Pace, Probing};

/// The most connections, idle ones included, that the controls go to.
const CONNECTIONS: &[u32] = &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384];

const IDLE: &[u32] = &[0, 10, 100, 500, 1000, 2000, 5000, 10_000];

const MESSAGE_BYTES: &[u32] = &[1, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576];

const RATE_PER_S: &[u64] =
    &[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000];

const BURST: &[u32] = &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

const PROBING: &[Probing] = &[Probing::Auto, Probing::Proc, Probing::Ring, Probing::Perf, Probing::Ptrace];

/// Something that can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Connections that send requests.
    Connections,
    /// Connections that are open and do nothing.
    Idle,
    /// Bytes of a message.
    Message,
    /// Requests a second; above the last one a closed loop.
    Rate,
    /// Requests in the same instant.
    Burst,
    /// Which probes may watch.
    Probe,
    /// Whether a tracer stops the servers at each call, and from which processor.
    Tracer,
    /// Whether a server is among those that run.
    Server(&'static str),
}

/// The rows for a lab: the load, the probes, then every server that may stand beside the others.
pub fn rows(lab: &Lab) -> Vec<Control> {
    let mut rows = vec![
        Control::Connections,
        Control::Idle,
        Control::Message,
        Control::Rate,
        Control::Burst,
        Control::Probe,
        Control::Tracer,
    ];
    let listed = SERVERS.iter().filter(|server| !server.flawed || runs(lab, server.name));
    rows.extend(listed.map(|server| Control::Server(server.name)));
    rows
}

impl Control {
    /// Its name.
    pub fn label(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Idle => "idle connections",
            Self::Message => "message",
            Self::Rate => "rate",
            Self::Burst => "burst",
            Self::Probe => "probes",
            Self::Tracer => "tracer",
            Self::Server(name) => name,
        }
    }

    /// What it stands at.
    pub fn value(self, lab: &Lab) -> String {
        let load = &lab.load;
        match self {
            Self::Connections => count(load.connections.into()),
            Self::Idle => count(load.idle.into()),
            Self::Message => format!("{} B", count(load.message_bytes.into())),
            Self::Rate => match load.pace {
                Pace::Max => "as fast as it goes".into(),
                Pace::PerSecond(rate) => format!("{} a second", count(rate)),
            },
            Self::Burst => count(load.burst.into()),
            Self::Probe => lab.probing.word().into(),
            Self::Tracer => tracer::value(lab).into(),
            Self::Server(_) => if self.is_on(lab) { "runs" } else { "no  " }.into(),
        }
    }

    /// Whether a server is among those that run; everything else always is.
    pub fn is_on(self, lab: &Lab) -> bool {
        match self {
            Self::Server(name) => runs(lab, name),
            _ => true,
        }
    }

    /// The lab with this one step up or down.
    ///
    /// # Errors
    /// Why it cannot go there.
    pub fn turned(self, lab: &Lab, up: bool) -> Result<Lab, &'static str> {
        let mut lab = lab.clone();
        let load = &mut lab.load;
        match self {
            Self::Connections => {
                if lab.servers.iter().any(|column| column.contains('@')) {
                    return Err("these columns have connections of their own");
                }
                load.connections = step(CONNECTIONS, load.connections, up).ok_or(NO_FURTHER)?;
                load.burst = load.burst.min(load.connections);
            }
            Self::Idle => load.idle = step(IDLE, load.idle, up).ok_or(NO_FURTHER)?,
            Self::Message => {
                load.message_bytes = step(MESSAGE_BYTES, load.message_bytes, up).ok_or(NO_FURTHER)?;
            }
            Self::Rate => turn_rate(load, up)?,
            Self::Burst => {
                if load.pace == Pace::Max {
                    return Err("a closed loop has no bursts; lower the rate first");
                }
                let burst = step(BURST, load.burst, up).ok_or(NO_FURTHER)?;
                if burst > load.connections {
                    return Err("each request of a burst goes over a connection of its own");
                }
                load.burst = burst;
            }
            Self::Probe => lab.probing = step_among(PROBING, lab.probing, up).ok_or(NO_FURTHER)?,
            Self::Tracer => tracer::turn(&mut lab, up).ok_or(NO_FURTHER)?,
            Self::Server(name) => turn_server(&mut lab, name)?,
        }
        Ok(lab)
    }
}

const NO_FURTHER: &str = "it goes no further";

/// From the highest rate it goes on to a closed loop, and back.
fn turn_rate(load: &mut Load, up: bool) -> Result<(), &'static str> {
    load.pace = match (load.pace, up) {
        (Pace::Max, true) => return Err(NO_FURTHER),
        (Pace::Max, false) => Pace::PerSecond(*RATE_PER_S.last().unwrap_or(&1)),
        (Pace::PerSecond(rate), _) => match step(RATE_PER_S, rate, up) {
            Some(rate) => Pace::PerSecond(rate),
            None if up => Pace::Max,
            None => return Err(NO_FURTHER),
        },
    };
    if load.pace == Pace::Max {
        load.burst = 1;
    }
    Ok(())
}

/// Takes a server in, in the order of the table, or out; one always runs.
fn turn_server(lab: &mut Lab, name: &'static str) -> Result<(), &'static str> {
    if !runs(lab, name) {
        lab.servers.push(name.to_owned());
        let place = |column: &String| {
            let server = Column::parse(column).map(|column| column.server.name);
            SERVERS.iter().position(|row| Some(row.name) == server)
        };
        lab.servers.sort_by_key(place);
        return Ok(());
    }
    let others: Vec<_> = lab.servers.iter().filter(|column| !is_of(column, name)).cloned().collect();
    if others.is_empty() {
        return Err("at least one server must run");
    }
    lab.servers = others;
    Ok(())
}

fn runs(lab: &Lab, name: &str) -> bool {
    lab.servers.iter().any(|column| is_of(column, name))
}

fn is_of(column: &str, name: &str) -> bool {
    Column::parse(column).is_some_and(|column| column.server.name == name)
}

/// The next value of a scale above or below one that need not be on it.
fn step<T: Copy + Ord>(scale: &[T], from: T, up: bool) -> Option<T> {
    match up {
        true => scale.iter().copied().find(|value| *value > from),
        false => scale.iter().rev().copied().find(|value| *value < from),
    }
}

fn step_among<T: Copy + PartialEq>(scale: &[T], from: T, up: bool) -> Option<T> {
    let at = scale.iter().position(|value| *value == from)?;
    scale.get(if up { at.checked_add(1)? } else { at.checked_sub(1)? }).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::Kind;

    fn lab(servers: &[&str]) -> Lab {
        Lab {
            kind: Kind::Servers,
            servers: servers.iter().map(ToString::to_string).collect(),
            load: Load { pace: Pace::PerSecond(2000), burst: 64, ..Load::default() },
            idle_then: Vec::new(),
            probing: Probing::Auto,
            show: Vec::new(),
            metrics: Vec::new(),
            recording: None,
            why: String::new(),
        }
    }

    fn turned(lab: &Lab, control: Control, ups: i32) -> Lab {
        (0..ups.abs()).fold(lab.clone(), |lab, _| control.turned(&lab, ups > 0).unwrap_or(lab))
    }

    #[test]
    fn whatever_is_turned_remains_a_load_that_can_be() {
        let lab = lab(&["epoll", "uring"]);
        let fewer = turned(&lab, Control::Connections, -3).load;
        assert_eq!((fewer.connections, fewer.burst), (8, 8), "a burst needs as many connections");
        let flat_out = turned(&lab, Control::Rate, 50);
        assert_eq!((flat_out.load.pace, flat_out.load.burst), (Pace::Max, 1));
        assert!(Control::Burst.turned(&flat_out, true).is_err());
        assert_eq!(turned(&flat_out, Control::Rate, -1).load.pace, Pace::PerSecond(100_000));
        assert_eq!(turned(&lab, Control::Connections, -50).load.connections, 1);
        assert_eq!(turned(&lab, Control::Idle, 50).load.idle, 10_000);
    }

    #[test]
    fn a_server_is_taken_in_and_out_and_one_stays() {
        let one = lab(&["uring"]);
        let two = turned(&one, Control::Server("epoll"), 1);
        assert_eq!(two.servers, ["epoll", "uring"], "in the order of the table");
        assert_eq!(turned(&two, Control::Server("epoll"), -1).servers, ["uring"]);
        assert!(Control::Server("uring").turned(&one, false).is_err());
    }

    #[test]
    fn servers_are_traced_from_one_side_or_stand_side_by_side() {
        let two = lab(&["epoll", "uring"]);
        let settings: Vec<_> = (0..4).map(|ups| turned(&two, Control::Tracer, ups)).collect();
        let told: Vec<_> = settings.iter().map(|lab| Control::Tracer.value(lab)).collect();
        assert_eq!(told, ["none", "same processor", "other processor", "all three, side by side"]);
        assert_eq!(settings[1].servers, ["epoll+same", "uring+same"]);
        let three = ["epoll", "epoll+same", "epoll+other", "uring", "uring+same", "uring+other"];
        assert_eq!(settings[3].servers, three);
        assert_eq!(turned(&settings[3], Control::Tracer, -3).servers, two.servers);
        assert!(Control::Tracer.turned(&settings[3], true).is_err());
    }

    #[test]
    fn columns_with_connections_of_their_own_keep_them() {
        assert!(Control::Connections.turned(&lab(&["threads@1", "threads@64"]), true).is_err());
    }
}

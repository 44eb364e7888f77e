//! What the ways of waiting cost beside each other: one recorded run, from the document that `iolab lab … --format json` printed.

use serde_json::Value;

use super::Fault;
use super::html::{block, escaped};
use super::number::number;
use crate::screen::rounded;
use crate::servers::Column;

/// The document that can be read.
const SCHEMA: &str = "iolab.lab/1";

/// How it is recorded, on a machine that has nothing else to do.
pub(super) const RECORDED_BY: &str =
    "iolab lab threads select poll epoll uring uring-multishot --connections 50 --rate max --format json";

/// Beside which server the others are put.
const BESIDE: &str = "epoll";

/// The table.
///
/// # Errors
/// A document that is something else, or without a number that the table needs.
pub(super) fn table(document: &str) -> Result<String, Fault> {
    let document: Value =
        serde_json::from_str(document).map_err(|error| fault(&format!("is not JSON: {error}")))?;
    if document["schema"] != SCHEMA {
        return Err(fault(&format!("is not of the schema {SCHEMA}")));
    }
    let servers = document["servers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let beside = servers.iter().find(|server| server["server"] == BESIDE);
    let beside = beside.ok_or_else(|| fault(&format!("has no {BESIDE} to put the others beside")))?;
    let of_beside = metric(beside, "cpu_ns_per_request")?.0;
    let rows = servers.iter().map(|server| row(server, of_beside)).collect::<Result<String, _>>()?;
    Ok(block(&format!(
        "<p class=\"io-meta\">{}</p>\n<div class=\"table-wrapper\"><table>\n<thead><tr><th>server</th><th>CPU for an echo</th>\
         <th>beside {BESIDE}</th><th>system calls for an echo</th></tr></thead>\n<tbody>\n{rows}</tbody></table></div>",
        came_from(&document)?
    )))
}

fn fault(says: &str) -> Fault {
    Fault::new(format!("book/choosing.json {says}; record it anew: {RECORDED_BY} > book/choosing.json"))
}

/// A number of a server, and how far its rounds lay apart.
fn metric(server: &Value, key: &str) -> Result<(f64, Option<f64>), Fault> {
    let metric = &server["metrics"][key];
    let value =
        metric["value"].as_f64().ok_or_else(|| fault(&format!("has no {key} of {}", server["server"])))?;
    Ok((value, metric["spread"].as_f64()))
}

fn row(server: &Value, of_beside: f64) -> Result<String, Fault> {
    let name = server["server"].as_str().unwrap_or_default();
    let says = Column::parse(name).map_or("", |column| column.server.says);
    let (cpu, cpu_spread) = metric(server, "cpu_ns_per_request")?;
    let (calls, calls_spread) = metric(server, "syscalls_per_request")?;
    Ok(format!(
        "<tr><td><code>{}</code> <span class=\"io-also\">{}</span></td><td>{}</td><td>{}\u{a0}×</td><td>{}</td></tr>\n",
        escaped(name),
        escaped(says),
        number(cpu, "ns", cpu_spread),
        rounded(cpu / of_beside),
        number(calls, "", calls_spread)
    ))
}

/// The load, the machine and the way to a table of one's own.
fn came_from(document: &Value) -> Result<String, Fault> {
    let (machine, load) = (&document["machine"], &document["load"]);
    let (Some(kernel), Some(cpus)) = (machine["kernel"].as_str(), machine["cpus"].as_u64()) else {
        return Err(fault("does not say on which machine it ran"));
    };
    let (Some(connections), Some(bytes)) = (load["connections"].as_u64(), load["message_bytes"].as_u64())
    else {
        return Err(fault("does not say under which load it ran"));
    };
    let kind = if machine["virtual"] == true { "virtual " } else { "" };
    Ok(format!(
        "One run: {connections} connections that always have something to say, {bytes} bytes a message, the servers in \
         turns, round by round, the median of the rounds ± how far they lay apart. Linux {}, {cpus} {kind}CPUs ({}). Yours: \
         <code>{RECORDED_BY}</code>",
        escaped(kernel),
        escaped(machine["cpu"].as_str().unwrap_or("unknown")),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Value {
        let server = |name: &str, cpu: f64, calls: f64| {
            serde_json::json!({ "server": name, "metrics": {
                "cpu_ns_per_request": { "value": cpu, "rung": "proc", "spread": 400.0 },
                "syscalls_per_request": { "value": calls, "rung": "perf", "spread": 0.0 },
            } })
        };
        serde_json::json!({
            "schema": SCHEMA,
            "machine": { "kernel": "6.18.44", "cpus": 2, "cpu": "AMD EPYC", "virtual": true },
            "load": { "connections": 50, "message_bytes": 64 },
            "servers": [server("epoll", 4000.0, 2.02), server("uring", 3000.0, 0.04)],
        })
    }

    #[test]
    fn costs_stand_beside_those_of_epoll() {
        let table = table(&document().to_string()).unwrap().replace('\u{a0}', " ");
        for says in [
            "50 connections",
            "Linux 6.18.44, 2 virtual CPUs (AMD EPYC)",
            "<td>4 µs ± 400 ns</td><td>1.00 ×</td><td>2.02</td>",
            "<td>3 µs ± 400 ns</td><td>0.75 ×</td><td>0.040</td>",
        ] {
            assert!(table.contains(says), "{says} is not in\n{table}");
        }
    }

    #[test]
    fn what_the_table_needs_is_there_or_it_is_a_fault() {
        for (from, to) in [
            ("iolab.lab/1", "iolab.lab/2"),
            ("epoll", "poll"),
            ("cpu_ns_per_request", "cpu"),
            ("kernel", "k"),
        ] {
            let broken = document().to_string().replace(from, to);
            assert!(table(&broken).is_err(), "{to}");
        }
        assert!(table("").is_err());
    }
}

//! Numbers as people read them: units that fit, fixed decimals, thousands apart.

use super::theme::Glyphs;
use crate::world::{MetricId, ServerView};

/// A count with its thousands apart: `4 723`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// A count in four columns at most: `999`, `1.2k`, `345k`, `6.7M`. Cut, never rounded up.
pub fn compact(n: u64) -> String {
    const UNITS: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];
    let mut divisor = 1_u64;
    for unit in UNITS {
        let whole = n / divisor;
        if whole < 1000 {
            let tenths = n / (divisor / 10).max(1) % 10;
            let short = divisor == 1 || whole >= 10;
            return if short { format!("{whole}{unit}") } else { format!("{whole}.{tenths}{unit}") };
        }
        divisor = divisor.saturating_mul(1000);
    }
    n.to_string()
}

/// A time as seconds: `3.2 s`.
pub fn seconds(ns: u64) -> String {
    format!("{}.{} s", ns / 1_000_000_000, ns / 100_000_000 % 10)
}

/// An instant to the microsecond: `1.284 731 s`.
pub fn clock(ns: u64) -> String {
    let us = ns / 1000;
    format!("{}.{:03} {:03} s", us / 1_000_000, us / 1000 % 1000, us % 1000)
}

/// A length of time in the unit that suits it: `850 ns`, `12.3 µs`, `1.25 ms`, `2.4 s`.
pub fn span(ns: u64) -> String {
    let in_unit = |unit_ns: u64, unit: &str| {
        let value = ns as f64 / unit_ns as f64;
        let decimals = match value {
            _ if ns.is_multiple_of(unit_ns) => 0,
            small if small < 10.0 => 2,
            small if small < 100.0 => 1,
            _ => 0,
        };
        format!("{value:.decimals$} {unit}")
    };
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => in_unit(1_000, "µs"),
        1_000_000..1_000_000_000 => in_unit(1_000_000, "ms"),
        _ => in_unit(1_000_000_000, "s"),
    }
}

/// How the numbers of one metric are written, the same for all servers so that they can be compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    divisor: f64,
    decimals: usize,
    /// What the scaled number counts: `µs`, or nothing.
    pub unit: &'static str,
}

impl Scale {
    /// The scale of a metric beside these servers: times of one kind share a unit, so that they can be
    /// compared.
    pub fn among(id: MetricId, servers: &[&ServerView<'_>], glyphs: &Glyphs) -> Self {
        use MetricId::{
            CpuNs, CpuNsPerRequest, KernelNsPerRequest, LatencyP50Ns, LatencyP99Ns, UserNsPerRequest,
        };
        let family: &[MetricId] = match id {
            CpuNsPerRequest | UserNsPerRequest | KernelNsPerRequest => {
                &[CpuNsPerRequest, UserNsPerRequest, KernelNsPerRequest]
            }
            LatencyP50Ns | LatencyP99Ns => &[LatencyP50Ns, LatencyP99Ns],
            CpuNs => &[CpuNs],
            _ => &[],
        };
        let values =
            family.iter().flat_map(|id| servers.iter().filter_map(|server| server.metric(*id)?.value()));
        Self::of(id, values.fold(0.0, f64::max), glyphs)
    }

    /// The scale that suits the largest of these values.
    pub fn of(id: MetricId, largest: f64, glyphs: &Glyphs) -> Self {
        let plain = |decimals| Self { divisor: 1.0, decimals, unit: "" };
        match id {
            MetricId::VoluntarySwitchesPerRequest
            | MetricId::InvoluntarySwitchesPerRequest
            | MetricId::VoluntarySwitchesPerSyscall => plain(3),
            MetricId::SyscallsPerRequest
            | MetricId::SqesPerRequest
            | MetricId::CqesPerRequest
            | MetricId::SqesPerEnter
            | MetricId::CqeContentsSeen => plain(2),
            MetricId::RequestsPerSecond
            | MetricId::Syscalls
            | MetricId::VoluntarySwitches
            | MetricId::InvoluntarySwitches
            | MetricId::SyscallsPerSecond
            | MetricId::VoluntarySwitchesPerSecond
            | MetricId::InvoluntarySwitchesPerSecond
            | MetricId::Sqes
            | MetricId::Cqes => plain(0),
            MetricId::CpuShare => plain(1),
            MetricId::CpuNsPerRequest
            | MetricId::CpuNs
            | MetricId::UserNsPerRequest
            | MetricId::KernelNsPerRequest
            | MetricId::LatencyP50Ns
            | MetricId::LatencyP99Ns => match largest {
                ns if ns >= 1e7 => Self { divisor: 1e6, decimals: 2, unit: "ms" },
                ns if ns >= 1e3 => Self { divisor: 1e3, decimals: 2, unit: glyphs.micro },
                _ => Self { divisor: 1.0, decimals: 0, unit: "ns" },
            },
        }
    }

    /// The number in this scale's unit.
    pub fn scaled(self, value: f64) -> f64 {
        value / self.divisor
    }

    /// The number, split at its point: what comes before it, and the point with what follows.
    pub fn write(self, value: f64) -> (String, String) {
        let scaled = self.scaled(value);
        if !scaled.is_finite() {
            return ("?".into(), String::new());
        }
        let text = format!("{:.*}", self.decimals, scaled.abs());
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let sign = if scaled < 0.0 { "-" } else { "" };
        let whole = whole.parse().map_or_else(|_| whole.to_owned(), count);
        let fraction = if fraction.is_empty() { String::new() } else { format!(".{fraction}") };
        (format!("{sign}{whole}"), fraction)
    }

    /// The number in one piece.
    pub fn text(self, value: f64) -> String {
        let (whole, fraction) = self.write(value);
        whole + &fraction
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::Theme;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(4_723), "4 723");
        assert_eq!(count(1_234_567), "1 234 567");
    }

    #[test]
    fn a_compact_count_takes_four_columns() {
        let shown = [0, 999, 1_000, 1_299, 9_999, 12_345, 999_999, 6_700_000, u64::MAX].map(compact);
        assert_eq!(shown, ["0", "999", "1.0k", "1.2k", "9.9k", "12k", "999k", "6.7M", "18E"]);
    }

    #[test]
    fn a_time_takes_the_unit_that_suits_the_largest() {
        let glyphs = Theme::DEFAULT.glyphs();
        let scale = Scale::of(MetricId::CpuNsPerRequest, 4_321.0, glyphs);
        assert_eq!((scale.unit, scale.text(4_321.0)), ("µs", "4.32".into()));
        assert_eq!(scale.text(87.0), "0.09");
        let scale = Scale::of(MetricId::CpuNsPerRequest, 871.0, glyphs);
        assert_eq!((scale.unit, scale.text(871.0)), ("ns", "871".into()));
    }

    #[test]
    fn instants_and_lengths_of_time_have_the_digits_that_they_need() {
        assert_eq!(clock(1_284_731_999), "1.284 731 s");
        let shown = [0, 850, 1_000, 20_000, 12_340, 1_250_000, 100_000_000, 2_400_000_000].map(span);
        let expected = ["0 ns", "850 ns", "1 µs", "20 µs", "12.3 µs", "1.25 ms", "100 ms", "2.40 s"];
        assert_eq!(shown, expected);
    }

    #[test]
    fn what_is_no_number_is_no_number() {
        let scale = Scale::of(MetricId::SyscallsPerRequest, 1.0, Theme::DEFAULT.glyphs());
        assert_eq!(scale.text(f64::NAN), "?");
    }
}

//! Figures: what each means, those of a round, and those of all rounds of one server.

/// What one number of a report means. The JSON key carries the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// The key in JSON, unit last.
    pub(super) key: &'static str,
    /// The name in a table.
    pub(super) name: &'static str,
    /// The unit in a table.
    pub(super) unit: &'static str,
    /// Digits after the point.
    pub(super) digits: usize,
}

/// Deliveries that all receivers got in a second.
pub(super) const DELIVERIES_PER_S: Kind = kind("deliveries_per_s", "deliveries", "/s", 0);
/// The time of one round.
pub(super) const WALL_S: Kind = kind("wall_s", "wall time", "s", 3);
/// The server's processor time for one delivery.
pub(super) const SERVER_NS: Kind = kind("server_cpu_ns_per_delivery", "CPU per delivery", "ns", 1);
/// How much of one processor the server used.
pub(super) const SERVER_SHARE: Kind = kind("server_cpu_percent", "server CPU", "%", 0);
/// How much of one processor this program used.
pub(super) const LOAD_SHARE: Kind = kind("load_cpu_percent", "load CPU", "%", 0);
/// The server's resident memory at the end.
pub(super) const RESIDENT_MIB: Kind = kind("resident_mib", "resident memory", "MiB", 1);
/// Resident memory that each connection added.
pub(super) const CONNECTION_BYTES: Kind =
    kind("resident_bytes_per_connection", "memory per connection", "B", 0);
/// The same after everybody had much to say and to read at once.
pub(super) const AFTER_BURST_BYTES: Kind =
    kind("after_burst_bytes_per_connection", "after a burst to all", "B", 0);
/// The time until all clients were registered.
pub(super) const REGISTER_S: Kind = kind("register_s", "registering all", "s", 3);
/// The time from then until all were in their channels.
pub(super) const JOIN_S: Kind = kind("join_s", "joining all", "s", 3);
/// The server's processor time in a second of silence.
pub(super) const IDLE_US: Kind = kind("idle_cpu_us_per_s", "CPU while idle", "µs/s", 1);
/// The server's processor time for each client of a storm, from connecting to being in the channel.
pub(super) const CLIENT_US: Kind = kind("server_cpu_us_per_client", "CPU per client", "µs", 1);
/// The same for each JOIN that a member was told of: constant if only what the protocol demands grows.
pub(super) const JOIN_NS: Kind = kind("server_cpu_ns_per_join_told", "CPU per JOIN told", "ns", 1);
/// The server's processor time for each who came and went.
pub(super) const CHURN_US: Kind = kind("server_cpu_us_per_churn", "CPU per join and quit", "µs", 1);
/// How many came and went in a second.
pub(super) const CHURNS_PER_S: Kind = kind("churns_per_s", "joins and quits", "/s", 0);
/// The server's processor time for a delivery with all capabilities.
pub(super) const TAGGED_NS: Kind = kind("tagged_cpu_ns_per_delivery", "CPU with tags", "ns", 1);
/// The server's processor time for a delivery with none.
pub(super) const PLAIN_NS: Kind = kind("plain_cpu_ns_per_delivery", "CPU without", "ns", 1);
/// The first of these by the second.
pub(super) const TAGS_RATIO: Kind = kind("tagged_by_plain", "with by without", "", 2);
/// Slow readers that the server ended.
pub(super) const ENDED: Kind = kind("slow_readers_ended", "slow readers ended", "", 0);
/// Half the deliveries took no longer.
pub(super) const P50_US: Kind = kind("latency_p50_us", "p50", "µs", 0);
/// 99 of 100 deliveries took no longer.
pub(super) const P99_US: Kind = kind("latency_p99_us", "p99", "µs", 0);
/// 999 of 1000 deliveries took no longer.
pub(super) const P999_US: Kind = kind("latency_p999_us", "p99.9", "µs", 0);
/// No delivery took longer.
pub(super) const MAX_US: Kind = kind("latency_max_us", "longest", "µs", 0);
/// The longest that the load itself was behind its schedule.
pub(super) const LATE_US: Kind = kind("sent_late_max_us", "sent late, longest", "µs", 0);

/// One number.
pub(super) type Figure = (Kind, f64);

/// What one round found.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// Each kind once.
    pub(super) figures: Vec<Figure>,
    /// How much of a processor each thread of the server used.
    pub(super) threads: Vec<(String, f64)>,
    /// What a reader should know before believing the figures.
    pub(super) warnings: Vec<String>,
}

/// What all rounds found of one server.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// The server's name.
    pub(super) name: String,
    /// The rounds that it went through.
    pub(super) rounds: Vec<Round>,
    /// Why it went through no more.
    pub(super) failed: Option<String>,
}

impl Report {
    /// The median of one figure over the rounds; nothing if it was not measured.
    pub(super) fn median(&self, kind: Kind) -> Option<f64> {
        median(self.values(kind))
    }

    /// One figure of each round.
    pub(super) fn values(&self, kind: Kind) -> impl Iterator<Item = f64> {
        let figures = self.rounds.iter().flat_map(|round| &round.figures);
        figures.filter(move |figure| figure.0 == kind).map(|figure| figure.1)
    }

    /// What was measured, in the order of the first round.
    pub(super) fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.rounds.first().into_iter().flat_map(|round| &round.figures).map(|figure| figure.0)
    }

    /// One figure by the same figure of another server, in each round that both went through.
    pub(super) fn ratios(&self, base: &Self, kind: Kind) -> impl Iterator<Item = f64> {
        self.values(kind).zip(base.values(kind)).map(|(figure, base)| figure / base)
    }
}

impl Kind {
    /// A value of this kind, thousands apart, without its unit.
    pub(super) fn show(self, value: f64) -> String {
        let plain = format!("{value:.*}", self.digits);
        let whole = plain.find('.').unwrap_or(plain.len());
        let mut shown = String::new();
        for (place, character) in plain.char_indices() {
            let left = whole.saturating_sub(place);
            if place > 0 && left > 0 && left % 3 == 0 && !shown.ends_with('-') {
                shown.push(',');
            }
            shown.push(character);
        }
        shown
    }

    /// Name and unit.
    pub(super) fn heading(self) -> String {
        if self.unit.is_empty() {
            self.name.to_owned()
        } else {
            format!("{}, {}", self.name, self.unit)
        }
    }
}

/// The middle value; the mean of the two middle ones if their number is even; none of nothing.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle.wrapping_sub(1)), values.get(middle)) {
        (Some(low), Some(high)) if values.len().is_multiple_of(2) => Some((low + high) / 2.0),
        (_, middle) => middle.copied(),
    }
}

/// The lowest and the highest value.
pub(super) fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    })
}

const fn kind(key: &'static str, name: &'static str, unit: &'static str, digits: usize) -> Kind {
    Kind { key, name, unit, digits }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(costs: &[f64]) -> Report {
        let round = |&ns| Round { figures: vec![(SERVER_NS, ns)], ..Round::default() };
        Report { rounds: costs.iter().map(round).collect(), ..Report::default() }
    }

    #[test]
    fn the_median_is_the_middle_of_the_sorted() {
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median([]), None);
    }

    #[test]
    fn numbers_have_commas_between_thousands() {
        assert_eq!(DELIVERIES_PER_S.show(1_234_567.4), "1,234,567");
        assert_eq!(WALL_S.show(1234.5), "1,234.500");
        assert_eq!(WALL_S.show(0.25), "0.250");
        assert_eq!(DELIVERIES_PER_S.show(-123.0), "-123");
    }

    #[test]
    fn ratios_are_paired_by_round() {
        let (floor, ours) = (report(&[50.0, 100.0, 60.0]), report(&[100.0, 150.0, 120.0]));
        assert_eq!(ours.ratios(&floor, SERVER_NS).collect::<Vec<_>>(), [2.0, 1.5, 2.0]);
        assert_eq!(ours.median(SERVER_NS), Some(120.0));
        assert_eq!(ours.median(WALL_S), None);
    }
}

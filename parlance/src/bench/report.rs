//! Figures and how they are printed: one table for people, or one JSON object.

use serde_json::{Map, Value, json};

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
pub(super) const SERVER_NS: Kind =
    kind("server_cpu_ns_per_delivery", "server CPU per delivery", "ns", 1);
/// How much of one processor the server used.
pub(super) const SERVER_SHARE: Kind = kind("server_cpu_percent", "server CPU share", "%", 1);
/// How much of one processor this program used.
pub(super) const LOAD_SHARE: Kind = kind("load_cpu_percent", "load generator CPU share", "%", 1);
/// The load generator's processor time for one delivery.
pub(super) const LOAD_NS: Kind = kind("load_cpu_ns_per_delivery", "load CPU per delivery", "ns", 1);
/// The server's resident memory before.
pub(super) const BEFORE_BYTES: Kind =
    kind("resident_before_bytes", "resident memory before", "B", 0);
/// The server's resident memory after.
pub(super) const AFTER_BYTES: Kind = kind("resident_after_bytes", "resident memory after", "B", 0);
/// Resident memory that each connection added.
pub(super) const BYTES_PER_CONNECTION: Kind =
    kind("resident_bytes_per_connection", "resident memory per connection", "B", 0);
/// The time until all clients were registered.
pub(super) const REGISTER_S: Kind = kind("register_s", "registration of all", "s", 3);
/// The server's processor time in a second of silence.
pub(super) const IDLE_US: Kind = kind("server_cpu_us_per_s", "server CPU while idle", "µs/s", 1);
/// Half the deliveries took no longer.
pub(super) const P50_US: Kind = kind("latency_p50_us", "latency p50", "µs", 0);
/// 99 of 100 deliveries took no longer.
pub(super) const P99_US: Kind = kind("latency_p99_us", "latency p99", "µs", 0);
/// 999 of 1000 deliveries took no longer.
pub(super) const P999_US: Kind = kind("latency_p999_us", "latency p99.9", "µs", 0);
/// No delivery took longer.
pub(super) const MAX_US: Kind = kind("latency_max_us", "latency max", "µs", 0);
/// The longest that the load itself was behind its schedule.
pub(super) const LATE_US: Kind = kind("sent_late_max_us", "sent late, max", "µs", 0);

/// One number.
pub(super) type Figure = (Kind, f64);

/// What a benchmark found.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// What was measured, on one line.
    pub(super) title: String,
    /// The figures of each round, the same kinds in the same order.
    pub(super) rounds: Vec<Vec<Figure>>,
    /// What a reader should know before believing the figures.
    pub(super) warnings: Vec<String>,
}

impl Report {
    /// The median of each figure over the rounds.
    pub(super) fn medians(&self) -> Vec<Figure> {
        let kinds = self.rounds.first().into_iter().flatten();
        kinds.map(|&(kind, _)| (kind, self.median(kind))).collect()
    }

    /// The median of one figure over the rounds; 0 if it was not measured.
    pub(super) fn median(&self, kind: Kind) -> f64 {
        median(self.values(kind))
    }

    /// One figure of each round.
    pub(super) fn values(&self, kind: Kind) -> impl Iterator<Item = f64> {
        self.rounds.iter().flatten().filter(move |figure| figure.0 == kind).map(|figure| figure.1)
    }

    /// Adds the rounds of another report on the same subject.
    pub(super) fn extend(&mut self, other: Self) {
        self.title = other.title;
        self.rounds.extend(other.rounds);
        self.warnings.extend(other.warnings);
    }

    /// The table for people: the median of each figure, and its range if there are several rounds.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{}\n", self.title);
        for (kind, median) in self.medians() {
            text += &format!("  {:<30} {:>16} {}", kind.name, kind.show(median), kind.unit);
            if self.rounds.len() > 1 {
                let (low, high) = range(self.values(kind));
                text += &format!("  ({} to {})", kind.show(low), kind.show(high));
            }
            text.push('\n');
        }
        if self.rounds.len() > 1 {
            text += &format!("  medians of {} rounds (lowest to highest)\n", self.rounds.len());
        }
        for warning in &self.warnings {
            text += &format!("  warning: {warning}\n");
        }
        text
    }

    /// The same as one object: `title`, `median`, `rounds`, `warnings`.
    pub(super) fn json(&self) -> Value {
        json!({
            "title": self.title,
            "median": object(&self.medians()),
            "rounds": self.rounds.iter().map(|round| object(round)).collect::<Vec<_>>(),
            "warnings": self.warnings,
        })
    }

    /// Prints it on standard output, as text or as one line of JSON.
    pub(super) fn print(&self, as_json: bool) {
        if as_json {
            println!("{}", self.json());
        } else {
            print!("{}", self.text());
        }
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
                shown.push(' ');
            }
            shown.push(character);
        }
        shown
    }
}

/// The middle value; the mean of the two middle ones if their number is even; 0 of nothing.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle.wrapping_sub(1)), values.get(middle)) {
        (Some(low), Some(high)) if values.len().is_multiple_of(2) => (low + high) / 2.0,
        (_, Some(middle)) => *middle,
        _ => 0.0,
    }
}

/// Figures as a JSON object.
fn object(figures: &[Figure]) -> Value {
    let fields = figures.iter().map(|&(kind, value)| (kind.key.to_owned(), json!(value)));
    Value::Object(fields.collect::<Map<_, _>>())
}

const fn kind(key: &'static str, name: &'static str, unit: &'static str, digits: usize) -> Kind {
    Kind { key, name, unit, digits }
}

/// The lowest and the highest value.
pub(super) fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(rates: &[f64]) -> Report {
        Report {
            title: "fanout".into(),
            rounds: rates.iter().map(|&rate| vec![(DELIVERIES_PER_S, rate)]).collect(),
            warnings: vec![],
        }
    }

    #[test]
    fn the_median_is_the_middle_of_the_sorted() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median([]), 0.0);
    }

    #[test]
    fn numbers_have_spaces_between_thousands() {
        assert_eq!(DELIVERIES_PER_S.show(1_234_567.4), "1 234 567");
        assert_eq!(WALL_S.show(1234.5), "1 234.500");
        assert_eq!(WALL_S.show(0.25), "0.250");
        assert_eq!(DELIVERIES_PER_S.show(-123.0), "-123");
    }

    #[test]
    fn text_names_every_figure_with_its_unit() {
        let line = "  deliveries                                2 000 /s  (1 000 to 9 000)\n";
        let text = report(&[2000.0, 9000.0, 1000.0]).text();
        assert_eq!(text, format!("fanout\n{line}  medians of 3 rounds (lowest to highest)\n"));
    }

    #[test]
    fn json_keeps_every_round() {
        let json = report(&[1.0, 2.0]).json();
        assert_eq!(json["median"]["deliveries_per_s"], 1.5);
        assert_eq!(json["rounds"][1]["deliveries_per_s"], 2.0);
    }
}

//! One attack on one runtime: what was measured, and which bounds that breaks.

use super::{gauge::Held, ledger::Faults};

/// What was measured.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    /// The attack's name.
    pub(super) attack: &'static str,
    /// What drove the server.
    pub(super) runtime: String,
    /// What the attackers got, in words.
    pub(super) got: String,
    /// Deliveries that honest clients had to get.
    pub(super) deliveries: u64,
    /// What they did not get as they had to.
    pub(super) faults: Faults,
    /// Latency of 99 in 100 deliveries while nobody attacked.
    pub(super) quiet_p99_us: u64,
    /// The same during the attack.
    pub(super) attack_p99_us: u64,
    /// What the server held before.
    pub(super) before: Held,
    /// The most that it held.
    pub(super) highest: Held,
    /// What it held afterwards.
    pub(super) after: Held,
    /// Memory that its configuration allows.
    pub(super) bound_bytes: u64,
    /// Why the attack could not be made here.
    pub(super) skipped: Option<String>,
    /// Bounds that were broken.
    pub(super) broken: Vec<String>,
}

impl Row {
    /// Latency during the attack, by that without.
    pub(super) fn ratio(&self) -> f64 {
        self.attack_p99_us as f64 / self.quiet_p99_us.max(1) as f64
    }

    /// Adds each bound that does not hold: of delivery always, of latency, memory and descriptors if
    /// `measures` are to be believed.
    pub(super) fn judge(&mut self, measures: bool) {
        let Faults { lost, repeated, overtaken, stray } = self.faults;
        let none = |count: u64, what: &str| (count > 0).then(|| format!("{count} {what}"));
        let delivery =
            [none(lost, "lost"), none(repeated, "twice"), none(overtaken, "out of order")];
        self.broken.extend(delivery.into_iter().flatten());
        self.broken.extend(none(stray, "astray"));
        if self.deliveries == 0 {
            self.broken.push("nothing was delivered".into());
        }
        if !measures {
            return;
        }
        if self.ratio() > MOST_RATIO {
            self.broken.push(format!("latency {:.1} times the quiet one", self.ratio()));
        }
        if self.highest.memory_bytes > self.bound_bytes {
            self.broken.push("memory above its bound".into());
        }
        if !self.after.is_back_to(self.before) {
            self.broken.push("memory or descriptors not given back".into());
        }
    }
}

/// How much slower an attack may make the others.
const MOST_RATIO: f64 = 5.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> Row {
        let held = Held { memory_bytes: 1000, descriptors: 100 };
        Row {
            deliveries: 10,
            quiet_p99_us: 100,
            attack_p99_us: 500,
            before: held,
            highest: held,
            after: held,
            bound_bytes: 1000,
            ..Row::default()
        }
    }

    fn broken(row: Row, measures: bool) -> Vec<String> {
        let mut row = row;
        row.judge(measures);
        row.broken
    }

    #[test]
    fn at_its_bounds_a_row_is_sound() {
        assert!(broken(sound(), true).is_empty());
    }

    /// What breaks a bound, and how.
    type Case = (&'static str, fn(&mut Row));

    #[test]
    fn each_bound_can_be_broken() {
        let more = Held { memory_bytes: 1101, descriptors: 100 };
        let cases: [Case; 6] = [
            ("1 lost", |row| row.faults.lost = 1),
            ("2 twice", |row| row.faults.repeated = 2),
            ("3 out of order", |row| row.faults.overtaken = 3),
            ("nothing was delivered", |row| row.deliveries = 0),
            ("latency 6.0 times the quiet one", |row| row.attack_p99_us = 600),
            ("memory above its bound", |row| row.highest.memory_bytes = 1001),
        ];
        for (expected, change) in cases {
            let mut row = sound();
            change(&mut row);
            assert_eq!(broken(row, true), [expected]);
        }
        let kept = Row { after: more, ..sound() };
        assert_eq!(broken(kept, true), ["memory or descriptors not given back"]);
    }

    #[test]
    fn a_busy_machine_is_judged_by_delivery_alone() {
        let slow = Row { attack_p99_us: 10_000, bound_bytes: 1, ..sound() };
        assert!(broken(slow.clone(), false).is_empty());
        let lossy = Row { faults: Faults { lost: 1, ..Faults::default() }, ..slow };
        assert_eq!(broken(lossy, false), ["1 lost"]);
    }
}

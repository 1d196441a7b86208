//! What each honest client got of each other: nothing lost, nothing twice, the order of each sender kept.

use std::collections::BTreeSet;

/// One message, as a receiver got it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(super) struct Delivery {
    /// Who got it.
    pub(super) receiver: usize,
    /// Who sent it.
    pub(super) sender: usize,
    /// Its place among those of its sender, from 0.
    pub(super) sequence: u32,
}

/// All deliveries among clients who chat in channels of one size.
#[derive(Debug)]
pub(super) struct Ledger {
    clients: usize,
    channel: usize,
    /// The next sequence that each receiver expects of each sender.
    next: Vec<u32>,
    /// What was passed over, and may still come too late.
    missing: BTreeSet<Delivery>,
    faults: Faults,
}

/// Broken promises, counted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Faults {
    /// Messages that somebody never got.
    pub(super) lost: u64,
    /// Deliveries of what had been delivered.
    pub(super) repeated: u64,
    /// Deliveries after a later message of the same sender.
    pub(super) overtaken: u64,
    /// Deliveries to somebody who is not in the channel, or of nothing that was sent.
    pub(super) stray: u64,
}

impl Ledger {
    /// Nothing delivered yet among `clients`, of whom each `channel` are in one.
    pub(super) fn new(clients: usize, channel: usize) -> Self {
        let next = vec![0; clients * clients];
        Self { clients, channel, next, missing: BTreeSet::new(), faults: Faults::default() }
    }

    /// The number of the channel that a client is in.
    pub(super) fn channel_of(&self, client: usize) -> usize {
        client / self.channel
    }

    /// Takes note of a delivery.
    pub(super) fn delivered(&mut self, delivery: Delivery) {
        let Delivery { receiver, sender, sequence } = delivery;
        let strangers = self.channel_of(receiver) != self.channel_of(sender);
        if receiver == sender || sender >= self.clients || strangers {
            self.faults.stray += 1;
            return;
        }
        // In bounds: both are below `clients`.
        let next = &mut self.next[receiver * self.clients + sender];
        if sequence >= *next {
            let passed = *next..sequence;
            *next = sequence + 1;
            self.missing.extend(passed.map(|sequence| Delivery { sequence, ..delivery }));
        } else if self.missing.remove(&delivery) {
            self.faults.overtaken += 1;
        } else {
            self.faults.repeated += 1;
        }
    }

    /// Whether everybody has got all that was sent, given how many messages each has sent.
    pub(super) fn is_complete(&self, sent: &[u32]) -> bool {
        self.faults(sent).lost == 0
    }

    /// All faults, given how many messages each client has sent.
    pub(super) fn faults(&self, sent: &[u32]) -> Faults {
        let mut faults = self.faults;
        faults.lost = self.missing.len() as u64;
        for (sender, &sent) in sent.iter().enumerate() {
            for receiver in 0..self.clients {
                if receiver == sender || self.channel_of(receiver) != self.channel_of(sender) {
                    continue;
                }
                let next = self.next[receiver * self.clients + sender];
                faults.lost += u64::from(sent.saturating_sub(next));
                faults.stray += u64::from(next.saturating_sub(sent));
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clients 0 and 1 share a channel, 2 and 3 another; 0 has sent three messages.
    fn after(deliveries: &[(usize, usize, u32)]) -> Faults {
        let mut ledger = Ledger::new(4, 2);
        for &(receiver, sender, sequence) in deliveries {
            ledger.delivered(Delivery { receiver, sender, sequence });
        }
        ledger.faults(&[3, 0, 0, 0])
    }

    #[test]
    fn all_in_order_is_no_fault() {
        assert_eq!(after(&[(1, 0, 0), (1, 0, 1), (1, 0, 2)]), Faults::default());
    }

    #[test]
    fn what_never_came_is_lost_in_the_middle_and_at_the_end() {
        assert_eq!(after(&[(1, 0, 0), (1, 0, 2)]).lost, 1);
        assert_eq!(after(&[(1, 0, 0)]).lost, 2);
        assert_eq!(after(&[]).lost, 3);
    }

    #[test]
    fn what_came_too_late_was_overtaken_and_is_not_lost() {
        let faults = after(&[(1, 0, 0), (1, 0, 2), (1, 0, 1)]);
        assert_eq!(faults, Faults { overtaken: 1, ..Faults::default() });
    }

    #[test]
    fn what_came_twice_is_repeated() {
        let faults = after(&[(1, 0, 0), (1, 0, 1), (1, 0, 1), (1, 0, 2)]);
        assert_eq!(faults, Faults { repeated: 1, ..Faults::default() });
    }

    #[test]
    fn others_and_oneself_get_nothing_and_nothing_comes_unsent() {
        let all = [(1, 0, 0), (1, 0, 1), (1, 0, 2)];
        let with = |stray| after(&[&all[..], &[stray]].concat()).stray;
        assert_eq!(with((2, 0, 0)), 1, "in another channel");
        assert_eq!(with((0, 0, 0)), 1, "to its sender");
        assert_eq!(with((1, 0, 3)), 1, "not sent");
    }
}

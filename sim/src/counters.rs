//! How much happened: one table of what is counted.

/// Declares the counters; each is a sum over runs.
macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// How much happened in a run or in many: what is 0 over many was not tested.
        #[derive(Copy, Clone, Debug, Default, Eq, PartialEq)]
        pub struct Counters {
            $($(#[$doc])* pub $name: u64,)*
            /// The most bytes that ever waited in the server. Of many runs, the most of all.
            pub most_queued: u64,
        }

        impl Counters {
            /// Takes another run's into these.
            pub fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)*
                self.most_queued = self.most_queued.max(other.most_queued);
            }

            /// Each with its name, as the table has them.
            pub fn each(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
                [$((stringify!($name), self.$name),)* ("most_queued", self.most_queued)].into_iter()
            }

            /// Lines that were received and judged: as predicted, or at least the messages.
            #[must_use]
            pub fn checked(&self) -> u64 {
                self.predicted.max(self.received)
            }

            /// The names of those at 0: over many runs, what was not tested.
            pub fn zeros(&self) -> impl Iterator<Item = &'static str> + use<> {
                self.each().filter(|(_, count)| *count == 0).map(|(name, _)| name)
            }
        }
    };
}

counters! {
    /// Turns of the host's loop.
    turns,
    /// What the core asked its host to do.
    outputs,
    /// Writes of an outbox.
    flushes,
    /// Writes that took less than there was.
    partial_writes,
    /// Connections that were opened.
    connections,
    /// Connections that the server dropped without waiting any longer.
    dropped,
    /// Steps that were faults.
    faults,
    /// Messages received.
    received,
    /// Messages whose arrival was certain, and checked.
    owed,
    /// Lines received as the model predicted them.
    predicted,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_happened_is_named() {
        let mut all = Counters { faults: 1, most_queued: 7, ..Counters::default() };
        all.add(&Counters { turns: 2, most_queued: 5, ..Counters::default() });
        assert_eq!((all.turns, all.faults, all.most_queued), (2, 1, 7));
        assert!(all.zeros().any(|name| name == "owed"));
        assert!(all.zeros().all(|name| name != "turns"));
    }
}

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
    /// Lines that were given up because somebody did not read them.
    given_up,
    /// Lists of names that changed while they were being told.
    names_in_pieces,
    /// Those who asked for a nick that somebody had.
    nicks_in_use,
    /// Those who were put out of a channel.
    kicks,
    /// Kicks of somebody who had left the channel before.
    kicks_too_late,
    /// Kicks of somebody who had changed the nick before.
    kicks_of_nobody,
    /// Joins that a ban forbade.
    joins_banned,
    /// Joins that needed an invitation.
    joins_uninvited,
    /// Joins with an invitation, where one was needed.
    joins_invited,
    /// Joins with a wrong key.
    joins_without_key,
    /// Joins of a full channel.
    joins_of_full,
    /// Channels that ended with their last member, and began again.
    channels_again,
    /// Messages that a channel did not take.
    messages_refused,
    /// Messages to nicks that nobody had any more.
    messages_to_nobody,
    /// What only operators may do, tried by others.
    not_permitted,
    /// Labeled answers that were batches.
    label_batches,
    /// Labeled answers without a line.
    label_acks,
    /// Labels of commands that ended the connection.
    label_of_end,
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

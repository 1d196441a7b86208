//! Who is in which channel, who sends, and who is to get each message.

/// Clients dealt out over channels as cards are; the first of them send, the last may be slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// All clients.
    pub(super) clients: usize,
    /// How many of them send.
    pub(super) senders: usize,
    /// Channels, at least one.
    pub(super) channels: usize,
    /// How many of them nobody waits for.
    pub(super) slow: usize,
    /// True if who sends gets it, too.
    pub(super) echo: bool,
}

impl Layout {
    /// One channel in which everybody hears everybody else.
    pub(super) const fn channel(clients: usize, senders: usize) -> Self {
        Self { clients, senders, channels: 1, slow: 0, echo: false }
    }

    /// The number of a client's channel.
    pub(super) fn channel_of(self, client: usize) -> usize {
        client % self.channels
    }

    /// True if nobody waits for this client.
    pub(super) fn is_slow(self, client: usize) -> bool {
        client >= self.clients - self.slow
    }

    /// How many are waited for to get each message of a sender.
    pub(super) fn receivers(self, sender: usize) -> u32 {
        let channel = self.channel_of(sender);
        let prompt = (0..self.clients - self.slow).filter(|&c| self.channel_of(c) == channel);
        prompt.filter(|&client| self.echo || client != sender).count() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_dealt_out_over_channels() {
        let rooms = Layout { channels: 3, ..Layout::channel(7, 3) };
        assert_eq!([0, 3, 6].map(|client| rooms.channel_of(client)), [0; 3]);
        assert_eq!([0, 1, 2].map(|sender| rooms.receivers(sender)), [2, 1, 1]);
    }

    #[test]
    fn who_is_slow_is_not_waited_for_and_an_echo_is() {
        assert_eq!(Layout { slow: 2, ..Layout::channel(5, 1) }.receivers(0), 2);
        assert_eq!(Layout { echo: true, ..Layout::channel(5, 1) }.receivers(0), 5);
    }
}

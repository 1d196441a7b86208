//! How far a sender may run ahead: a window of messages that not every receiver has got.

/// The window of one sender, at most `width` messages wide.
///
/// Receivers get a sender's messages in order, so message `n` has reached everybody only after
/// `n - 1` has: one counter for each message in flight tells all, and a delivery costs one decrement.
#[derive(Debug)]
pub(super) struct Window {
    receivers: u32,
    /// How many receivers still wait for each message in flight, by sequence modulo the width.
    waiting: Vec<u32>,
    sent: u32,
    done: u32,
}

impl Window {
    /// An empty window of `width` messages (at least one), each of which goes to `receivers`.
    pub(super) fn new(width: u32, receivers: u32) -> Self {
        Self { receivers, waiting: vec![0; width.max(1) as usize], sent: 0, done: 0 }
    }

    /// Takes the sequence of the next message to send, if the window has room for it.
    pub(super) fn take(&mut self) -> Option<u32> {
        if self.is_full() {
            return None;
        }
        let sequence = self.sent;
        self.sent += 1;
        if self.receivers == 0 {
            self.done += 1;
        } else {
            *self.slot(sequence) = self.receivers;
        }
        Some(sequence)
    }

    /// Takes note of one delivery, in order for its receiver: true if that was the last one of its
    /// message, `None` if that message is not in flight.
    #[inline]
    pub(super) fn delivered(&mut self, sequence: u32) -> Option<bool> {
        if sequence.wrapping_sub(self.done) >= self.in_flight() {
            return None;
        }
        let waiting = self.slot(sequence);
        *waiting = waiting.checked_sub(1)?;
        let everybody = *waiting == 0;
        self.done += u32::from(everybody);
        Some(everybody)
    }

    /// True if nothing may be sent until somebody slow has caught up.
    pub(super) fn is_full(&self) -> bool {
        self.in_flight() as usize >= self.waiting.len()
    }

    /// How many deliveries so many messages make.
    pub(super) fn deliveries(&self, messages: u32) -> u64 {
        u64::from(messages) * u64::from(self.receivers)
    }

    /// How many messages were sent.
    pub(super) fn sent(&self) -> u32 {
        self.sent
    }

    /// How many messages were sent that somebody has not got.
    pub(super) fn in_flight(&self) -> u32 {
        self.sent - self.done
    }

    fn slot(&mut self, sequence: u32) -> &mut u32 {
        let index = sequence as usize % self.waiting.len();
        // In bounds by the remainder; never empty by construction.
        &mut self.waiting[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_window_waits_for_the_slowest_receiver() {
        let mut window = Window::new(2, 2);
        assert_eq!((window.take(), window.take(), window.take()), (Some(0), Some(1), None));

        assert_eq!(window.delivered(0), Some(false));
        assert_eq!(window.delivered(1), Some(false), "the quick receiver is ahead");
        assert_eq!(window.take(), None);

        assert_eq!(window.delivered(0), Some(true), "the slow one caught up");
        assert_eq!((window.take(), window.take()), (Some(2), None));
        assert_eq!(window.in_flight(), 2);
    }

    #[test]
    fn everything_delivered_leaves_nothing_in_flight() {
        let mut window = Window::new(3, 5);
        for _ in 0..100 {
            let sequence = window.take().expect("the window is empty");
            let complete = (0..5).filter(|_| window.delivered(sequence) == Some(true));
            assert_eq!(complete.count(), 1);
        }
        assert_eq!((window.sent(), window.in_flight()), (100, 0));
    }

    #[test]
    fn what_is_not_in_flight_is_not_delivered() {
        let mut window = Window::new(2, 1);
        assert_eq!(window.delivered(0), None, "nothing was sent");
        window.take();
        assert_eq!(window.delivered(0), Some(true));
        assert_eq!(window.delivered(0), None, "everybody has it");
    }

    #[test]
    fn a_channel_of_one_delivers_to_nobody_and_never_blocks() {
        let mut window = Window::new(1, 0);
        assert_eq!((window.take(), window.take()), (Some(0), Some(1)));
    }
}

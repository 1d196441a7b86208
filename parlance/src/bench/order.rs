//! The proof that nothing was lost, repeated or overtaken: what each receiver expects next of each sender.

use std::fmt;

use super::{layout::Layout, payload::Delivery};

/// The next sequence that every receiver expects of every sender.
///
/// Four bytes for each pair; a delivery costs one look and one store.
#[derive(Debug)]
pub(super) struct Order {
    layout: Layout,
    next: Vec<u32>,
}

impl Order {
    /// Nothing delivered yet.
    pub(super) fn new(layout: Layout) -> Self {
        Self { layout, next: vec![0; layout.clients * layout.senders] }
    }

    /// Takes note that `receiver` got `delivery`.
    ///
    /// # Errors
    /// If it is not exactly the next one of its sender, or not for this receiver.
    pub(super) fn delivered(&mut self, receiver: usize, delivery: Delivery) -> Result<(), Fault> {
        let Delivery { sender, sequence } = delivery;
        let fault = |kind| Err(Fault { kind, receiver, sender, sequence });
        if receiver == sender && !self.layout.echo {
            return fault(FaultKind::Echoed);
        }
        if self.layout.channel_of(receiver) != self.layout.channel_of(sender) {
            return fault(FaultKind::Elsewhere);
        }
        let Some(next) = self.next.get_mut(receiver * self.layout.senders + sender) else {
            return fault(FaultKind::Stray);
        };
        if sequence == *next {
            // Wraps after four thousand million messages of one sender; the window never spans that.
            *next = next.wrapping_add(1);
            return Ok(());
        }
        let expected = *next;
        fault(if sequence < expected {
            FaultKind::Repeated { expected }
        } else {
            FaultKind::Skipped { expected }
        })
    }

    /// The sequence that `receiver` expects of `sender`: how many it has got.
    pub(super) fn next(&self, receiver: usize, sender: usize) -> u32 {
        self.next.get(receiver * self.layout.senders + sender).copied().unwrap_or_default()
    }
}

/// One broken promise of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    kind: FaultKind,
    receiver: usize,
    sender: usize,
    sequence: u32,
}

impl Fault {
    /// A message that came before its sender had sent it.
    pub(super) fn unsent(receiver: usize, Delivery { sender, sequence }: Delivery) -> Self {
        Self { kind: FaultKind::Unsent, receiver, sender, sequence }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FaultKind {
    /// One came again, or after its successor.
    Repeated { expected: u32 },
    /// Those from the expected one up to this one are lost, or come too late.
    Skipped { expected: u32 },
    /// A sender got its own message, though it asked for no echo.
    Echoed,
    /// It was sent to a channel in which the receiver is not.
    Elsewhere,
    /// It has not been sent.
    Unsent,
    /// A sender or receiver that this load does not have.
    Stray,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, receiver, sender, sequence } = *self;
        write!(f, "member {receiver} got message {sequence} of sender {sender}")?;
        match kind {
            FaultKind::Repeated { expected } => {
                write!(f, " when {expected} was next: repeated or reordered")
            }
            FaultKind::Skipped { expected } => {
                write!(f, " when {expected} was next: lost or reordered")
            }
            FaultKind::Echoed => write!(f, ", which is itself, without having asked for echoes"),
            FaultKind::Elsewhere => write!(f, ", of a channel that it is not in"),
            FaultKind::Unsent => write!(f, ", which was not in flight"),
            FaultKind::Stray => write!(f, ", whom this load does not have"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_in(layout: Layout, deliveries: &[(usize, usize, u32)]) -> Result<(), String> {
        let mut order = Order::new(layout);
        deliveries.iter().try_for_each(|&(receiver, sender, sequence)| {
            order
                .delivered(receiver, Delivery { sender, sequence })
                .map_err(|fault| fault.to_string())
        })
    }

    fn run(deliveries: &[(usize, usize, u32)]) -> Result<(), String> {
        run_in(Layout::channel(3, 2), deliveries)
    }

    #[test]
    fn senders_may_interleave_but_each_keeps_its_order() {
        assert_eq!(
            run(&[(2, 0, 0), (2, 1, 0), (2, 1, 1), (2, 0, 1), (0, 1, 0), (1, 0, 0)]),
            Ok(())
        );
    }

    #[test]
    fn a_gap_is_a_fault() {
        let fault = run(&[(2, 0, 0), (2, 0, 2)]).expect_err("message 1 is missing");
        assert_eq!(fault, "member 2 got message 2 of sender 0 when 1 was next: lost or reordered");
    }

    #[test]
    fn a_repetition_is_a_fault() {
        let fault = run(&[(2, 0, 0), (2, 0, 0)]).expect_err("message 0 came twice");
        assert_eq!(
            fault,
            "member 2 got message 0 of sender 0 when 1 was next: repeated or reordered"
        );
    }

    #[test]
    fn an_echo_is_a_fault_unless_it_was_asked_for() {
        assert!(run(&[(1, 1, 0)]).is_err());
        let echo = Layout { echo: true, ..Layout::channel(3, 2) };
        assert_eq!(run_in(echo, &[(1, 1, 0), (0, 1, 0)]), Ok(()));
    }

    #[test]
    fn a_message_of_another_channel_is_a_fault() {
        let rooms = Layout { channels: 2, ..Layout::channel(4, 2) };
        assert_eq!(run_in(rooms, &[(2, 0, 0), (3, 1, 0)]), Ok(()));
        let fault = run_in(rooms, &[(2, 1, 0)]).expect_err("2 is with 0");
        assert!(fault.ends_with(", of a channel that it is not in"), "{fault}");
    }

    #[test]
    fn strangers_are_a_fault() {
        assert!(run(&[(9, 0, 0)]).is_err());
    }
}

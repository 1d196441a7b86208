//! What the host is to do, in order.

use alloc::{boxed::Box, collections::VecDeque};

use crate::{ConnId, Output};

/// Outputs that wait to be taken. A flush, of which a broadcast asks for one for each recipient, is
/// kept small; the others are few.
#[derive(Default)]
pub(crate) struct Outputs(VecDeque<Waiting>);

enum Waiting {
    Flush(ConnId),
    Other(Box<Output>),
}

impl Outputs {
    #[inline]
    pub(crate) fn push(&mut self, output: Output) {
        self.0.push_back(match output {
            Output::Flush(conn) => Waiting::Flush(conn),
            other => Waiting::Other(Box::new(other)),
        });
    }

    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Output> {
        Some(match self.0.pop_front()? {
            Waiting::Flush(conn) => Output::Flush(conn),
            Waiting::Other(output) => *output,
        })
    }

    /// When all are taken: keeps room for a flush of each of so many connections, which the next
    /// broadcast may need, and for a few others.
    pub(crate) fn give_back(&mut self, connections: usize) {
        let most = connections + ROOM;
        if self.0.capacity() > most {
            self.0.shrink_to(most);
        }
    }
}

/// Outputs whose room is always kept.
const ROOM: usize = 256;

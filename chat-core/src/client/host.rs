//! What an adapter is given beside a client.

use super::{Client, Command, Event};

/// Stands for the user: hears what happens, and says what is wanted.
///
/// Both methods are called by the adapter's loop and must not block.
pub trait ClientHost {
    /// Something happened; the client is as it is after it.
    fn event(&mut self, client: &Client, event: Event);

    /// The next command, if there is one. An adapter asks until there is none, as long as
    /// [`Client::wants_commands`]; again after events, after bytes were sent, and when it is woken.
    fn next_command(&mut self) -> Option<Command>;
}

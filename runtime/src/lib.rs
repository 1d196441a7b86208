//! What every host of `chat-core` on real sockets does alike: a turn of its loop, the tables of
//! connections, and the threads that read and write them. Nothing of the protocol, no sockets, no
//! poller: those are an adapter's, `runtime-mio` or `runtime-tokio`.
//!
//! An adapter makes a [`Driver`], tells it what became ready, lets it take a [turn](Driver::turn), and
//! sleeps as long as [`Driver::next`] says.
#![forbid(unsafe_code)]

mod clock;
mod door;
mod driver;
mod handle;
mod listen;
mod peer;
mod shard;
mod socket;
mod threads;

pub use clock::SystemClock;
pub use driver::{Driver, Next, Options};
pub use handle::Handle;
pub use listen::{Bound, Error, Listen, SocketFile};
pub use socket::{ReadEnd, Ready, Socket, Sockets, Token};

//! Runs `chat-core` on Tokio: one future that owns the core and all streams, nothing of the
//! protocol.
//!
//! [`bind`] opens the listeners, [`Server::run`] serves until a [`Handle`] stops it. There is no
//! task, channel or mutex per connection: wakers of single streams mark a list that the one future
//! reads. The network is a parameter ([`Net`]), so that a simulated one can take its place.
#![forbid(unsafe_code)]

mod accept;
mod client;
mod clock;
mod listen;
mod net;
mod peer;
mod ready;
mod server;

pub use client::{ClientHandle, ClientOptions, ClientRuntime, EventHandler, client};
pub use clock::SystemClock;
pub use listen::{Error, Listen};
pub use net::{Connect, Net, Opening, SystemNet};
pub use server::{Handle, Options, Server, bind};

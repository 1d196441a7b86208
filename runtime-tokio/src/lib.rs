//! Runs `chat-core` on Tokio: one future that owns the core and all streams, nothing of the
//! protocol.
//!
//! [`bind`] opens the listeners, [`Server::run`] serves until a [`Handle`] stops it. There is no
//! task, channel or mutex per connection: wakers of single streams mark a list that the one future
//! reads. The network is a parameter ([`Net`]), so that a simulated one can take its place. What a
//! turn does is `runtime`'s.
#![forbid(unsafe_code)]

mod client;
mod net;
mod ready;
mod server;
mod waking;

pub use client::{ClientHandle, ClientOptions, ClientRuntime, EventHandler, client};
pub use net::{Connect, Net, Opening, SystemNet};
pub use runtime::{Error, Handle, Listen, Options, SystemClock};
pub use server::{Server, bind, bind_on};

//! Runs `chat-core` on real sockets: one thread, one readiness loop, nothing of the protocol.
//!
//! [`bind`] opens the listeners, [`Server::run`] serves until a [`Handle`] stops it.
#![forbid(unsafe_code)]

mod accept;
mod client;

mod clock;
mod listen;
mod peer;
mod server;
mod stream;

pub use client::{ClientHandle, ClientOptions, ClientRuntime, EventHandler, client};
pub use clock::SystemClock;
pub use listen::{Error, Listen};
pub use server::{Handle, Options, Server, bind};

//! Runs `chat-core` on real sockets: one thread, one readiness loop, nothing of the protocol.
//!
//! [`bind`] opens the listeners, [`Server::run`] serves until a [`Handle`] stops it. The poller and
//! its sockets are a parameter ([`Sys`]), so that a script can take their place.
#![forbid(unsafe_code)]

mod accept;
mod client;
mod clock;
mod listen;
mod peer;
mod server;
mod sys;
mod system;

pub use client::{ClientHandle, ClientOptions, ClientRuntime, EventHandler, client};
pub use clock::SystemClock;
pub use listen::{Error, Listen};
pub use server::{Handle, Options, Server, bind, bind_on};
pub use sys::{Ready, Stream, Sys, Token};
pub use system::{System, SystemListener, SystemStream};

//! Runs `chat-core` on real sockets with a readiness loop (mio): nothing of the protocol.
//!
//! [`bind`] opens the listeners, [`Server::run`] serves until a [`Handle`] stops it. The poller and
//! its sockets are a parameter ([`Sys`]), so that a script can take their place. What a turn of the
//! loop does is `runtime`'s.
#![forbid(unsafe_code)]

mod client;
mod edge;
mod server;
mod sys;
mod system;

pub use client::{ClientHandle, ClientOptions, ClientRuntime, EventHandler, client};
pub use runtime::{Error, Handle, Listen, Options, Ready, SystemClock, Token};
pub use server::{Server, bind, bind_on};
pub use sys::{Stream, Sys};
pub use system::{System, SystemListener, SystemStream};

//! An IRC server and client as pure state machines.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod arena;
mod caps;
pub mod client;
pub mod config;
pub mod host;
pub mod io;
mod keyed;
mod network;
pub mod record;
mod server;
mod time;
pub mod wire;

pub use config::{Config, ConfigError, Limits, OperConfig};
pub use io::{
    Answer, Chunk, CloseWhen, Closed, ConnId, Input, Metrics, Output, Pause, PeerInfo, Refused,
    Report, Request, Ticket,
};
pub use server::{RestoreError, Server};
pub use time::{Civil, Instant, Now, UnixMillis};

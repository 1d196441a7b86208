//! An IRC server and client as pure state machines.
//!
//! | item | is |
//! | --- | --- |
//! | [`Server`] | a server: [`Input`]s in, [`Output`]s out |
//! | [`client::Client`] | the other end |
//! | [`record`] | runs that can be proved again |
//! | [`wire`] | bytes to lines to messages, and back |
//! | [`host`] | what an adapter is given beside the core |
//!
//! Nothing here does I/O, reads a clock, starts a thread or draws randomness of its own. The same
//! calls give the same results, byte for byte. No input makes it panic, and none makes it grow past
//! the limits of its [`Config`]: a panic is a bug here, never a peer's doing.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "mutants")]
extern crate std;

/// Known bugs are made with the feature `mutants` alone: see `mutants.rs`.
#[cfg(not(feature = "mutants"))]
#[doc(hidden)]
#[macro_export]
macro_rules! mutant {
    ($name:ident) => {
        false
    };
    ($name:ident => $wrong:expr, else $right:expr) => {
        if $crate::mutant!($name) { $wrong } else { $right }
    };
}

#[cfg(feature = "mutants")]
#[macro_use]
pub mod mutants;

mod arena;
mod caps;
pub mod client;
pub mod config;
pub mod host;
pub mod io;
mod keyed;
mod limits;
mod network;
pub mod record;
mod server;
mod server_time;
mod time;
pub mod wire;

pub use config::{AdminConfig, Config, ConfigError, OperConfig};
pub use io::{
    Answer, Chunk, CloseWhen, Closed, ConnId, Input, Metrics, Output, Pause, PeerInfo, Refused,
    Report, Request, Ticket,
};
pub use limits::Limits;
pub use server::{BadBans, RestoreError, Server, check_bans, reference};
pub use time::{Civil, Instant, Now, UnixMillis};

/// The README's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

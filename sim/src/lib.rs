//! A deterministic simulator of `chat-core`: a server in memory, honest clients, a bad network, and a
//! judge of what the clients see.
//!
//! A seed is a run: [`Script::generate`] makes the steps, a crowd of clients carries them out in
//! simulated time, and the same seed gives the same run on any machine, byte for byte. Bytes are
//! split, merged and delayed; writes are partial; connections stall in one direction, go away without
//! a word, are reset, half-closed and read slowly; clients come back with the nick they had; the wall
//! clock jumps and timers are late. Then all troubles end, and everything must settle.
//!
//! | property | says |
//! | --- | --- |
//! | `form` | every line is well formed, at most 512 bytes without its tags |
//! | `farewell` | who is not cut off is told why its connection ends |
//! | `created` | every message was sent by its sender, to its target, with its text |
//! | `order` | a sender's messages come once and in order; all agree on one order; PONGs come in order |
//! | `membership` | messages come from members to members; joins and departures fit |
//! | `loss` | what was certainly carried out while somebody was certainly there has come |
//! | `carried` | lines are carried out once each, in the order of sending; nicks are one user's |
//! | `predicted` | each client is told what the model says, line by line, and nothing else |
//! | `cause` | a connection to which nothing was done is not ended for silence |
//! | `bounds` | queues are within their limits after every turn |
//! | `progress` | time goes on |
//! | `settled` | after healing everybody is back and has an answer to PING; nothing waits |
//! | `ghosts` | after healing the server, NAMES and every member know who is there, and nobody else |
//! | `view` | after healing the real client shows its user who is there, and has told what came |
//! | `panic` | nothing panics |
//!
//! The server is the core alone, or the real mio adapter on a poller and sockets that are played to
//! it, or the real Tokio adapter on simulated hosts ([`Layer`]). [`lockstep`] shows that the first two
//! write the same bytes where nothing is left to chance.
//!
//! ```
//! let outcome = sim::run_seed(42, sim::Layer::Memory, &sim::Profile::quick());
//! assert_eq!(outcome.failure, None);
//! ```
//!
//! # Your own host or server
//!
//! [`Judge`] is what judges here, and takes any host: call it as things happen. The folder `examples`
//! has a small host that does. [`Script`] and [`Rng`] make up what clients do, [`shrink`] cuts down
//! whatever fails in the same way, and a [`Log`] of what happened becomes a page with
//! [`timeline::html`]. For a runtime on Tokio, [`turmoil::Chaos`] chops the streams of any network.
#![forbid(unsafe_code)]

mod bounds;
mod choices;
mod client;
mod counters;
mod crowd;
mod deed;
mod draw;
mod explain;
mod fault;
mod judge;
mod layer;
mod line;
mod lockstep;
mod log;
mod many;
mod memory;
mod mio;
mod mutate;
mod pipe;
mod profile;
mod rng;
mod run;
mod script;
mod shrink;
mod sometimes;
mod stranger;
pub mod timeline;
mod trace;
#[cfg(feature = "turmoil")]
pub mod turmoil;
mod verbs;

pub use bounds::{Bounds, Pieces};
pub use counters::Counters;
pub use judge::{Broken, Judge, LifeId};
pub use layer::{Layer, UnknownLayer};
pub use lockstep::{lockstep, lockstep_script};
pub use log::{Event, Log, What};
pub use many::{Plan, Progress, Summary, run_many};
pub use profile::{Mutant, Profile};
pub use rng::{Concern, Rng};
pub use run::{Failure, Outcome, record, run_script, run_seed};
pub use script::{Action, BadScript, Script, Step};
pub use shrink::{SHRINK_RUNS, Shrunk, shrink};
pub use sometimes::Sometimes;

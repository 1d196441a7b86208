//! The server's host: the real Tokio runtime with the network, the clock and the ears of a simulation.

use std::{cell::Cell, net::IpAddr};

use chat_core::{
    Config, Instant, Now, Report, Request, UnixMillis,
    host::{Clock, Host, Reply},
};
use runtime_tokio::{Listen, Options, bind_on};

use super::{
    chaos::Chaos,
    stage::{Shared, now_us},
    tap::Tapped,
};
use crate::{
    bounds::{Bounds, io_threads},
    rng::{Concern, Rng},
};

/// Where the server listens.
pub(super) const PORT: u16 = 6667;
/// Turns at one and the same time, after which time must go on.
const TURNS_AT_ONCE: u32 = 20_000;
/// The wall clock at the start, in ms.
pub(super) const EPOCH_MS: u64 = 1_700_000_000_000;

/// Serves until the host crashes.
///
/// # Errors
/// The server could not start, or ended although nobody had stopped it.
pub(super) async fn serve(shared: Shared) -> turmoil::Result {
    let (run, seed, pieces, config) = {
        let mut stage = shared.lock();
        let config = Config { trace: true, ..stage.bounds.config() };
        (stage.server_starts(now_us()), stage.seed, stage.pieces, config)
    };
    let net = Chaos::new(Tapped(shared.clone()), pieces, seed, run);
    let options = Options {
        config,
        seed: secret(seed, run),
        listen: vec![Listen::Tcp(([0, 0, 0, 0], PORT).into())],
        clock: Box::new(SimClock { shared: shared.clone(), last: Cell::new((0, 0)) }),
        host: Box::new(Ears(shared)),
        tape: None,
        exempt: Box::new(|_: Option<IpAddr>| true),
        io_threads: io_threads(seed),
    };
    let server = bind_on(&net, options)?;
    server.run().await;
    Err("the server ended although nobody had stopped it".into())
}

/// The core's own seed: another one for each start.
fn secret(seed: u64, run: u32) -> [u8; 32] {
    let mut rng = Rng::new(seed, Concern::Host);
    let mut secret = [0; 32];
    for part in secret.chunks_mut(8) {
        part.copy_from_slice(&(rng.next() ^ u64::from(run)).to_le_bytes());
    }
    secret
}

/// The simulation's time, and a wall clock that jumps.
struct SimClock {
    shared: Shared,
    /// When it was looked at last, and how often since time went on.
    last: Cell<(u64, u32)>,
}

impl Clock for SimClock {
    /// # Panics
    /// The server looks again and again while time stands still: it has something to do for ever.
    fn now(&self) -> Now {
        let now = now_us();
        let (last, looks) = self.last.get();
        let looks = if now > last { 0 } else { looks + 1 };
        assert!(looks < TURNS_AT_ONCE, "the server takes turns without end");
        self.last.set((now, looks));
        let wall = self.shared.lock().server_turns(now);
        Now { mono: Instant::from_micros(now), wall: UnixMillis(wall) }
    }
}

/// Hears what the server reports.
struct Ears(Shared);

impl Host for Ears {
    fn ask(&mut self, request: Request, reply: Reply) {
        reply(Bounds::answer(&request));
    }

    fn report(&mut self, report: &Report) {
        self.0.lock().hear(report, now_us());
    }
}

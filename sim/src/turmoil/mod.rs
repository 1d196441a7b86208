//! The real Tokio runtime under simulated networks: turmoil's hosts, our clients, our judge.
//!
//! One host is the server's, a few others hold several clients each, since a step costs more with
//! every host. Between steps the script is carried out: what clients do, what is done to their
//! connections, to the links of their hosts and to the server. Within a step everything is the real
//! adapter over simulated streams, chopped into other pieces ([`Chaos`]).
//!
//! Two things that one might look for are not there:
//!
//! - `--cfg tokio_unstable` would seed Tokio's own randomness and make a panic in a spawned task end
//!   the run. Nothing here uses that randomness: every `select!` is biased. Every task that is spawned
//!   is waited for, so its panic ends the run. The flag would be one more thing to forget.
//! - turmoil's own `fail_rate`: a link that loses a segment never delivers anything again, since
//!   nothing is sent twice. Cutting a link says the same, at a time that the script knows.

mod chaos;
mod core_client;
mod draw;
mod guest;
mod introduced;
mod net;
mod server;
mod stage;
mod tap;
mod weather;

pub(crate) use draw::draw;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, UNIX_EPOCH},
};

use ::turmoil::{Builder, Sim};
use tokio::task::{JoinError, JoinSet};

pub use chaos::{Chaos, ChaosListener, Chopped};
pub use net::{TurmoilListener, TurmoilNet};

use crate::{
    client::Client,
    judge::Broken,
    layer::Layer,
    log::{Log, What},
    run::{Failure, Outcome, panic_text},
    script::Script,
};
use server::EPOCH_MS;
use stage::{Shared, Stage, micros};
use weather::Weather;

/// Simulated time that passes in one step.
const TICK: Duration = Duration::from_millis(10);
/// When scripted steps end and healing begins, in ms.
pub(crate) const CHAOS_MS: u64 = 10_000;
/// Time in which all must be back after healing, and the dead gone.
const SETTLE_US: u64 = 60_000_000;
/// Time in which the last answers must have come.
const BARRIER_US: u64 = 10_000_000;
/// The most hosts with clients on them.
const CLIENT_HOSTS: usize = 3;

/// Runs a script with the real Tokio runtime; `tell`: and writes down all that happens.
pub(crate) fn run(script: &Script, tell: bool) -> (Outcome, Log) {
    let shared = Shared::new(Stage::new(script, tell));
    let mut theatre = Theatre::new(script, shared.clone());
    // A panic is a failure like any other; what there is, is only read afterwards.
    let result = catch_unwind(AssertUnwindSafe(|| theatre.run()));
    let broken = result.unwrap_or_else(|panic| Err(("panic", panic_text(&*panic)))).err();
    let now = theatre.now();
    let mut stage = shared.lock();
    let failure = broken.map(|(property, detail)| Failure {
        property,
        at_ms: now / 1_000,
        detail,
        seed: script.seed,
        profile: "",
        layer: Layer::Turmoil,
    });
    if let Some(Failure { property, detail, .. }) = &failure {
        stage.tell(now, || What::Broken { life: None, property, detail: detail.clone() });
    }
    let (trace_hash, counters) = (stage.trace.value(), stage.counters);
    let sometimes = stage.judge.sometimes();
    (Outcome { trace_hash, failure, counters, sometimes }, stage.log.take().unwrap_or_default())
}

/// The simulation, and what drives it from outside.
struct Theatre<'a> {
    script: &'a Script,
    sim: Sim<'a>,
    shared: Shared,
    weather: Weather,
    next_step: usize,
}

impl<'a> Theatre<'a> {
    fn new(script: &'a Script, shared: Shared) -> Self {
        let mut sim = builder(script).build();
        let stage = shared.clone();
        sim.host("server", move || server::serve(stage.clone()));
        let clients = script.clients as usize;
        let hosts = CLIENT_HOSTS.min(clients);
        for host in 0..hosts {
            let stage = shared.clone();
            let guests: Vec<usize> = (host..clients).step_by(hosts).collect();
            sim.host(weather::host(host), move || guests_of(stage.clone(), guests.clone()));
        }
        Self { script, sim, shared, weather: Weather::new(hosts), next_step: 0 }
    }

    /// Microseconds since the start.
    fn now(&self) -> u64 {
        micros(self.sim.elapsed())
    }

    /// To the end, or to the first property that does not hold.
    fn run(&mut self) -> Result<(), Broken> {
        let last = self.script.steps.last().map_or(0, |step| step.at_ms + 1);
        while self.now() < last.max(CHAOS_MS) * 1_000 {
            self.carry_out();
            self.step()?;
        }
        self.weather.clear_up(&mut self.sim);
        self.shared.lock().heal(self.now());
        // A connection that died in silence is found out by its client, who gets no answer.
        self.shared.lock().ask_all(Client::ping);
        self.shared.lock().ask_core(self.now());
        self.until(SETTLE_US, |stage| stage.is_calm() && stage.all_answered())?;
        // What is still on its way to the server comes before what all agree on.
        self.shared.lock().ask_all(Client::ping);
        self.shared.lock().ask_core(self.now());
        self.until(BARRIER_US, Stage::all_answered)?;
        self.shared.lock().ask_all(Client::look_around);
        self.shared.lock().core_looks_around(self.now());
        self.until(BARRIER_US, Stage::all_answered)?;
        self.shared.lock().finish()
    }

    /// The steps of the script that are due, and the ends of faults.
    fn carry_out(&mut self) {
        let now = self.now();
        self.weather.pass(&mut self.sim, now);
        while let Some(step) = self.script.steps.get(self.next_step)
            && step.at_ms * 1_000 <= now
        {
            self.next_step += 1;
            let client = step.client as usize;
            self.shared.lock().step(client, step.action, now);
            self.weather.change(&mut self.sim, &self.shared, client, step.action, now);
        }
    }

    fn step(&mut self) -> Result<(), Broken> {
        if let Err(error) = self.sim.step() {
            return Err(match error.downcast::<JoinError>() {
                Ok(error) => match error.try_into_panic() {
                    Ok(panic) => ("panic", panic_text(&*panic)),
                    Err(error) => ("panic", error.to_string()),
                },
                Err(error) => ("progress", error.to_string()),
            });
        }
        self.shared.lock().broken.clone().map_or(Ok(()), Err)
    }

    /// Steps until it is so, or for so long: then the last judgement says what is missing.
    fn until(&mut self, most_us: u64, is_so: impl Fn(&Stage) -> bool) -> Result<(), Broken> {
        let end = self.now() + most_us;
        while self.now() < end && !is_so(&self.shared.lock()) {
            self.shared.lock().urge_core(self.now());
            self.step()?;
        }
        Ok(())
    }
}

fn builder(script: &Script) -> Builder {
    let mut builder = Builder::new();
    builder
        .rng_seed(script.seed)
        .epoch(UNIX_EPOCH + Duration::from_millis(EPOCH_MS))
        .tick_duration(TICK)
        .min_message_latency(Duration::ZERO)
        .max_message_latency(Duration::from_millis(weather::USUAL_LATENCY_MS))
        .tcp_capacity((script.bounds.window as usize / 64).clamp(64, 1_024));
    if script.seed % 2 == 1 {
        builder.enable_random_order();
    }
    builder
}

/// All clients of a host. A panic of one is the host's.
async fn guests_of(shared: Shared, guests: Vec<usize>) -> ::turmoil::Result {
    let mut tasks = JoinSet::new();
    for guest in guests {
        if guest == shared.lock().guests.len() {
            tasks.spawn_local(core_client::live(shared.clone()));
        } else {
            tasks.spawn_local(guest::visit(shared.clone(), guest));
        }
    }
    while let Some(ended) = tasks.join_next().await {
        ended?;
    }
    Ok(())
}

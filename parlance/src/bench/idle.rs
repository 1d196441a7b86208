//! What a connection costs that says nothing: registered, in no channel.

use std::time::{Duration, Instant};

use super::{
    Load,
    error::BenchError,
    order::Fault,
    process::Process,
    report::{self, Report},
    sample::Sample,
    swarm::Listener,
};

/// Registers `connections`, holds them for `hold` while answering PING, and reports the server's memory.
///
/// # Errors
/// If the server refuses or closes a connection, or registration takes too long.
pub(super) fn measure(
    load: &Load,
    connections: usize,
    hold: Duration,
    process: Process,
) -> Result<Report, BenchError> {
    let mut swarm = load.swarm(connections)?;
    let before = Sample::take(Some(process))?;
    swarm.register(connections)?;
    let registering = before.spent()?;

    let idle = Sample::take(Some(process))?;
    let until = Instant::now() + hold;
    swarm.begin("holding", 0, hold);
    while let Some(left) =
        until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    {
        swarm.turn(Some(left), 0, &mut Silence)?;
    }
    let holding = idle.spent()?;

    let resident = |bytes: Option<u64>| bytes.unwrap_or_default() as f64;
    let before = resident(registering.server.map(|server| server.before.resident_bytes));
    let after = resident(holding.server.map(|server| server.after.resident_bytes));
    let mut figures = vec![
        (report::BYTES_PER_CONNECTION, (after - before) / connections.max(1) as f64),
        (report::BEFORE_BYTES, before),
        (report::AFTER_BYTES, after),
        (report::REGISTER_S, registering.wall.as_secs_f64()),
    ];
    if let Some(server) = holding.server.filter(|_| !hold.is_zero()) {
        figures
            .push((report::IDLE_US, server.cpu().as_micros() as f64 / holding.wall.as_secs_f64()));
    }
    Ok(Report {
        title: format!(
            "idle on {}: {connections} connections, held for {} s",
            load.server,
            hold.as_secs()
        ),
        rounds: vec![figures],
        warnings: vec![],
    })
}

/// Expects nothing.
struct Silence;

impl Listener for Silence {
    fn line(&mut self, _client: usize, _line: &[u8]) -> Result<bool, Fault> {
        Ok(false)
    }
}

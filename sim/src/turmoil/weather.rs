//! Faults of the network between hosts and of the server's host, each with its end.

use std::time::Duration;

use turmoil::Sim;

use super::stage::Shared;
use crate::script::Action;

/// The latest that a message arrives when nothing is wrong, in ms.
pub(super) const USUAL_LATENCY_MS: u64 = 30;

/// The state of all links and of the server.
pub(super) struct Weather {
    /// One for each host with clients: what is wrong with its link to the server, and until when.
    links: Vec<Option<(Trouble, u64)>>,
    /// Messages take long until then, by link.
    slow_until: Vec<u64>,
    /// The server is down and comes back then.
    back_at: Option<u64>,
}

/// What can be wrong with a link.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
enum Trouble {
    /// Messages wait.
    Held,
    /// Messages are lost, and the streams that they belong to are dead without a word.
    Cut,
    /// The same on the way to the server alone.
    CutUp,
    /// The same on the way from the server alone.
    CutDown,
}

/// The name of a host with clients.
pub(super) fn host(number: usize) -> String {
    format!("clients-{number}")
}

impl Weather {
    pub(super) fn new(hosts: usize) -> Self {
        Self { links: vec![None; hosts], slow_until: vec![0; hosts], back_at: None }
    }

    /// Does what is to be done to hosts and what is between them; other steps are none of these.
    pub(super) fn change(
        &mut self,
        sim: &mut Sim<'_>,
        shared: &Shared,
        client: usize,
        action: Action,
        now: u64,
    ) {
        let link = client % self.links.len();
        let until = |ms: u32| now + u64::from(ms) * 1_000;
        let (trouble, ms) = match action {
            Action::Hold(ms) => (Trouble::Held, ms),
            Action::Cut(ms) => (Trouble::Cut, ms),
            Action::CutUp(ms) => (Trouble::CutUp, ms),
            Action::CutDown(ms) => (Trouble::CutDown, ms),
            Action::Delay(ms) => {
                self.slow_until[link] = until(ms);
                shared.lock().counters.faults += 1;
                let latency = Duration::from_millis(u64::from(ms).min(LONGEST_LATENCY_MS));
                sim.set_link_max_message_latency(host(link), "server", latency);
                return self.harm(shared, link, until(ms));
            }
            Action::Restart(ms) | Action::PowerLoss(ms) => {
                let power_loss = matches!(action, Action::PowerLoss(_));
                return self.stop_server(sim, shared, power_loss, until(ms));
            }
            _ => return,
        };
        // turmoil can't have two troubles of one link, of which one ends first.
        if self.links[link].is_none() {
            self.links[link] = Some((trouble, until(ms)));
            shared.lock().counters.faults += 1;
            let host = host(link);
            match trouble {
                Trouble::Held => sim.hold(host, "server"),
                Trouble::Cut => sim.partition(host, "server"),
                Trouble::CutUp => sim.partition_oneway(host, "server"),
                Trouble::CutDown => sim.partition_oneway("server", host),
            }
            self.harm(shared, link, until(ms));
        }
    }

    /// Ends what has lasted long enough.
    pub(super) fn pass(&mut self, sim: &mut Sim<'_>, now: u64) {
        for link in 0..self.links.len() {
            if self.links[link].is_some_and(|(_, until)| until <= now) {
                self.mend(sim, link);
            }
            if (1..=now).contains(&self.slow_until[link]) {
                self.hasten(sim, link);
            }
        }
        if self.back_at.is_some_and(|at| at <= now) {
            self.back_at = None;
            sim.bounce("server");
        }
    }

    /// Ends everything.
    pub(super) fn clear_up(&mut self, sim: &mut Sim<'_>) {
        self.pass(sim, u64::MAX);
    }

    fn mend(&mut self, sim: &mut Sim<'_>, link: usize) {
        let Some((trouble, _)) = self.links[link].take() else { return };
        match trouble {
            Trouble::Held => sim.release(host(link), "server"),
            _ => sim.repair(host(link), "server"),
        }
    }

    fn hasten(&mut self, sim: &mut Sim<'_>, link: usize) {
        self.slow_until[link] = 0;
        let latency = Duration::from_millis(USUAL_LATENCY_MS);
        sim.set_link_max_message_latency(host(link), "server", latency);
    }

    /// A crash tells the clients; in a loss of power nobody is told anything.
    fn stop_server(&mut self, sim: &mut Sim<'_>, shared: &Shared, power_loss: bool, until: u64) {
        if self.back_at.is_some() {
            return;
        }
        self.back_at = Some(until);
        if power_loss {
            for link in 0..self.links.len() {
                self.mend(sim, link);
                sim.partition(host(link), "server");
            }
        }
        sim.crash("server");
        if power_loss {
            (0..self.links.len()).for_each(|link| sim.repair(host(link), "server"));
        }
        shared.lock().server_stops();
        (0..self.links.len()).for_each(|link| self.harm(shared, link, until));
    }

    /// Whoever is beyond a link may rightly lose a connection that was made, or begun, before.
    fn harm(&self, shared: &Shared, link: usize, until: u64) {
        let mut stage = shared.lock();
        for client in (link..=stage.guests.len()).step_by(self.links.len()) {
            stage.harm(client, until + BEGUN_US);
        }
    }
}

/// The longest that a message takes on a slow link, in ms.
const LONGEST_LATENCY_MS: u64 = 400;
/// How long a connection may be begun before its client knows of it.
const BEGUN_US: u64 = 2_000_000;

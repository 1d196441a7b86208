//! People come, join a channel and leave again, over and over: each member is told of each.

use std::time::Duration;

use clap::{Args, value_parser};

use super::{Load, Scenario};
use crate::bench::{
    error::BenchError,
    layout::Layout,
    line::{command, source_nick},
    order::{Fault, Order},
    payload::{Delivery, number_of},
    report::{CHURN_US, CHURNS_PER_S, Kind, RESIDENT_MIB, Round, SERVER_NS},
    sample::Sample,
    swarm::{Listener, REGISTERED, Swarm},
};

/// Arguments of `parlance bench join-quit`.
#[derive(Clone, Debug, Args)]
pub(in crate::bench) struct JoinQuit {
    /// Members of the channel who stay
    #[arg(long, default_value_t = 500, value_parser = value_parser!(u32).range(1..=100_000))]
    members: u32,
    /// How many come, join and quit, a few at the same time (--wave)
    #[arg(long, default_value_t = 2000, value_parser = value_parser!(u32).range(1..=1_000_000))]
    visitors: u32,
}

impl Scenario for JoinQuit {
    fn title(&self) -> String {
        let Self { members, visitors } = self;
        format!("join-quit: {visitors} connect, register, join a channel of {members} and quit")
    }

    fn columns(&self) -> &'static [Kind] {
        &[CHURN_US, CHURNS_PER_S, SERVER_NS, RESIDENT_MIB]
    }

    fn measure(&self, load: &Load) -> Result<Round, BenchError> {
        let (members, visitors) = (self.members as usize, self.visitors as usize);
        let mut swarm = load.swarm(members + load.wave)?;
        swarm.register(members)?;
        swarm.join_each(|swarm, _| swarm.channel(0))?;

        let sample = Sample::take(load.process)?;
        let mut door = Door::new(&swarm, members, visitors);
        let told = 2 * (members * visitors) as u64;
        swarm.begin("telling members of who comes and goes", told, Duration::ZERO);
        while door.told < told || door.gone < visitors {
            while door.came < visitors && door.came - door.gone < swarm.wave() {
                door.came += 1;
                swarm.open()?;
            }
            swarm.turn(None, door.told, &mut door)?;
            for (visitor, next) in std::mem::take(&mut door.next) {
                match next {
                    Next::Join => {
                        let join = format!("JOIN {}\r\n", swarm.channel(0));
                        swarm.say(visitor, |out| out.extend_from_slice(join.as_bytes()));
                    }
                    Next::Quit => swarm.quit(visitor),
                }
            }
        }
        let spent = sample.spent()?;
        swarm.barrier_of(0..members)?;

        let visitors = u64::from(self.visitors);
        let mut figures = vec![(CHURNS_PER_S, visitors as f64 / spent.wall.as_secs_f64())];
        figures.extend(spent.server_per(CHURN_US, Duration::from_micros(1), visitors));
        figures.extend(spent.server_per(SERVER_NS, Duration::from_nanos(1), told));
        figures.extend(spent.shares());
        Ok(Round { figures, threads: spent.threads(), ..Round::default() })
    }
}

/// Members who see visitors come and go, and what visitors do next.
struct Door {
    run: u32,
    members: usize,
    /// Of each visitor, the JOIN counts as message 0 and the QUIT as message 1.
    order: Order,
    came: usize,
    gone: usize,
    told: u64,
    next: Vec<(usize, Next)>,
}

enum Next {
    Join,
    Quit,
}

impl Door {
    fn new(swarm: &Swarm, members: usize, visitors: usize) -> Self {
        // Visitors are numbered by themselves: no member is one.
        let layout = Layout { echo: true, ..Layout::channel(members, visitors) };
        Self {
            run: swarm.run(),
            members,
            order: Order::new(layout),
            came: 0,
            gone: 0,
            told: 0,
            next: Vec::new(),
        }
    }

    fn member(&mut self, member: usize, line: &[u8]) -> Result<bool, Fault> {
        let sequence = match command(line) {
            b"JOIN" => 0,
            b"QUIT" => 1,
            _ => return Ok(false),
        };
        let client = number_of(self.run, source_nick(line));
        let Some(sender) = client.and_then(|client| client.checked_sub(self.members)) else {
            return Ok(false);
        };
        self.order.delivered(member, Delivery { sender, sequence })?;
        self.told += 1;
        Ok(true)
    }
}

impl Listener for Door {
    fn line(&mut self, client: usize, line: &[u8]) -> Result<bool, Fault> {
        if client < self.members {
            return self.member(client, line);
        }
        if REGISTERED.contains(&command(line)) {
            self.next.push((client, Next::Join));
        } else if command(line) == b"366" {
            self.next.push((client, Next::Quit));
        }
        Ok(false)
    }

    fn ended(&mut self, _client: usize) {
        self.gone += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::{super::floor, *};

    #[test]
    fn each_member_is_told_of_each_who_comes_and_goes() {
        let round = JoinQuit { members: 5, visitors: 20 }.measure(&floor());
        assert!(!round.expect("the floor tells of all").figures.is_empty());
    }

    #[test]
    fn a_visitor_who_quits_before_joining_is_a_fault() {
        let swarm = Swarm::new(floor().server, 1, Duration::ZERO).expect("a poller");
        let mut door = Door::new(&swarm, 2, 1);
        let line = |command: &str| format!(":{}!u@h {command}", swarm.nick(2)).into_bytes();
        assert_eq!(door.line(0, &line("JOIN #x")), Ok(true));
        assert!(door.line(0, &line("JOIN #x")).is_err(), "it came twice");
        assert_eq!(door.line(0, &line("QUIT :bye")), Ok(true));
        assert!(door.line(1, &line("QUIT :bye")).is_err(), "it never came");
        assert_eq!(door.line(1, b":stranger!u@h QUIT :bye"), Ok(false));
    }
}

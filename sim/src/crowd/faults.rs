//! Faults: what is done to a client's connection, or to the server's clocks.

use crate::script::Action;

use super::{Crowd, Due};

impl Crowd<'_> {
    pub(super) fn fault(&mut self, client: usize, fault: Action) {
        self.counters.faults += 1;
        let until = |ms: u32| self.now + u64::from(ms) * 1_000;
        match fault {
            Action::WallJump(seconds) => self.wall += i64::from(seconds) * 1_000,
            Action::LateTimers(ms) => {
                self.late = (until(10_000), u64::from(ms) * 1_000);
                self.pipes.iter_mut().for_each(|pipe| pipe.harmed = true);
            }
            _ => {
                let Some(life) = self.clients[client].life else { return };
                let pipe = &mut self.pipes[life];
                pipe.harmed = true;
                match fault {
                    Action::HalfClose => {
                        pipe.up.ended = true;
                        self.hurry_up(life);
                    }
                    Action::StallUp(ms) => pipe.up.stalled_until = until(ms),
                    Action::StallDown(ms) => pipe.down.stalled_until = until(ms),
                    Action::ReadSlowly(ms) => pipe.down.slow_until = until(ms),
                    Action::Vanish => {
                        pipe.vanished = true;
                        self.detach(life, "vanished");
                    }
                    _ => {
                        pipe.client_done = true;
                        let at = self.now + self.pipes[life].latency();
                        self.at(at, Due::ServerReset(life));
                        self.detach(life, "reset by the client");
                    }
                }
            }
        }
    }
}

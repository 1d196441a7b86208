//! Faults: what is done to a client's connection, to the server's clocks and to its host's answers;
//! and strangers.

use crate::{
    judge::LifeId,
    log::What,
    pipe::End,
    rng::{Concern, Rng},
    script::Action,
    sometimes::Seen,
    stranger::{Deed, Stranger},
};

use super::{Arrival, Crowd, Due};

/// How the host answers what the core asks, until a time.
#[derive(Copy, Clone, Default)]
pub(super) struct Answers {
    pub(super) until: u64,
    trouble: Option<Trouble>,
}

#[derive(Copy, Clone)]
enum Trouble {
    /// Each up to so much later.
    Late(u64),
    Lost,
    Refused,
}

impl Crowd<'_> {
    /// What reached the server by it at once.
    pub(super) fn fault(&mut self, client: usize, fault: Action) -> Option<Arrival> {
        if fault.is_of_hosts() {
            return None;
        }
        self.counters.faults += 1;
        let until = |ms: u32| self.now + u64::from(ms) * 1_000;
        match fault {
            Action::WallJump(seconds) => self.wall += i64::from(seconds) * 1_000,
            Action::LateTimers(ms) => {
                self.late = (until(10_000), u64::from(ms) * 1_000);
                self.pipes.iter_mut().for_each(|pipe| pipe.harmed = true);
            }
            Action::LateAnswers(ms) => {
                self.answer_badly(until(10_000), Trouble::Late(u64::from(ms) * 1_000));
            }
            Action::LostAnswers(ms) => self.answer_badly(until(ms), Trouble::Lost),
            Action::RefusedAnswers(ms) => self.answer_badly(until(ms), Trouble::Refused),
            Action::NoDescriptors(ms) => self.starved_until = until(ms),
            Action::AddressFlood(count) => {
                for _ in 0..count {
                    let at = self.now + self.host.below(50_000);
                    self.at(at, Due::Knock { client, pieces: 0 });
                }
            }
            Action::Hostile(pieces) => self.at(self.now, Due::Knock { client, pieces }),
            _ => {
                let life = self.clients[client].life?;
                self.see_fault(fault);
                return self.fault_of(life, fault);
            }
        }
        self.see_fault(fault);
        None
    }

    fn see_fault(&mut self, fault: Action) {
        if let Some(kind) = kind(fault) {
            self.sometimes.see(kind);
        }
    }

    fn fault_of(&mut self, life: LifeId, fault: Action) -> Option<Arrival> {
        let until = |ms: u32| self.now + u64::from(ms) * 1_000;
        let pipe = &mut self.pipes[life];
        pipe.harmed = true;
        match fault {
            Action::HalfClose => self.end(life),
            Action::HalfLine => {
                pipe.up.bytes.extend(b"PRIVMSG #ch0 :half a l");
                self.end(life);
            }
            Action::StallUp(ms) => pipe.up.stalled_until = until(ms),
            Action::StallDown(ms) => pipe.down.stalled_until = until(ms),
            Action::ReadSlowly(ms) => pipe.down.slow_until = until(ms),
            Action::Vanish => {
                pipe.vanished = true;
                self.detach(life, "vanished");
            }
            Action::Replace => {
                self.reset(life);
                if let End::Client(client) = self.pipes[life].end {
                    return self.connect(client);
                }
            }
            _ => self.reset(life),
        }
        None
    }

    /// The client sends nothing more.
    fn end(&mut self, life: LifeId) {
        self.pipes[life].up.ended = true;
        self.hurry_up(life);
    }

    /// The client resets its connection.
    pub(super) fn reset(&mut self, life: LifeId) {
        let pipe = &mut self.pipes[life];
        pipe.client_done = true;
        let at = self.now + pipe.latency();
        self.at(at, Due::ServerReset(life));
        self.detach(life, "reset by the client");
    }

    fn answer_badly(&mut self, until: u64, trouble: Trouble) {
        self.answers = Answers { until, trouble: Some(trouble) };
        self.pipes.iter_mut().for_each(|pipe| pipe.harmed = true);
    }

    /// The core asks its host something: the answer with this number comes when its time has come,
    /// as an arrival.
    pub(crate) fn ask(&mut self, number: usize) {
        let Answers { until, trouble } = self.answers;
        let trouble = trouble.filter(|_| self.now < until);
        let late = match trouble {
            Some(Trouble::Lost) => return,
            Some(Trouble::Late(by)) => self.host.below(by + 1),
            _ => self.host.below(3_000),
        };
        let refused = matches!(trouble, Some(Trouble::Refused));
        self.at(self.now + late, Due::Answer { number, refused });
    }

    /// A stranger connects: one of a flood, from an address that all of that flood have, or one
    /// that sends something.
    pub(super) fn knock(&mut self, client: usize, pieces: u32) -> Arrival {
        let number = self.strangers.len();
        let address = match pieces {
            // Of one network, since that is what the limit on IPv6 is for.
            0 if client % 2 == 1 => [0x2001, 0xdb8, 0, 0, 0, 0, 0, number as u16].into(),
            0 => [198, 51, 100, 1].into(),
            _ => [203, 0, (number >> 8) as u8, number as u8].into(),
        };
        let rng = Rng::new(self.script.seed, Concern::Stranger(number as u32));
        let life = self.open(End::Stranger(number), address, rng.clone());
        let mut stranger = Stranger::new(rng, life, pieces);
        let pause = stranger.pause();
        self.strangers.push(stranger);
        self.at(self.now + pause, Due::Stranger(life));
        Arrival::Opened(life)
    }

    /// A stranger goes on.
    pub(super) fn go_on(&mut self, life: LifeId) {
        let End::Stranger(number) = self.pipes[life].end else { return };
        if self.pipes[life].client_done || self.pipes[life].vanished {
            return;
        }
        let stranger = &mut self.strangers[number];
        match stranger.next() {
            Deed::Send(bytes) => {
                let at = self.now + stranger.pause();
                self.pipes[life].up.bytes.extend(&bytes);
                self.tell(|| What::Sent { life, bytes });
                self.hurry_up(life);
                self.at(at, Due::Stranger(life));
            }
            Deed::End => self.end(life),
            Deed::Reset => self.reset(life),
            Deed::Vanish => self.pipes[life].vanished = true,
            Deed::Stay => {}
        }
    }
}

/// What a fault of the script is counted as.
fn kind(fault: Action) -> Option<Seen> {
    Some(match fault {
        Action::Reset => Seen::Reset,
        Action::Replace => Seen::Replace,
        Action::Vanish => Seen::Vanish,
        Action::HalfClose => Seen::HalfClose,
        Action::HalfLine => Seen::HalfLine,
        Action::StallUp(_) => Seen::StallUp,
        Action::StallDown(_) => Seen::StallDown,
        Action::ReadSlowly(_) => Seen::ReadSlowly,
        Action::WallJump(_) => Seen::WallJump,
        Action::LateTimers(_) => Seen::LateTimers,
        Action::LateAnswers(_) => Seen::LateAnswers,
        Action::LostAnswers(_) => Seen::LostAnswers,
        Action::RefusedAnswers(_) => Seen::RefusedAnswers,
        Action::NoDescriptors(_) => Seen::NoDescriptors,
        Action::AddressFlood(_) => Seen::AddressFlood,
        Action::Hostile(_) => Seen::Hostile,
        _ => return None,
    })
}

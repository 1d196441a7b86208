//! The network: how bytes travel, and what the server's host does with its ends of connections.

use crate::{
    judge::{Broken, LifeId},
    log::What,
    pipe::{End, Pipe},
    sometimes::Seen,
};

use super::{Arrival, Crowd, Due};

/// Bytes that reach the server at a time at the most.
const READ_MAX: usize = 16 << 10;

/// What the clients' side does.
impl Crowd<'_> {
    /// What a client has to say sets out.
    pub(super) fn send(&mut self, client: usize) {
        let Some(life) = self.clients[client].life else { return };
        if self.pipes[life].up.ended {
            self.clients[client].hush();
        } else {
            let said = self.clients[client].speak(&mut self.judge, self.now);
            if !said.is_empty() {
                self.pipes[life].up.bytes.extend(said.as_bytes());
                self.tell(|| What::Sent { life, bytes: said.into_bytes() });
            }
        }
        self.hurry_up(life);
    }

    pub(super) fn hurry_up(&mut self, life: LifeId) {
        if let Some(at) = self.pipes[life].sets_out_up(self.now) {
            self.at(at, Due::Up(life));
        }
    }

    pub(super) fn hurry_down(&mut self, life: LifeId) {
        if let Some(at) = self.pipes[life].sets_out_down(self.now) {
            self.at(at, Due::Down(life));
        }
    }

    pub(super) fn arrive_up(&mut self, life: LifeId) -> Option<Arrival> {
        let pipe = &mut self.pipes[life];
        pipe.up.due = false;
        if pipe.vanished || pipe.server_done || !pipe.reading {
            return None;
        }
        if self.now < pipe.up.stalled_until {
            self.hurry_up(life);
            return None;
        }
        let travels = pipe.up.bytes.len() - pipe.up.arrived;
        let count = pipe.portion(travels).min(READ_MAX);
        let arrival = if count > 0 {
            pipe.up.arrived += count;
            if count == 1 && travels > 1 {
                self.sometimes.see(Seen::OneByteRead);
            }
            Some(Arrival::Bytes(life))
        } else if pipe.up.ended && !pipe.eof_told {
            pipe.eof_told = true;
            self.judge.ends(life);
            Some(Arrival::End(life))
        } else {
            None
        };
        self.hurry_up(life);
        arrival
    }

    pub(super) fn arrive_down(&mut self, life: LifeId) -> Result<(), Broken> {
        let pipe = &mut self.pipes[life];
        pipe.down.due = false;
        if pipe.vanished || pipe.client_done {
            return Ok(());
        }
        if self.now < pipe.down.stalled_until {
            self.hurry_down(life);
            return Ok(());
        }
        let mut count = pipe.portion(pipe.down.bytes.len());
        if self.now < pipe.down.slow_until {
            count = count.min(32);
        }
        if count == 0 {
            // All was read, and nothing more will come.
            let word = !self.pipes[life].cut;
            return self.lose(life, word);
        }
        let end = pipe.end;
        let mut buffer = std::mem::take(&mut self.buffer);
        pipe.down.take(count, &mut buffer);
        self.hurry_room(life);
        self.tell(|| What::ReachedClient { life, bytes: buffer.clone() });
        let heard = match end {
            End::Client(client) => self.clients[client].receive(&buffer, &mut self.judge, self.now),
            End::Stranger(number) => self.strangers[number].receive(&buffer),
        };
        self.buffer = buffer;
        heard?;
        if let End::Client(client) = end {
            self.send(client);
        }
        self.hurry_down(life);
        Ok(())
    }

    /// The socket takes more, if somebody waits for that.
    pub(super) fn room(&mut self, life: LifeId) -> Option<Arrival> {
        let pipe = &mut self.pipes[life];
        pipe.writable_due = false;
        let waits = pipe.blocked && !pipe.server_done;
        waits.then(|| {
            pipe.blocked = false;
            Arrival::Writable(life)
        })
    }

    fn hurry_room(&mut self, life: LifeId) {
        if let Some(at) = self.pipes[life].becomes_writable(self.now) {
            self.at(at, Due::Writable(life));
        }
    }
}

/// What the server's side does.
impl Crowd<'_> {
    /// The connection as the server's side sees it.
    pub(crate) fn pipe(&mut self, life: LifeId) -> &mut Pipe {
        &mut self.pipes[life]
    }

    /// Takes bytes that have arrived, at most so many.
    pub(crate) fn read(&mut self, life: LifeId, most: usize, into: &mut Vec<u8>) {
        let up = &mut self.pipes[life].up;
        up.take(up.arrived.min(most), into);
        self.trace.number(life as u64);
        self.trace.bytes(into);
        self.tell(|| What::ReachedServer { life, bytes: into.clone() });
        self.hurry_up(life);
    }

    /// Whether the end follows what was just read; if so, it need not be told of any more.
    pub(crate) fn end_follows(&mut self, life: LifeId) -> bool {
        let pipe = &mut self.pipes[life];
        let ends = pipe.up.ended && pipe.up.bytes.is_empty() && !pipe.eof_told;
        pipe.eof_told |= ends;
        ends
    }

    /// Reads from a connection from now on, or does not.
    pub(crate) fn set_reading(&mut self, life: LifeId, on: bool) {
        self.tell(|| What::Reading { life, on });
        self.pipes[life].reading = on;
        self.hurry_up(life);
    }

    /// Bytes that the socket takes at most, for now.
    pub(crate) fn window(&self, life: LifeId) -> usize {
        (self.script.bounds.window as usize).saturating_sub(self.pipes[life].down.bytes.len())
    }

    /// Puts bytes on their way, or what a mutant makes of them. `partial`: they are not all that
    /// waits; `blocked`: the rest follows when there is room.
    pub(crate) fn write(&mut self, life: LifeId, bytes: &[u8], partial: bool, blocked: bool) {
        let room = self.window(life);
        if partial {
            match bytes.len() {
                len if len >= room => self.sometimes.see(Seen::FullWindow),
                1 => self.sometimes.see(Seen::OneByteWrite),
                _ => {}
            }
        }
        self.trace.number(life as u64);
        self.trace.bytes(bytes);
        self.written += bytes.len() as u64;
        let mut sent = std::borrow::Cow::Borrowed(bytes);
        if let Some(saboteur) = &mut self.saboteur {
            let strayed = saboteur.strike(&mut sent, partial, life, &self.clients, &self.pipes);
            if let Some((to, line)) = strayed {
                self.pipes[to].down.bytes.extend(line);
                self.hurry_down(to);
            }
        }
        self.tell(|| What::Wrote { life, bytes: sent.to_vec() });
        let pipe = &mut self.pipes[life];
        pipe.at_line = bytes.last().map_or(pipe.at_line, |last| *last == b'\n');
        if !pipe.client_done {
            pipe.down.bytes.extend(&*sent);
        }
        pipe.blocked = blocked;
        if bytes.len() < room && blocked {
            self.sometimes.see(Seen::FullEarly);
            self.hurry_room(life);
        }
        self.hurry_down(life);
    }

    /// The server's host waits for room, whether there is some already or not.
    pub(crate) fn block(&mut self, life: LifeId) {
        self.pipes[life].blocked = true;
        let room = self.window(life);
        self.sometimes.see(if room > 0 { Seen::FullEarly } else { Seen::FullWindow });
        if room > 0 {
            self.hurry_room(life);
        }
    }

    /// Sends nothing more.
    pub(crate) fn shut_down(&mut self, life: LifeId) {
        self.pipes[life].down.ended = true;
        self.hurry_down(life);
    }

    /// The server's end is gone. `reset`: without a word; otherwise its last byte was followed by
    /// an end, or nobody is there to be told.
    pub(crate) fn close(&mut self, life: LifeId, why: &str, reset: bool) {
        self.trace.number(9);
        self.tell(|| What::ServerClosed { life, why: why.into() });
        if reset {
            let at = self.now + self.pipes[life].latency();
            self.at(at, Due::ClientReset(life));
        }
        self.pipes[life].server_done = true;
    }
}

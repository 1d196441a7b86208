//! The attackers' connections: many on one thread, each with an address of the attack's choice.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr},
    thread,
    time::{Duration, Instant},
};

use memchr::memchr;
use mio::{Events, Interest, Poll, Token, net::TcpStream};

use crate::bench::{
    line::{command, parameters, text},
    source::connect_from,
};

/// Attackers, by number. A connection that has ended stays ended.
#[derive(Debug)]
pub(super) struct Crowd {
    server: SocketAddr,
    receive: Option<usize>,
    poll: Poll,
    events: Events,
    buffer: Box<[u8]>,
    members: Vec<Option<Member>>,
    tally: Tally,
}

/// What attackers got.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// Connections that were begun.
    pub(super) opened: u64,
    /// Who became a user.
    pub(super) registered: u64,
    /// Lines that came.
    pub(super) lines: u64,
    /// Answers to PING: what the server has carried out.
    pub(super) pongs: u64,
    /// Connections that the server ended, by the reason that it gave.
    pub(super) ended: BTreeMap<String, u64>,
}

#[derive(Debug)]
struct Member {
    stream: TcpStream,
    /// What the socket has not taken.
    out: Vec<u8>,
    /// The beginning of a line whose end has not come.
    partial: Vec<u8>,
    reads: bool,
    registered: bool,
    reason: Option<String>,
}

impl Crowd {
    /// Nobody yet.
    ///
    /// # Errors
    /// If the system gives no poller.
    pub(super) fn new(server: SocketAddr) -> io::Result<Self> {
        Ok(Self {
            server,
            receive: None,
            poll: Poll::new()?,
            events: Events::with_capacity(32),
            buffer: vec![0; READ_BYTES].into(),
            members: Vec::new(),
            tally: Tally::default(),
        })
    }

    /// Whoever comes from now on lets little wait in the system, so that it soon waits in the server.
    pub(super) fn receive_little(&mut self) {
        self.receive = Some(1);
    }

    /// Begins a connection; its number.
    ///
    /// # Errors
    /// If the system gives no socket.
    pub(super) fn open(&mut self, source: Ipv4Addr) -> io::Result<usize> {
        let mut stream = TcpStream::from_std(connect_from(source, self.server, self.receive)?);
        let number = self.members.len();
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut stream, Token(number), both)?;
        self.members.push(Some(Member {
            stream,
            out: Vec::new(),
            partial: Vec::new(),
            reads: true,
            registered: false,
            reason: None,
        }));
        self.tally.opened += 1;
        Ok(number)
    }

    /// Opens `count` connections that register, and waits until they are users or `until`.
    ///
    /// # Errors
    /// If the system gives no socket, or fails to poll.
    pub(super) fn register(
        &mut self,
        count: usize,
        source: impl Fn(usize) -> Ipv4Addr,
        until: Instant,
    ) -> io::Result<()> {
        let first = self.members.len();
        for number in first..first + count {
            self.open(source(number))?;
            self.say(number, format!("NICK x{number}\r\nUSER x 0 * :x\r\n").as_bytes());
            while self.waiting(first) >= WAVE && Instant::now() < until {
                self.pause()?;
            }
        }
        while self.waiting(first) > 0 && Instant::now() < until {
            self.pause()?;
        }
        Ok(())
    }

    /// Says bytes as soon as the socket takes them; false if what was said before still waits.
    pub(super) fn say(&mut self, number: usize, bytes: &[u8]) -> bool {
        let Some(Some(member)) = self.members.get_mut(number) else { return false };
        let free = member.out.is_empty();
        if free {
            member.out.extend_from_slice(bytes);
            member.flush();
        }
        free
    }

    /// Lets everybody say the same.
    pub(super) fn say_all(&mut self, bytes: &[u8]) {
        for number in 0..self.members.len() {
            self.say(number, bytes);
        }
    }

    /// From now on, this one does not read.
    pub(super) fn stop_reading(&mut self, number: usize) {
        if let Some(Some(member)) = self.members.get_mut(number) {
            member.reads = false;
        }
    }

    /// Closes a connection.
    pub(super) fn drop(&mut self, number: usize) {
        if let Some(member) = self.members.get_mut(number) {
            *member = None;
        }
    }

    /// Waits at most `wait` for readiness, reads what came and writes what waits.
    ///
    /// # Errors
    /// If the system fails to poll.
    pub(super) fn serve(&mut self, wait: Duration) -> io::Result<()> {
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        for event in &self.events {
            let Token(number) = event.token();
            let Some(slot) = self.members.get_mut(number) else { continue };
            let Some(member) = slot else { continue };
            let closed = event.is_read_closed() || event.is_error();
            let over = match member.reads {
                true => member.read(&mut self.buffer, &mut self.tally),
                false => closed,
            };
            member.flush();
            if over {
                let reason = member.reason.take().unwrap_or_else(|| "closed".to_owned());
                *self.tally.ended.entry(reason).or_default() += 1;
                *slot = None;
            }
        }
        Ok(())
    }

    /// Serves what is ready, and leaves the processor to the honest clients for a moment.
    ///
    /// # Errors
    /// As [`serve`](Self::serve).
    pub(super) fn pause(&mut self) -> io::Result<()> {
        self.serve(Duration::ZERO)?;
        thread::sleep(PAUSE);
        Ok(())
    }

    /// Serves until `until`, or until all have ended.
    ///
    /// # Errors
    /// As [`serve`](Self::serve).
    pub(super) fn serve_until(&mut self, until: Instant) -> io::Result<()> {
        while Instant::now() < until && self.open_now() > 0 {
            self.pause()?;
        }
        Ok(())
    }

    /// Connections that have not ended.
    pub(super) fn open_now(&self) -> usize {
        self.members.iter().flatten().count()
    }

    /// Numbers of connections that have not ended.
    pub(super) fn numbers(&self) -> Vec<usize> {
        let open = |&number: &usize| self.members.get(number).is_some_and(Option::is_some);
        (0..self.members.len()).filter(open).collect()
    }

    /// What they got until now.
    pub(super) fn tally(&self) -> &Tally {
        &self.tally
    }

    fn waiting(&self, first: usize) -> usize {
        let members = self.members.iter().skip(first).flatten();
        members.filter(|member| !member.registered).count()
    }
}

impl Tally {
    /// How many the server ended.
    pub(super) fn ended_in_all(&self) -> u64 {
        self.ended.values().sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} opened", self.opened)?;
        if self.registered > 0 {
            write!(f, ", {} registered", self.registered)?;
        }
        for (reason, count) in &self.ended {
            write!(f, ", {count} ended ({reason})")?;
        }
        Ok(())
    }
}

impl Member {
    /// Reads all that came; true if that was the end.
    fn read(&mut self, buffer: &mut [u8], tally: &mut Tally) -> bool {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return true,
                Ok(length) => self.lines(buffer.get(..length).unwrap_or_default(), tally),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.reason.get_or_insert_with(|| error.kind().to_string());
                    return true;
                }
            }
        }
    }

    fn lines(&mut self, bytes: &[u8], tally: &mut Tally) {
        let mut all = std::mem::take(&mut self.partial);
        all.extend_from_slice(bytes);
        let mut rest = all.as_slice();
        while let Some(end) = memchr(b'\n', rest) {
            let (line, next) = rest.split_at(end);
            self.line(line.strip_suffix(b"\r").unwrap_or(line), tally);
            rest = next.get(1..).unwrap_or_default();
        }
        self.partial.extend_from_slice(rest);
    }

    fn line(&mut self, line: &[u8], tally: &mut Tally) {
        tally.lines += 1;
        match command(line) {
            b"001" => {
                self.registered = true;
                tally.registered += 1;
            }
            b"PONG" => tally.pongs += 1,
            b"PING" => {
                let pong = [b"PONG ", parameters(line), b"\r\n"].concat();
                self.out.extend_from_slice(&pong);
            }
            b"ERROR" => self.reason = Some(reason(&text(line))),
            _ => {}
        }
    }

    /// Writes what the socket takes; an error is told by reading.
    fn flush(&mut self) {
        while !self.out.is_empty() {
            match self.stream.write(&self.out) {
                Ok(written) => drop(self.out.drain(..written.min(self.out.len()))),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }
}

/// An attacker's address: `per_address` attackers share each.
pub(super) fn address(number: usize, per_address: usize) -> Ipv4Addr {
    let number = number / per_address.max(1);
    // At most 40,000 addresses: 127.66.0.1 and on.
    Ipv4Addr::new(127, 66, (number / 250) as u8, 1 + (number % 250) as u8)
}

/// The reason in `ERROR :Closing link: host (reason)`, without the host, and without what follows a
/// colon: those are the peer's own words.
fn reason(line: &str) -> String {
    let text = line.split_once(" :").map_or(line, |(_, text)| text);
    let text = text.strip_prefix("Closing link: ").unwrap_or(text);
    let inner = text.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(text).split(':').next().unwrap_or_default().to_owned()
}

const READ_BYTES: usize = 64 << 10;

/// Who may be on the way to be a user at once: what a listener's backlog has room for, many times.
const WAVE: usize = 32;

/// Attackers who never pause would take the processor from the honest clients, not from the server.
pub(super) const PAUSE: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_told_without_the_host() {
        assert_eq!(reason("ERROR :Closing link: 127.0.0.66 (SendQ exceeded)"), "SendQ exceeded");
        assert_eq!(reason("ERROR :Closing link: the server has no room"), "the server has no room");
        assert_eq!(reason("ERROR :Closing link: h (Quit: \u{202e}evil)"), "Quit");
        assert_eq!(reason("ERROR :no"), "no");
    }

    #[test]
    fn attackers_share_addresses_as_many_as_are_told() {
        assert_eq!(address(0, 10), address(9, 10));
        assert_ne!(address(9, 10), address(10, 10));
        assert_eq!(address(2500, 10), Ipv4Addr::new(127, 66, 1, 1));
    }

    #[test]
    fn a_tally_is_told_in_words() {
        let ended = BTreeMap::from([("SendQ exceeded".to_owned(), 2)]);
        let tally = Tally { opened: 3, ended, ..Tally::default() };
        assert_eq!(tally.to_string(), "3 opened, 2 ended (SendQ exceeded)");
    }
}

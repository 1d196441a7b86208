//! Many clients on one thread: their connections, the lines that come in, the bytes that go out.

use std::{
    fmt,
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use memchr::memchr;
use mio::{Events, Interest, Poll, Token, event::Event, net::TcpStream};

use super::{
    error::BenchError,
    order::Fault,
    payload::{CHANNEL, nick},
    source::connect_from,
};

/// Who hears the lines that the server sends.
pub(crate) trait Listener {
    /// Takes a line (without CR LF) that `client` got; false if it means nothing to the listener.
    ///
    /// PING and ERROR do not come here; of what the listener leaves, refusals and stray messages
    /// end the benchmark.
    ///
    /// # Errors
    /// If the line proves a fault of the server.
    fn line(&mut self, client: usize, line: &[u8]) -> Result<bool, Fault>;

    /// Told before the lines of each read, so that a clock need not be asked for every line.
    fn arrived(&mut self) {}
}

/// Clients of one server, all driven by one thread.
#[derive(Debug)]
pub(crate) struct Swarm {
    server: SocketAddr,
    /// Where each client comes from; the system's choice without.
    source: Option<fn(usize) -> Ipv4Addr>,
    run: u32,
    timeout: Duration,
    wave: usize,
    poll: Poll,
    events: Events,
    buffer: Box<[u8]>,
    clients: Vec<Client>,
    phase: Phase,
}

impl Swarm {
    /// No client yet. At most `wave` of them will be served at once in a step; each phase may take `timeout`.
    ///
    /// # Errors
    /// If the system gives no poller.
    pub(crate) fn new(
        server: SocketAddr,
        wave: usize,
        timeout: Duration,
    ) -> Result<Self, BenchError> {
        Ok(Self {
            server,
            source: None,
            run: std::process::id(),
            timeout,
            wave: wave.max(1),
            poll: Poll::new().map_err(|error| BenchError::io("create a poller", error))?,
            events: Events::with_capacity(1024),
            buffer: vec![0; READ_BYTES].into(),
            clients: Vec::new(),
            phase: Phase::begin("connecting", 0, timeout),
        })
    }

    /// The same, with an address for each client.
    pub(crate) fn with_addresses(mut self, source: fn(usize) -> Ipv4Addr) -> Self {
        self.source = Some(source);
        self
    }

    /// The nick of a client, whether it has connected or not.
    pub(crate) fn nick(&self, client: usize) -> String {
        nick(self.run, client)
    }

    /// Connects and registers clients until there are `count`.
    ///
    /// # Errors
    /// If the server refuses or closes one, or the time is up.
    pub(crate) fn register(&mut self, count: usize) -> Result<(), BenchError> {
        let answers: &[&[u8]] = &[b"376", b"422"];
        self.step("registering", self.clients.len()..count, answers, |swarm, client| {
            swarm.connect()?;
            let nick = swarm.nick(client);
            let hello = format!("NICK {nick}\r\nUSER {nick} 0 * :load\r\n");
            swarm.say(client, |out| out.extend_from_slice(hello.as_bytes()));
            Ok(())
        })
    }

    /// Brings every client into the channel, and waits until the noise of it is over.
    ///
    /// # Errors
    /// If the server refuses or closes one, or the time is up.
    pub(crate) fn join(&mut self) -> Result<(), BenchError> {
        self.join_each(|_| CHANNEL.to_owned())
    }

    /// Brings every client into a channel of its own choice, and waits until the noise of it is over.
    ///
    /// # Errors
    /// If the server refuses or closes one, or the time is up.
    pub(crate) fn join_each(
        &mut self,
        channel: impl Fn(usize) -> String,
    ) -> Result<(), BenchError> {
        self.step("joining", 0..self.clients.len(), &[b"366"], |swarm, client| {
            let join = format!("JOIN {}\r\n", channel(client));
            swarm.say(client, |out| out.extend_from_slice(join.as_bytes()));
            Ok(())
        })?;
        self.barrier()
    }

    /// Waits until every client has got all that the server has queued for it: PING and its PONG.
    ///
    /// # Errors
    /// If a message of the channel comes, the server closes a client, or the time is up.
    pub(crate) fn barrier(&mut self) -> Result<(), BenchError> {
        self.step("waiting for PONG", 0..self.clients.len(), &[b"PONG"], |swarm, client| {
            swarm.say(client, |out| out.extend_from_slice(b"PING :barrier\r\n"));
            Ok(())
        })
    }

    /// Starts a phase with a deadline of its own, for the turns that follow.
    pub(crate) fn begin(&mut self, phase: &'static str, of: u64, longer: Duration) {
        self.phase = Phase::begin(phase, of, self.timeout + longer);
    }

    /// Queues what `write` appends for a client, and sends as much of it as the socket takes.
    pub(crate) fn say(&mut self, client: usize, write: impl FnOnce(&mut Vec<u8>)) {
        if let Some(client) = self.clients.get_mut(client) {
            write(&mut client.out);
            client.flush();
        }
    }

    /// Waits for readiness, at most `wait`, and serves everything that is ready.
    ///
    /// `done` is how much of the phase is over, should its deadline have passed.
    ///
    /// # Errors
    /// If the phase's deadline has passed, a connection has ended, or a line is a refusal or a fault.
    pub(crate) fn turn(
        &mut self,
        wait: Option<Duration>,
        done: u64,
        listener: &mut impl Listener,
    ) -> Result<(), BenchError> {
        let left = self.phase.left(done)?;
        match self.poll.poll(&mut self.events, Some(wait.map_or(left, |wait| wait.min(left)))) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                return Err(BenchError::io("wait for readiness", error));
            }
            _ => {}
        }
        for event in &self.events {
            let Token(number) = event.token();
            let Some(client) = self.clients.get_mut(number) else {
                continue;
            };
            client.serve(number, event, &mut self.buffer, listener).map_err(|ended| {
                let nick = nick(self.run, number);
                let phase = self.phase.name;
                match ended {
                    Ended::Never(error) => BenchError::Connect { server: self.server, error },
                    Ended::Closed(last) => BenchError::Closed { nick, phase, last },
                    Ended::Refused(line) => BenchError::Refused { nick, phase, line },
                    Ended::Stray(line) => BenchError::Stray { nick, line },
                    Ended::Fault(fault) => BenchError::Order(fault),
                }
            })?;
        }
        Ok(())
    }

    /// Lets each of `clients` `ask`, a wave at a time, and waits until each has got one of the `answers`.
    fn step(
        &mut self,
        phase: &'static str,
        clients: std::ops::Range<usize>,
        answers: &'static [&'static [u8]],
        mut ask: impl FnMut(&mut Self, usize) -> Result<(), BenchError>,
    ) -> Result<(), BenchError> {
        let mut step = Step { answers, answered: vec![false; clients.end], count: 0 };
        let of = clients.len();
        self.begin(phase, of as u64, Duration::ZERO);
        for (asked, client) in clients.enumerate() {
            while asked - step.count >= self.wave {
                self.turn(None, step.count as u64, &mut step)?;
            }
            ask(self, client)?;
        }
        while step.count < of {
            self.turn(None, step.count as u64, &mut step)?;
        }
        Ok(())
    }

    fn connect(&mut self) -> Result<(), BenchError> {
        let server = self.server;
        let failed = |error| BenchError::Connect { server, error };
        let number = self.clients.len();
        let mut stream = match self.source {
            Some(source) => {
                TcpStream::from_std(connect_from(source(number), server, None).map_err(failed)?)
            }
            None => {
                let stream = TcpStream::connect(server).map_err(failed)?;
                stream.set_nodelay(true).map_err(failed)?;
                stream
            }
        };
        let token = Token(number);
        self.poll
            .registry()
            .register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)
            .map_err(failed)?;
        self.clients.push(Client {
            stream,
            partial: Vec::new(),
            out: Vec::new(),
            error_line: None,
            write_error: None,
            connected: false,
        });
        Ok(())
    }
}

impl Drop for Swarm {
    /// Takes leave, so that the nicks are free at once.
    fn drop(&mut self) {
        for client in &mut self.clients {
            client.out.extend_from_slice(b"QUIT\r\n");
            client.flush();
        }
    }
}

/// What every client is waiting for in a step.
struct Step {
    answers: &'static [&'static [u8]],
    answered: Vec<bool>,
    count: usize,
}

impl Listener for Step {
    fn line(&mut self, client: usize, line: &[u8]) -> Result<bool, Fault> {
        if !self.answers.contains(&command(line)) {
            return Ok(false);
        }
        if let Some(answered) = self.answered.get_mut(client).filter(|answered| !**answered) {
            *answered = true;
            self.count += 1;
        }
        Ok(true)
    }
}

/// A part of the benchmark that has a deadline.
#[derive(Debug)]
struct Phase {
    name: &'static str,
    of: u64,
    timeout: Duration,
    began: Instant,
}

impl Phase {
    fn begin(name: &'static str, of: u64, timeout: Duration) -> Self {
        Self { name, of, timeout, began: Instant::now() }
    }

    fn left(&self, done: u64) -> Result<Duration, BenchError> {
        self.timeout.checked_sub(self.began.elapsed()).ok_or(BenchError::Deadline {
            phase: self.name,
            done,
            of: self.of,
            timeout: self.timeout,
        })
    }
}

/// One connection.
struct Client {
    stream: TcpStream,
    /// The beginning of a line whose end has not come.
    partial: Vec<u8>,
    /// What the socket has not taken.
    out: Vec<u8>,
    error_line: Option<String>,
    write_error: Option<io::Error>,
    /// True once anything has been read.
    connected: bool,
}

/// Why a connection is of no use any more.
enum Ended {
    Never(io::Error),
    Closed(String),
    Refused(String),
    Stray(String),
    Fault(Fault),
}

impl Client {
    fn serve(
        &mut self,
        number: usize,
        event: &Event,
        buffer: &mut [u8],
        listener: &mut impl Listener,
    ) -> Result<(), Ended> {
        let mut more = event.is_readable() || event.is_error();
        while more {
            match self.stream.read(buffer) {
                Ok(0) => return Err(self.end_of_file()),
                Ok(length) => {
                    self.connected = true;
                    listener.arrived();
                    self.lines(number, buffer.get(..length).unwrap_or_default(), listener)?;
                    // A short read has emptied the socket, unless its end is already there to be read.
                    more = length == buffer.len() || event.is_read_closed();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => more = false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if self.connected => return Err(Ended::Closed(self.last_words(error))),
                Err(error) => return Err(Ended::Never(error)),
            }
        }
        if !self.out.is_empty() {
            self.flush();
        }
        Ok(())
    }

    /// Hands out the lines of one read, with the line that the read before left unfinished.
    fn lines(
        &mut self,
        number: usize,
        mut bytes: &[u8],
        listener: &mut impl Listener,
    ) -> Result<(), Ended> {
        if !self.partial.is_empty() {
            let Some(end) = memchr(b'\n', bytes) else {
                self.partial.extend_from_slice(bytes);
                return Ok(());
            };
            let (rest, next) = bytes.split_at(end);
            let mut line = std::mem::take(&mut self.partial);
            line.extend_from_slice(rest);
            self.line(number, &line, listener)?;
            line.clear();
            self.partial = line;
            bytes = next.get(1..).unwrap_or_default();
        }
        while let Some(end) = memchr(b'\n', bytes) {
            let (line, next) = bytes.split_at(end);
            self.line(number, line, listener)?;
            bytes = next.get(1..).unwrap_or_default();
        }
        self.partial.extend_from_slice(bytes);
        Ok(())
    }

    fn line(
        &mut self,
        number: usize,
        line: &[u8],
        listener: &mut impl Listener,
    ) -> Result<(), Ended> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if listener.line(number, line).map_err(Ended::Fault)? {
            return Ok(());
        }
        match command(line) {
            b"PING" => {
                self.out.extend_from_slice(b"PONG ");
                self.out.extend_from_slice(parameters(line));
                self.out.extend_from_slice(b"\r\n");
                self.flush();
            }
            b"ERROR" => self.error_line = Some(text(line)),
            b"PRIVMSG" => return Err(Ended::Stray(text(line))),
            // 422, no MOTD, is no refusal.
            [b'4' | b'5', b'0'..=b'9', b'0'..=b'9'] if command(line) != b"422" => {
                return Err(Ended::Refused(text(line)));
            }
            _ => {}
        }
        Ok(())
    }

    /// Sends what the socket takes; an error is told when reading, where the server's reason may be.
    fn flush(&mut self) {
        match self.stream.write(&self.out) {
            Ok(written) => drop(self.out.drain(..written.min(self.out.len()))),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => self.write_error = self.write_error.take().or(Some(error)),
        }
    }

    /// A refused connection looks like an ended one if it was written to first.
    fn end_of_file(&mut self) -> Ended {
        match self.write_error.take() {
            Some(error) if !self.connected => Ended::Never(error),
            _ => Ended::Closed(self.last_words("end of file")),
        }
    }

    fn last_words(&mut self, otherwise: impl fmt::Display) -> String {
        self.error_line.take().unwrap_or_else(|| otherwise.to_string())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("connected", &self.connected).finish_non_exhaustive()
    }
}

/// The bytes of one read. A busy receiver is emptied by one call.
const READ_BYTES: usize = 256 * 1024;

/// The command or numeric of a line that may begin with a source.
pub(crate) fn command(line: &[u8]) -> &[u8] {
    let rest = after_source(line);
    rest.split(|&byte| byte == b' ').next().unwrap_or_default()
}

/// All that follows the command.
pub(crate) fn parameters(line: &[u8]) -> &[u8] {
    let rest = after_source(line);
    memchr(b' ', rest).and_then(|space| rest.get(space + 1..)).unwrap_or_default()
}

fn after_source(line: &[u8]) -> &[u8] {
    if line.first() == Some(&b':') {
        memchr(b' ', line).and_then(|space| line.get(space + 1..)).unwrap_or_default()
    } else {
        line
    }
}

/// A line for people: no control characters, since it came from outside.
pub(crate) fn text(line: &[u8]) -> String {
    let line = String::from_utf8_lossy(line);
    line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use std::{
        io::BufRead as _,
        net::{Ipv4Addr, TcpListener},
    };

    use super::*;

    #[test]
    fn a_command_is_found_with_or_without_source() {
        assert_eq!(command(b":irc.test 366 bob #bench :End"), b"366");
        assert_eq!(command(b"PING :irc.test"), b"PING");
        assert_eq!(command(b":irc.test"), b"");
        assert_eq!(command(b""), b"");
    }

    #[test]
    fn the_answer_to_ping_keeps_its_parameters() {
        assert_eq!(parameters(b"PING :irc.test"), b":irc.test");
        assert_eq!(parameters(b":irc.test PING a b"), b"a b");
        assert_eq!(parameters(b"PING"), b"");
    }

    fn try_to_register(server: SocketAddr) -> String {
        let mut swarm = Swarm::new(server, 1, Duration::from_secs(10)).expect("a poller");
        swarm.register(1).expect_err("nobody serves").to_string()
    }

    #[test]
    fn a_port_that_nobody_listens_on_is_a_connection_that_never_was() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback");
        let server = listener.local_addr().expect("bound");
        drop(listener);
        let error = try_to_register(server);
        assert!(error.starts_with(&format!("cannot connect to {server}: ")), "{error}");
    }

    #[test]
    fn a_server_that_turns_clients_away_is_quoted() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback");
        let server = listener.local_addr().expect("bound");
        let host = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept()?;
            // The greeting is read first, or closing would reset the connection.
            let mut greeting = io::BufReader::new(stream.try_clone()?).lines();
            greeting.by_ref().take(2).for_each(drop);
            stream.write_all(b":irc.test NOTICE * :wait\r\nERROR :Too many of you\r\n")
        });
        let error = try_to_register(server);
        assert!(error.contains("while registering: ERROR :Too many of you; lift"), "{error}");
        host.join().expect("no panic").expect("no error");
    }

    #[test]
    fn an_error_line_cannot_play_with_the_terminal() {
        assert_eq!(text(b"ERROR :\x1b[2J"), "ERROR :\u{fffd}[2J");
    }
}

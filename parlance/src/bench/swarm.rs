//! Many clients on one thread: their connections, the lines that come in, the bytes that go out.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    ops::Range,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token, net::TcpStream};

use super::{
    client::{Client, Ended},
    error::BenchError,
    line::command,
    order::Fault,
    payload::{channel, nick},
    source::connect_from,
};

/// Who hears the lines that the server sends.
pub(crate) trait Listener {
    /// Takes a line (without CR LF) that `client` got; false if it means nothing to the listener.
    ///
    /// Of what the listener leaves, PING is answered, and refusals and stray messages end the benchmark.
    ///
    /// # Errors
    /// If the line proves a fault of the server.
    fn line(&mut self, client: usize, line: &[u8]) -> Result<bool, Fault>;

    /// Told before the lines of each read, so that a clock need not be asked for every line.
    fn arrived(&mut self) {}

    /// Told when the connection of one who may end has ended.
    fn ended(&mut self, _client: usize) {}
}

/// Clients of one server, all driven by one thread.
#[derive(Debug)]
pub(crate) struct Swarm {
    server: SocketAddr,
    /// Where each client comes from; the system's choice without.
    source: Option<fn(usize) -> Ipv4Addr>,
    /// What each client asks for before it registers.
    capabilities: Option<String>,
    run: u32,
    timeout: Duration,
    wave: usize,
    poll: Poll,
    events: Events,
    buffer: Box<[u8]>,
    /// By number; those who may end leave a gap.
    clients: Vec<Option<Client>>,
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
            capabilities: None,
            // Several swarms of one process may meet on one server, as may several processes.
            run: std::process::id()
                .wrapping_mul(16)
                .wrapping_add(RUN.fetch_add(1, Ordering::Relaxed)),
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

    /// The same, with clients who ask for these capabilities.
    pub(super) fn with_capabilities(mut self, names: String) -> Self {
        self.capabilities = Some(names);
        self
    }

    /// How many clients were connected until now.
    pub(super) fn len(&self) -> usize {
        self.clients.len()
    }

    /// How many clients are served at once in a step.
    pub(super) fn wave(&self) -> usize {
        self.wave
    }

    /// The nick of a client, whether it has connected or not.
    pub(crate) fn nick(&self, client: usize) -> String {
        nick(self.run, client)
    }

    /// What tells the nicks of this swarm from those of others.
    pub(super) fn run(&self) -> u32 {
        self.run
    }

    /// A channel of this swarm.
    pub(super) fn channel(&self, number: usize) -> String {
        channel(self.run, number)
    }

    /// Connects and registers clients until there are `count`.
    ///
    /// # Errors
    /// If the server refuses or closes one, or the time is up.
    pub(crate) fn register(&mut self, count: usize) -> Result<(), BenchError> {
        let clients = self.clients.len()..count;
        self.step("registering", clients, REGISTERED, |swarm, _| swarm.open().map(drop))?;
        Ok(())
    }

    /// Connects one more client and lets it begin to register; its number.
    ///
    /// # Errors
    /// If the system gives no connection.
    pub(super) fn open(&mut self) -> Result<usize, BenchError> {
        let client = self.connect()?;
        self.greet(client);
        Ok(client)
    }

    fn greet(&mut self, client: usize) {
        let nick = self.nick(client);
        let hello = format!("NICK {nick}\r\nUSER {nick} 0 * :load\r\n");
        let hello = match &self.capabilities {
            Some(names) => format!("CAP REQ :{names}\r\n{hello}CAP END\r\n"),
            None => hello,
        };
        self.say(client, |out| out.extend_from_slice(hello.as_bytes()));
    }

    /// Brings every client into a channel of its own choice (or several, between commas), and waits
    /// until the noise of it is over; how many JOINs all clients have seen.
    ///
    /// # Errors
    /// If the server refuses or closes one, or the time is up.
    pub(crate) fn join_each(
        &mut self,
        channel: impl Fn(&Self, usize) -> String,
    ) -> Result<u64, BenchError> {
        let joined = self.step("joining", 0..self.clients.len(), &[b"366"], |swarm, client| {
            // One by one: servers take few at once.
            let joins: String =
                channel(swarm, client).split(',').map(|name| format!("JOIN {name}\r\n")).collect();
            swarm.say(client, |out| out.extend_from_slice(joins.as_bytes()));
            Ok(())
        })?;
        Ok(joined + self.barrier()?)
    }

    /// Waits until every client has got all that the server has queued for it: PING and its PONG. How
    /// many JOINs clients have seen meanwhile.
    ///
    /// # Errors
    /// If a message of the channel comes, the server closes a client, or the time is up.
    pub(crate) fn barrier(&mut self) -> Result<u64, BenchError> {
        self.barrier_of(0..self.clients.len())
    }

    /// The same for some clients.
    ///
    /// # Errors
    /// As [`barrier`](Self::barrier).
    pub(super) fn barrier_of(&mut self, clients: Range<usize>) -> Result<u64, BenchError> {
        self.step("waiting for PONG", clients, &[b"PONG"], |swarm, client| {
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
        if let Some(Some(client)) = self.clients.get_mut(client) {
            write(&mut client.out);
            client.flush();
        }
    }

    /// From now on the server may end this client.
    pub(super) fn may_end(&mut self, client: usize) {
        if let Some(Some(client)) = self.clients.get_mut(client) {
            client.may_end = true;
        }
    }

    /// Lets a client say that it leaves.
    pub(super) fn quit(&mut self, client: usize) {
        self.may_end(client);
        self.say(client, |out| out.extend_from_slice(b"QUIT\r\n"));
    }

    /// From now on, this client lets lie what the server sends.
    pub(super) fn stop_reading(&mut self, client: usize) {
        if let Some(Some(client)) = self.clients.get_mut(client) {
            client.reads = false;
        }
    }

    /// Lets a client read again, and what lies there at once; false if it has ended.
    ///
    /// # Errors
    /// As [`turn`](Self::turn).
    pub(super) fn read_again(
        &mut self,
        number: usize,
        listener: &mut impl Listener,
    ) -> Result<bool, BenchError> {
        if let Some(Some(client)) = self.clients.get_mut(number) {
            client.reads = true;
        }
        self.serve(number, true, true, listener)?;
        Ok(self.clients.get(number).is_some_and(Option::is_some))
    }

    /// Waits for readiness, at most `wait`, and serves everything that is ready.
    ///
    /// `done` is how much of the phase is over, should its deadline have passed.
    ///
    /// # Errors
    /// If the phase's deadline has passed, a connection has ended that may not, or a line is a refusal
    /// or a fault.
    pub(crate) fn turn(
        &mut self,
        wait: Option<Duration>,
        done: u64,
        listener: &mut impl Listener,
    ) -> Result<(), BenchError> {
        self.poll(wait, done)?;
        let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        let served = events.iter().try_for_each(|event| {
            let Token(number) = event.token();
            let closed = event.is_read_closed() || event.is_error();
            self.serve(number, event.is_readable() || closed, closed, listener)
        });
        self.events = events;
        served
    }

    /// The clients for whom something has come since it was last asked, without reading it:
    /// [`read_again`](Self::read_again) does.
    ///
    /// # Errors
    /// If the phase's deadline has passed.
    pub(super) fn ready(&mut self, done: u64) -> Result<impl Iterator<Item = usize>, BenchError> {
        self.poll(Some(Duration::ZERO), done)?;
        Ok(self.events.iter().filter(|event| event.is_readable()).map(|event| event.token().0))
    }

    fn poll(&mut self, wait: Option<Duration>, done: u64) -> Result<(), BenchError> {
        let left = self.phase.left(done)?;
        match self.poll.poll(&mut self.events, Some(wait.map_or(left, |wait| wait.min(left)))) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                Err(BenchError::io("wait for readiness", error))
            }
            _ => Ok(()),
        }
    }

    fn serve(
        &mut self,
        number: usize,
        readable: bool,
        closed: bool,
        listener: &mut impl Listener,
    ) -> Result<(), BenchError> {
        let Some(slot) = self.clients.get_mut(number) else { return Ok(()) };
        let Some(client) = slot else { return Ok(()) };
        let served = match readable && client.reads {
            true => client.read(number, closed, &mut self.buffer, listener),
            false => Ok(()),
        };
        client.flush();
        let Err(ended) = served else { return Ok(()) };
        let nick = nick(self.run, number);
        let phase = self.phase.name;
        Err(match ended {
            Ended::Closed(_) if client.may_end => {
                *slot = None;
                listener.ended(number);
                return Ok(());
            }
            // The system's way to say that the backlog is full: the next attempt may find room.
            Ended::Never(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                let again = self.connection(number)?;
                if let Some(slot) = self.clients.get_mut(number) {
                    *slot = Some(again);
                }
                self.greet(number);
                return Ok(());
            }
            Ended::Never(error) => BenchError::Connect { server: self.server, error },
            Ended::Closed(last) => BenchError::Closed { nick, phase, last },
            Ended::Refused(line) => BenchError::Refused { nick, phase, line },
            Ended::Stray(line) => BenchError::Stray { nick, line },
            Ended::Fault(fault) => BenchError::Order(fault),
        })
    }

    /// Lets each of `clients` `ask`, a wave at a time, and waits until each has got one of the `answers`;
    /// how many JOINs all have seen.
    fn step(
        &mut self,
        phase: &'static str,
        clients: Range<usize>,
        answers: &'static [&'static [u8]],
        mut ask: impl FnMut(&mut Self, usize) -> Result<(), BenchError>,
    ) -> Result<u64, BenchError> {
        let mut step = Step { answers, answered: vec![false; clients.end], count: 0, joins: 0 };
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
        Ok(step.joins)
    }

    /// Connects one more client, which says nothing; its number.
    ///
    /// # Errors
    /// If the system gives no connection.
    pub(super) fn connect(&mut self) -> Result<usize, BenchError> {
        let number = self.clients.len();
        let client = self.connection(number)?;
        self.clients.push(Some(client));
        Ok(number)
    }

    fn connection(&self, number: usize) -> Result<Client, BenchError> {
        let server = self.server;
        let failed = |error| BenchError::Connect { server, error };
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
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut stream, Token(number), interest).map_err(failed)?;
        Ok(Client::new(stream))
    }
}

impl Drop for Swarm {
    /// Takes leave, so that the nicks are free at once.
    fn drop(&mut self) {
        for client in self.clients.iter_mut().flatten() {
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
    joins: u64,
}

impl Listener for Step {
    fn line(&mut self, client: usize, line: &[u8]) -> Result<bool, Fault> {
        let command = command(line);
        if !self.answers.contains(&command) {
            self.joins += u64::from(command == b"JOIN");
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

/// The end of the greeting: of the MOTD, or that there is none.
pub(super) const REGISTERED: &[&[u8]] = &[b"376", b"422"];

/// How many swarms this process has made.
static RUN: AtomicU32 = AtomicU32::new(0);

/// The bytes of one read. A busy receiver is emptied by one call.
const READ_BYTES: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead as _, Read as _, Write as _},
        net::{Ipv4Addr, TcpListener},
    };

    use super::*;

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
    fn a_connection_that_is_reset_at_once_is_tried_again() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback");
        let server = listener.local_addr().expect("bound");
        let host = std::thread::spawn(move || {
            // Closing with unread bytes resets the connection.
            let (first, _) = listener.accept()?;
            first.peek(&mut [0])?;
            drop(first);
            let (mut second, _) = listener.accept()?;
            second.write_all(b":irc.test 376 nick :End\r\n")?;
            second.read_to_end(&mut Vec::new())
        });
        let mut swarm = Swarm::new(server, 1, Duration::from_secs(10)).expect("a poller");
        swarm.register(1).expect("the second attempt is served");
        drop(swarm);
        host.join().expect("no panic").expect("no error");
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
}

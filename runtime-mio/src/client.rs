//! The client core on a real socket.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, ToSocketAddrs as _},
    path::Path,
    sync::mpsc,
    task::Waker,
    time::Duration,
    vec,
};

use chat_core::{
    Instant,
    client::{Client, Command, Event, Input},
    host::Clock,
};

use runtime::{Error, Token};

use crate::{Sys as _, System, SystemStream};

const STREAM: Token = Token::Stream(0);
const READ_MAX: usize = 16 << 10;
/// How long one address may take to answer.
const CONNECT_WAIT: Duration = Duration::from_secs(10);
/// Commands that wait between the user and the client.
const COMMANDS_MAX: usize = 64;

/// Hears every event, with the client as it is then.
pub type EventHandler = Box<dyn FnMut(&Client, Event) + Send>;

/// What a running client is made of.
pub struct ClientOptions {
    /// `host:port`, `127.0.0.1:6667`, `[::1]:6667` or `unix:/path`.
    pub server: String,
    /// The client, as new.
    pub client: Client,
    /// The clocks.
    pub clock: Box<dyn Clock>,
    /// Hears everything.
    pub events: EventHandler,
}

/// A client that does not run yet.
pub struct ClientRuntime {
    options: ClientOptions,
    sys: System,
    commands: mpsc::Receiver<Command>,
    handle: ClientHandle,
}

/// Gives commands to a running client, from any thread.
#[derive(Clone)]
pub struct ClientHandle {
    commands: mpsc::SyncSender<Command>,
    waker: Waker,
}

impl ClientHandle {
    /// Gives a command; waits while too many are waiting already. Whether there still is a client.
    pub fn send(&self, command: Command) -> bool {
        let sent = self.commands.send(command).is_ok();
        self.waker.wake_by_ref();
        sent
    }
}

/// Prepares a client.
///
/// # Errors
/// The system's poller could not be made.
pub fn client(options: ClientOptions) -> Result<ClientRuntime, Error> {
    let sys = System::new()?;
    let (sender, commands) = mpsc::sync_channel(COMMANDS_MAX);
    let handle = ClientHandle { commands: sender, waker: sys.waker() };
    Ok(ClientRuntime { options, sys, commands, handle })
}

impl ClientRuntime {
    /// A handle to give it commands.
    #[must_use]
    pub fn handle(&self) -> ClientHandle {
        self.handle.clone()
    }

    /// Runs until the client is done. Only looking up the server's name blocks.
    ///
    /// # Errors
    /// The system's poller failed.
    pub fn run(self) -> Result<(), Error> {
        // The handle is held back so that the channel lives as long as the loop.
        let Self { options, mut sys, commands, handle: _handle } = self;
        let ClientOptions { server, mut client, clock, mut events } = options;
        let mut link = Link::Down;
        let mut ready = Vec::new();
        let mut buffer = vec![0; READ_MAX];
        loop {
            let mut connect = false;
            while let Some(event) = client.poll_event() {
                match event {
                    Event::Connect => connect = true,
                    Event::Disconnected { .. } | Event::Done => link = Link::Down,
                    _ => {}
                }
                events(&client, event);
            }
            if client.is_done() {
                return Ok(());
            }
            let now = clock.now();
            let moved = if connect {
                link.dial(&mut sys, &server, now.mono)
            } else {
                link.go_on(&mut sys, &mut client, &*clock, &mut buffer)
            };
            let mut worked = connect || moved.as_ref().is_ok_and(|moved| *moved);
            if let Err(error) = moved {
                worked = true;
                link = Link::Down;
                client.handle(now, Input::Disconnected(&error.to_string()));
            }
            while client.wants_commands()
                && let Ok(command) = commands.try_recv()
            {
                worked = true;
                client.handle(now, Input::Command(command));
            }
            if client.poll_timeout().is_some_and(|at| at <= now.mono) {
                worked = true;
                client.handle(now, Input::Timeout);
            }
            if !worked {
                let due = [client.poll_timeout(), link.deadline()].into_iter().flatten().min();
                sys.poll(due.map(|at| at.since(now.mono)), &mut ready)?;
                ready.clear();
            }
        }
    }
}

/// What there is of a connection.
enum Link {
    Down,
    Dialing(Dial),
    Up(SystemStream),
}

/// A connection that is being made, and the addresses to try after this one.
struct Dial {
    stream: SystemStream,
    deadline: Instant,
    others: vec::IntoIter<SocketAddr>,
}

impl Link {
    /// Begins to connect to the first of a name's addresses that answers. Whether anything moved.
    fn dial(&mut self, sys: &mut System, server: &str, now: Instant) -> io::Result<bool> {
        let (stream, others) = match server.strip_prefix("unix:") {
            Some(path) => (SystemStream::connect_unix(Path::new(path))?, Vec::new().into_iter()),
            None => {
                let mut addresses = server.to_socket_addrs()?.collect::<Vec<_>>().into_iter();
                (connect_next(&mut addresses, no_address())?, addresses)
            }
        };
        self.await_answer(sys, stream, others, now)
    }

    fn await_answer(
        &mut self,
        sys: &mut System,
        mut stream: SystemStream,
        others: vec::IntoIter<SocketAddr>,
        now: Instant,
    ) -> io::Result<bool> {
        sys.register(&mut stream, STREAM)?;
        *self = Self::Dialing(Dial { stream, deadline: now.after(CONNECT_WAIT), others });
        Ok(true)
    }

    /// When [`go_on`](Self::go_on) is due although nothing happens.
    const fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Dialing(dial) => Some(dial.deadline),
            Self::Down | Self::Up(_) => None,
        }
    }

    /// Does what can be done without waiting. Whether anything moved.
    fn go_on(
        &mut self,
        sys: &mut System,
        client: &mut Client,
        clock: &dyn Clock,
        buffer: &mut [u8],
    ) -> io::Result<bool> {
        match std::mem::replace(self, Self::Down) {
            Self::Down => Ok(false),
            Self::Up(mut stream) => {
                let moved = exchange(&mut stream, client, clock, buffer);
                *self = Self::Up(stream);
                moved
            }
            Self::Dialing(Dial { stream, deadline, mut others }) => {
                let now = clock.now();
                let why = match stream.is_connected() {
                    Ok(true) => {
                        *self = Self::Up(stream);
                        client.handle(now, Input::Connected);
                        return Ok(true);
                    }
                    Ok(false) if now.mono < deadline => {
                        *self = Self::Dialing(Dial { stream, deadline, others });
                        return Ok(false);
                    }
                    Ok(false) => {
                        let why = "the server did not answer in time";
                        io::Error::new(io::ErrorKind::TimedOut, why)
                    }
                    Err(error) => error,
                };
                let stream = connect_next(&mut others, why)?;
                self.await_answer(sys, stream, others, now.mono)
            }
        }
    }
}

/// Begins to connect to the next address where that is possible. `why`: what is wrong if there is
/// none.
fn connect_next(
    addresses: &mut vec::IntoIter<SocketAddr>,
    mut why: io::Error,
) -> io::Result<SystemStream> {
    for address in addresses {
        match SystemStream::connect_tcp(address) {
            Ok(stream) => return Ok(stream),
            Err(error) => why = error,
        }
    }
    Err(why)
}

fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the name has no address")
}

/// Writes what there is, and reads once. Whether anything moved.
fn exchange(
    stream: &mut SystemStream,
    client: &mut Client,
    clock: &dyn Clock,
    buffer: &mut [u8],
) -> io::Result<bool> {
    let mut moved = false;
    while !client.outbox().is_empty() {
        match stream.write(client.outbox()) {
            Ok(sent) => {
                moved = true;
                client.sent(sent);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // What the server said before it closed is still to be read.
            Err(_) => break,
        }
    }
    match stream.read(buffer) {
        Ok(0) => {
            Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection"))
        }
        Ok(bytes) => {
            client.handle(clock.now(), Input::Data(&buffer[..bytes]));
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(moved),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
        Err(error) => Err(error),
    }
}

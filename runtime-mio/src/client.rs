//! The client core on a real socket.

use std::{
    io::{self, Read, Write},
    net::{TcpStream as StdTcpStream, ToSocketAddrs},
    os::unix::net::UnixStream as StdUnixStream,
    sync::{Arc, mpsc},
    time::Duration,
};

use chat_core::{
    client::{Client, Command, Event, Input},
    host::Clock,
};
use mio::{
    Events, Poll, Token, Waker,
    net::{TcpStream, UnixStream},
};

use crate::{Error, stream::Stream};

const WAKER: Token = Token(0);
const STREAM: Token = Token(1);
const READ_MAX: usize = 16 << 10;
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
    poll: Poll,
    commands: mpsc::Receiver<Command>,
    handle: ClientHandle,
}

/// Gives commands to a running client, from any thread.
#[derive(Clone)]
pub struct ClientHandle {
    commands: mpsc::SyncSender<Command>,
    waker: Arc<Waker>,
}

impl ClientHandle {
    /// Gives a command; waits while too many are waiting already. Whether there still is a client.
    pub fn send(&self, command: Command) -> bool {
        self.commands.send(command).is_ok() && self.waker.wake().is_ok()
    }
}

/// Prepares a client.
///
/// # Errors
/// The system's poller could not be made.
pub fn client(options: ClientOptions) -> Result<ClientRuntime, Error> {
    let poll = Poll::new()?;
    let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
    let (sender, commands) = mpsc::sync_channel(COMMANDS_MAX);
    Ok(ClientRuntime { options, poll, commands, handle: ClientHandle { commands: sender, waker } })
}

impl ClientRuntime {
    /// A handle to give it commands.
    #[must_use]
    pub fn handle(&self) -> ClientHandle {
        self.handle.clone()
    }

    /// Runs until the client is done.
    ///
    /// # Errors
    /// The system's poller failed.
    pub fn run(self) -> Result<(), Error> {
        let Self { options, mut poll, commands, handle } = self;
        // Held back so that the channel lives as long as the loop.
        let _handle = handle;
        let ClientOptions { server, mut client, clock, mut events } = options;
        let mut stream: Option<Stream> = None;
        let mut ready = Events::with_capacity(8);
        let mut buffer = vec![0; READ_MAX];
        loop {
            let mut connect = false;
            while let Some(event) = client.poll_event() {
                match event {
                    Event::Connect => connect = true,
                    Event::Disconnected { .. } | Event::Done => stream = None,
                    _ => {}
                }
                events(&client, event);
            }
            if client.is_done() {
                return Ok(());
            }
            if connect {
                let opened = open(&server).and_then(|mut opened| {
                    opened.register(poll.registry(), STREAM)?;
                    Ok(opened)
                });
                let input = match opened {
                    Ok(opened) => {
                        stream = Some(opened);
                        client.handle(clock.now(), Input::Connected);
                        continue;
                    }
                    Err(error) => error.to_string(),
                };
                client.handle(clock.now(), Input::Disconnected(&input));
                continue;
            }
            let mut worked = false;
            if let Some(open) = &mut stream {
                match exchange(open, &mut client, &*clock, &mut buffer) {
                    Ok(moved) => worked = moved,
                    Err(error) => {
                        stream = None;
                        worked = true;
                        client.handle(clock.now(), Input::Disconnected(&error.to_string()));
                    }
                }
            }
            while client.wants_commands()
                && let Ok(command) = commands.try_recv()
            {
                worked = true;
                client.handle(clock.now(), Input::Command(command));
            }
            let now = clock.now();
            if client.poll_timeout().is_some_and(|at| at <= now.mono) {
                worked = true;
                client.handle(now, Input::Timeout);
            }
            if worked {
                continue;
            }
            let timeout = client.poll_timeout().map(|at| at.since(now.mono));
            match poll.poll(&mut ready, timeout) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    return Err(Error::System(error));
                }
                _ => {}
            }
        }
    }
}

/// Writes and reads what there is. Whether anything moved.
fn exchange(
    stream: &mut Stream,
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
            Err(error) => return Err(error),
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

/// Connects to the first of a name's addresses that answers.
fn open(server: &str) -> io::Result<Stream> {
    if let Some(path) = server.strip_prefix("unix:") {
        let stream = StdUnixStream::connect(path)?;
        stream.set_nonblocking(true)?;
        return Ok(Stream::Unix(UnixStream::from_std(stream)));
    }
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in server.to_socket_addrs()? {
        match StdTcpStream::connect_timeout(&address, CONNECT_WAIT) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_nonblocking(true)?;
                return Ok(Stream::Tcp(TcpStream::from_std(stream)));
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

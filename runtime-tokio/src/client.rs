//! The client core on a real socket.

use std::{
    future::{Future, pending},
    io,
    pin::Pin,
    time::Duration,
};

use chat_core::{
    client::{Client, Command, Event, Input},
    host::Clock,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    sync::mpsc,
    time,
};

use crate::net::SystemStream;

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
    commands: mpsc::Receiver<Command>,
    handle: ClientHandle,
}

/// Gives commands to a running client, from any thread.
#[derive(Clone)]
pub struct ClientHandle(mpsc::Sender<Command>);

impl ClientHandle {
    /// Gives a command; waits while too many are waiting already, so it must not be called in a
    /// task. Whether there still is a client.
    pub fn send(&self, command: Command) -> bool {
        self.0.blocking_send(command).is_ok()
    }
}

/// Prepares a client.
#[must_use]
pub fn client(options: ClientOptions) -> ClientRuntime {
    let (sender, commands) = mpsc::channel(COMMANDS_MAX);
    ClientRuntime { options, commands, handle: ClientHandle(sender) }
}

impl ClientRuntime {
    /// A handle to give it commands.
    #[must_use]
    pub fn handle(&self) -> ClientHandle {
        self.handle.clone()
    }

    /// Runs until the client is done.
    pub async fn run(self) {
        let Self { options, mut commands, .. } = self;
        let ClientOptions { server, mut client, clock, mut events } = options;
        let mut link = Link::None;
        let mut buffer = vec![0; READ_MAX];
        loop {
            while let Some(event) = client.poll_event() {
                match event {
                    Event::Connect => link = Link::Opening(Box::pin(open(server.clone()))),
                    Event::Disconnected { .. } | Event::Done => link = Link::None,
                    _ => {}
                }
                events(&client, event);
            }
            if client.is_done() {
                return;
            }
            let step = wait(&mut link, &client, &*clock, &mut commands, &mut buffer).await;
            let now = clock.now();
            match step {
                Step::Opened(stream) => {
                    link = Link::Open(stream);
                    client.handle(now, Input::Connected);
                }
                Step::Sent(bytes) => client.sent(bytes),
                Step::Read(bytes) => client.handle(now, Input::Data(&buffer[..bytes])),
                Step::Command(command) => client.handle(now, Input::Command(command)),
                Step::Due => client.handle(now, Input::Timeout),
                Step::Lost(error) => {
                    link = Link::None;
                    client.handle(now, Input::Disconnected(&error.to_string()));
                }
            }
        }
    }
}

/// What there is of a connection.
enum Link {
    None,
    Opening(Pin<Box<dyn Future<Output = io::Result<SystemStream>> + Send>>),
    Open(SystemStream),
}

enum Step {
    Opened(SystemStream),
    Sent(usize),
    Read(usize),
    Command(Command),
    Due,
    Lost(io::Error),
}

/// Waits for the next thing that happens. What is rare comes first: a server that never stops
/// sending can't keep the user from being heard, nor a deadline from passing.
async fn wait(
    link: &mut Link,
    client: &Client,
    clock: &dyn Clock,
    commands: &mut mpsc::Receiver<Command>,
    buffer: &mut [u8],
) -> Step {
    let due = async {
        match client.poll_timeout() {
            Some(at) => time::sleep(at.since(clock.now().mono)).await,
            None => pending().await,
        }
    };
    let command = async {
        if !client.wants_commands() {
            return pending().await;
        }
        match commands.recv().await {
            Some(command) => Step::Command(command),
            // All handles are gone: nothing more is wanted.
            None => pending().await,
        }
    };
    tokio::select! {
        biased;
        () = due => Step::Due,
        step = command => step,
        step = exchange(link, client, buffer) => step,
    }
}

/// Waits for the server.
async fn exchange(link: &mut Link, client: &Client, buffer: &mut [u8]) -> Step {
    let stream = match link {
        Link::None => return pending().await,
        Link::Opening(opening) => return opening.await.map_or_else(Step::Lost, Step::Opened),
        Link::Open(stream) => stream,
    };
    let (mut reading, mut writing) = tokio::io::split(stream);
    tokio::select! {
        biased;
        sent = writing.write(client.outbox()), if !client.outbox().is_empty() => {
            sent.map_or_else(Step::Lost, Step::Sent)
        }
        read = reading.read(buffer) => match read {
            Ok(0) => Step::Lost(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the server closed the connection",
            )),
            Ok(bytes) => Step::Read(bytes),
            Err(error) => Step::Lost(error),
        }
    }
}

async fn open(server: String) -> io::Result<SystemStream> {
    let connect = async {
        match server.strip_prefix("unix:") {
            Some(path) => UnixStream::connect(path).await.map(SystemStream::Unix),
            None => {
                let stream = TcpStream::connect(&server).await?;
                stream.set_nodelay(true)?;
                Ok(SystemStream::Tcp(stream))
            }
        }
    };
    time::timeout(CONNECT_WAIT, connect).await.unwrap_or_else(|_| {
        Err(io::Error::new(io::ErrorKind::TimedOut, "the server did not answer in time"))
    })
}

//! The client core on a stream, real or simulated.

use std::{future::pending, io, time::Duration};

use chat_core::{
    client::{Client, Command, Event, Input},
    host::Clock,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::mpsc,
    time,
};

use crate::{Connect, Opening, SystemNet};

const READ_MAX: usize = 16 << 10;
const CONNECT_WAIT: Duration = Duration::from_secs(10);
/// Commands that wait between the user and the client.
const COMMANDS_MAX: usize = 64;

/// Hears every event, with the client as it is then.
pub type EventHandler = Box<dyn FnMut(&Client, Event) + Send>;

/// What a running client is made of.
pub struct ClientOptions<C: Connect = SystemNet> {
    /// `host:port`, `127.0.0.1:6667`, `[::1]:6667` or `unix:/path`.
    pub server: String,
    /// The network.
    pub net: C,
    /// The client, as new.
    pub client: Client,
    /// The clocks.
    pub clock: Box<dyn Clock>,
    /// Hears everything.
    pub events: EventHandler,
}

/// A client that does not run yet.
pub struct ClientRuntime<C: Connect = SystemNet> {
    options: ClientOptions<C>,
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

    /// Gives a command, unless too many are waiting already; whether it was taken.
    pub fn offer(&self, command: Command) -> bool {
        self.0.try_send(command).is_ok()
    }
}

/// Prepares a client.
#[must_use]
pub fn client<C: Connect>(options: ClientOptions<C>) -> ClientRuntime<C> {
    let (sender, commands) = mpsc::channel(COMMANDS_MAX);
    ClientRuntime { options, commands, handle: ClientHandle(sender) }
}

impl<C: Connect> ClientRuntime<C> {
    /// A handle to give it commands.
    #[must_use]
    pub fn handle(&self) -> ClientHandle {
        self.handle.clone()
    }

    /// Runs until the client is done.
    pub async fn run(self) {
        let Self { options, mut commands, .. } = self;
        let ClientOptions { server, net, mut client, clock, mut events } = options;
        let mut link = Link::None;
        let mut buffer = vec![0; READ_MAX];
        loop {
            while let Some(event) = client.poll_event() {
                match event {
                    Event::Connect => link = Link::Opening(in_time(net.connect(&server))),
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
enum Link<S> {
    None,
    Opening(Opening<S>),
    Open(S),
}

enum Step<S> {
    Opened(S),
    Sent(usize),
    Read(usize),
    Command(Command),
    Due,
    Lost(io::Error),
}

/// Waits for the next thing that happens. What is rare comes first: a server that never stops
/// sending can't keep the user from being heard, nor a deadline from passing.
async fn wait<S: AsyncRead + AsyncWrite + Unpin>(
    link: &mut Link<S>,
    client: &Client,
    clock: &dyn Clock,
    commands: &mut mpsc::Receiver<Command>,
    buffer: &mut [u8],
) -> Step<S> {
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
async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    link: &mut Link<S>,
    client: &Client,
    buffer: &mut [u8],
) -> Step<S> {
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

/// The same, with an end to the wait.
fn in_time<S: 'static>(opening: Opening<S>) -> Opening<S> {
    Box::pin(async {
        time::timeout(CONNECT_WAIT, opening).await.unwrap_or_else(|_| {
            Err(io::Error::new(io::ErrorKind::TimedOut, "the server did not answer in time"))
        })
    })
}

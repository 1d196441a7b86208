//! Runs a client on the runtime that was asked for.

use std::{sync::mpsc::Receiver, thread};

use chat_core::client::{Client, Command, Event};
use runtime::SystemClock;

use super::address::Address;
use crate::{Failure, settings::Runtime};

/// A server, and what drives the connection to it.
pub(super) struct Server {
    pub(super) address: Address,
    pub(super) runtime: Runtime,
}

/// Hears every event, on the thread that drives the client. It must not block.
pub(super) type Events = Box<dyn FnMut(&Client, Event) + Send>;

/// Gives commands to the client, from any other thread.
#[derive(Clone)]
pub(super) enum Handle {
    Tokio(runtime_tokio::ClientHandle),
    Mio(runtime_mio::ClientHandle),
}

impl Handle {
    /// Gives a command, waiting for room; whether there still is a client.
    pub(super) fn send(&self, command: Command) -> bool {
        match self {
            Self::Tokio(handle) => handle.send(command),
            Self::Mio(handle) => handle.send(command),
        }
    }

    /// Gives the commands that `events` asked for, which can't wait for room itself.
    pub(super) fn relay(&self, commands: Receiver<Command>) {
        let handle = self.clone();
        thread::spawn(move || commands.into_iter().all(|command| handle.send(command)));
    }
}

/// Runs until the client is done. `start` is called before it begins.
pub(super) fn run(
    client: Client,
    server: &Server,
    events: Events,
    start: impl FnOnce(Handle),
) -> Result<(), Failure> {
    let address = server.address.to_string();
    let clock = Box::new(SystemClock::new());
    match server.runtime {
        Runtime::Mio => {
            let options = runtime_mio::ClientOptions { server: address, client, clock, events };
            let failed = |why: runtime::Error| Failure::new(why.to_string());
            let client = runtime_mio::client(options).map_err(failed)?;
            start(Handle::Mio(client.handle()));
            client.run().map_err(failed)
        }
        Runtime::Tokio => {
            let tokio = tokio::runtime::Builder::new_current_thread()
                .enable_io()
                .enable_time()
                .build()
                .map_err(|error| Failure::io("start Tokio", &error))?;
            let net = runtime_tokio::SystemNet;
            let options =
                runtime_tokio::ClientOptions { server: address, net, client, clock, events };
            let client = runtime_tokio::client(options);
            start(Handle::Tokio(client.handle()));
            tokio.block_on(client.run());
            Ok(())
        }
    }
}

//! The loop: sleep until something is ready, take a turn.

use std::time::Duration;

use runtime::{Driver, Error, Handle, Listen, Next, Options, Token};

use crate::{
    System,
    edge::{Edge, Newcomers},
    sys::Sys,
};

/// A server that listens and does not serve yet.
pub struct Server<S: Sys = System> {
    sys: S,
    driver: Driver<S::Listener, Edge<S::Stream>>,
}

/// Listens on all addresses.
///
/// # Errors
/// The configuration is wrong, an address can't be listened on, or the system has no threads to give.
pub fn bind(options: Options) -> Result<Server, Error> {
    let mut server = bind_on(System::new()?, options)?;
    server.driver.start_threads()?;
    Ok(server)
}

/// Listens on all addresses of a system that need not be the machine's. Its sockets may be bound to
/// one thread, so they are divided as the options say, but all used on the thread that serves.
///
/// # Errors
/// As [`bind`].
pub fn bind_on<S: Sys>(mut sys: S, options: Options) -> Result<Server<S>, Error> {
    let waker = sys.waker();
    let driver =
        Driver::new(options, waker, |address, number| sys.bind(address, Token::Listener(number)))?;
    Ok(Server { sys, driver })
}

impl<S: Sys> Server<S> {
    /// The addresses that it really got, in the order of the options.
    #[must_use]
    pub fn addresses(&self) -> &[Listen] {
        self.driver.addresses()
    }

    /// A handle to stop it.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.driver.handle()
    }

    /// Serves until it is stopped.
    ///
    /// # Errors
    /// The system's poller failed.
    pub fn run(mut self) -> Result<(), Error> {
        let mut ready = Vec::new();
        loop {
            let timeout = match self.driver.next() {
                Next::Turn => Some(Duration::ZERO),
                Next::Until(_, left) => Some(left),
                Next::Sleep => None,
                Next::End => return Ok(()),
            };
            self.sys.poll(timeout, &mut ready)?;
            self.driver.turn(&mut Newcomers(&mut self.sys), ready.drain(..));
        }
    }
}

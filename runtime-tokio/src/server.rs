//! The driver's future: woken by any stream, it takes a turn.

use std::{
    future::{Future, poll_fn},
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use chat_core::{Instant, mutant};
use runtime::{Driver, Error, Handle, Listen, Next, Options, Token};
use tokio::{
    task,
    time::{self, Sleep},
};

use crate::{
    Net, SystemNet,
    ready::Ready,
    waking::{Newcomers, Waking},
};

/// What is woken when a handle has a wish, in place of a stream.
const HANDLE: usize = usize::MAX;

/// A server that listens and does not serve yet.
pub struct Server<N: Net = SystemNet> {
    driver: Driver<N::Listener, Waking<N::Stream>>,
    woken: Arc<Ready>,
    /// Kept for its room.
    noted: Vec<usize>,
    sleep: Option<(Instant, Pin<Box<Sleep>>)>,
}

/// Listens on all addresses of this machine. Must be called within a Tokio runtime with I/O and time.
///
/// # Errors
/// The configuration is wrong, an address can't be listened on, or the system has no threads to give.
pub fn bind(options: Options) -> Result<Server, Error> {
    let mut server = bind_on(&SystemNet, options)?;
    server.driver.start_threads()?;
    Ok(server)
}

/// Listens on all addresses of a network that need not be the machine's. Its streams may be bound to
/// one thread, so they are divided as the options say, but all used where the future is polled.
///
/// # Errors
/// As [`bind`].
pub fn bind_on<N: Net>(net: &N, options: Options) -> Result<Server<N>, Error> {
    let woken = Arc::<Ready>::default();
    let driver = Driver::new(options, woken.waker(HANDLE), |address, _| net.bind(address))?;
    Ok(Server { driver, woken, noted: Vec::new(), sleep: None })
}

impl<N: Net> Server<N> {
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

    /// Serves until it is stopped. Its turns are bounded by the core's budgets, so Tokio's own is
    /// switched off.
    pub async fn run(mut self) {
        let turns = async {
            while let Next::Turn = poll_fn(|context| self.turn(context)).await {
                // The runtime looks for what became ready, without waiting for it.
                task::yield_now().await;
            }
        };
        task::coop::unconstrained(turns).await;
    }

    /// One turn. Pending when nothing is left to do before something wakes us.
    fn turn(&mut self, context: &mut Context<'_>) -> Poll<Next> {
        let mut noted = mem::take(&mut self.noted);
        self.woken.take(&mut noted, context.waker());
        if noted.contains(&HANDLE) {
            // The clock may have moved against Tokio's.
            self.sleep = None;
        }
        let doors = (0..self.driver.addresses().len()).map(Token::Listener);
        let woken = noted.drain(..).take(mutant!(TokioSecondWakeLost => 1, else usize::MAX));
        // What it was woken for, only trying can tell.
        let ready = doors.chain(woken.map(Token::Stream)).map(|token| runtime::Ready {
            token,
            readable: true,
            ending: false,
            writable: true,
        });
        self.driver.turn(&mut Newcomers::<N>::new(context, &self.woken), ready);
        self.noted = noted;
        match self.driver.next() {
            Next::Until(due, left) => self.sleep(due, left, context).map(|()| Next::Turn),
            Next::Sleep => {
                self.sleep = None;
                Poll::Pending
            }
            next => Poll::Ready(next),
        }
    }

    /// Ready when it is due. The timer is set only when what is due changes.
    fn sleep(&mut self, due: Instant, left: time::Duration, context: &mut Context<'_>) -> Poll<()> {
        let sleep = match &mut self.sleep {
            Some((at, sleep)) => {
                if *at != due {
                    *at = due;
                    sleep.as_mut().reset(time::Instant::now() + left);
                }
                sleep
            }
            none => &mut none.insert((due, Box::pin(time::sleep(left)))).1,
        };
        // Our clock may be behind Tokio's: then the next turn sets the timer again.
        sleep.as_mut().poll(context).map(|()| self.sleep = None)
    }
}

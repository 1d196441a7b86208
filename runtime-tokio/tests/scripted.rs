//! The same server on a network that is played to it: streams in crumbs, and a door that sticks.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    io,
    net::IpAddr,
    pin::Pin,
    sync::Mutex,
    task::{Context, Poll},
    time::Duration,
};

use chat_core::{Config, Report};
use runtime_tokio::{Handle, Listen, Net, bind_on};
use support::{ManualClock, Witness, options, talkative};
use tokio::{
    io::{
        AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _,
        BufReader, DuplexStream, ReadBuf, duplex,
    },
    sync::mpsc,
    task::JoinHandle,
};

/// What happens at the door, in order.
type Knock = io::Result<Crumbs>;

/// A network with one listener, at which happens what is sent to it.
struct Scripted(Mutex<Option<mpsc::UnboundedReceiver<Knock>>>);

impl Net for Scripted {
    type Listener = mpsc::UnboundedReceiver<Knock>;
    type Stream = Crumbs;

    fn bind(&self, address: &Listen) -> io::Result<(Self::Listener, Listen)> {
        let listener = self.0.lock().unwrap().take();
        Ok((listener.ok_or(io::ErrorKind::AddrInUse)?, address.clone()))
    }

    fn poll_accept(
        listener: &mut Self::Listener,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<(Crumbs, Option<IpAddr>)>> {
        match listener.poll_recv(context) {
            Poll::Ready(Some(knock)) => Poll::Ready(knock.map(|stream| (stream, None))),
            // Nobody comes any more.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}

/// A stream that reads and writes 1 to 7 bytes at a time, and is often not ready for no reason.
struct Crumbs {
    inner: DuplexStream,
    calls: usize,
    /// It is always ready.
    steady: bool,
}

impl Crumbs {
    /// How many bytes this call may move; none: it is not ready, though it will be at once.
    fn bite(&mut self, context: &Context<'_>) -> Option<usize> {
        self.calls += 1;
        if !self.steady && self.calls.is_multiple_of(3) {
            context.waker().wake_by_ref();
            return None;
        }
        Some(1 + self.calls % 7)
    }
}

impl AsyncRead for Crumbs {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(most) = self.bite(context) else { return Poll::Pending };
        let mut crumb = [0; 8];
        let mut part = ReadBuf::new(&mut crumb[..most.min(buffer.remaining())]);
        let polled = Pin::new(&mut self.inner).poll_read(context, &mut part);
        buffer.put_slice(part.filled());
        polled
    }
}

impl AsyncWrite for Crumbs {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Some(most) = self.bite(context) else { return Poll::Pending };
        Pin::new(&mut self.inner).poll_write(context, &bytes[..most.min(bytes.len())])
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.bite(context).is_none() {
            return Poll::Pending;
        }
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

/// A server that runs on this test's runtime, and what is played to it.
struct Stage {
    knocks: mpsc::UnboundedSender<Knock>,
    handle: Handle,
    clock: ManualClock,
    witness: Witness,
    running: JoinHandle<()>,
}

impl Stage {
    fn new(config: Config) -> Self {
        let (knocks, listener) = mpsc::unbounded_channel();
        let net = Scripted(Mutex::new(Some(listener)));
        let (clock, witness) = (ManualClock::default(), Witness::default());
        let mut options = options(config, &["127.0.0.1:1"], clock.clone());
        options.host = Box::new(witness.clone());
        let server = bind_on(&net, options).unwrap();
        let handle = server.handle();
        Self { knocks, handle, clock, witness, running: tokio::spawn(server.run()) }
    }

    /// Somebody knocks. `room` is how many bytes fit between here and the server.
    fn knock(&self, room: usize) -> Guest {
        self.knock_with(room, false)
    }

    /// The same, with a stream that is in crumbs but `steady`, or is not.
    fn knock_with(&self, room: usize, steady: bool) -> Guest {
        let (ours, theirs) = duplex(room);
        self.happens(Ok(Crumbs { inner: theirs, calls: 0, steady }));
        Guest(BufReader::new(ours))
    }

    /// Something happens at the door.
    fn happens(&self, knock: Knock) {
        self.knocks.send(knock).ok().unwrap();
    }

    async fn stop(self) {
        self.handle.stop();
        self.running.await.unwrap();
    }
}

struct Guest(BufReader<DuplexStream>);

impl Guest {
    async fn send(&mut self, line: &str) {
        self.0.get_mut().write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
    }

    async fn until(&mut self, part: &str) -> String {
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).await.unwrap();
            assert_ne!(line, "", "the end came before {part:?}");
            if line.contains(part) {
                return line;
            }
        }
    }

    async fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.0.read_to_string(&mut rest).await.unwrap();
        rest
    }

    async fn register(&mut self, nick: &str) {
        self.send(&format!("NICK {nick}\r\nUSER {nick} 0 * :{nick}")).await;
        self.until(" 001 ").await;
        self.barrier().await;
    }

    async fn barrier(&mut self) {
        self.send("PING :barrier").await;
        self.until("PONG").await;
    }
}

fn play(script: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let patience = Duration::from_secs(60);
        tokio::time::timeout(patience, script).await.expect("the script goes on for ever");
    });
}

#[test]
fn everything_arrives_whole_however_small_the_pieces() {
    play(async {
        let motd: Vec<String> =
            (0..200).map(|line| format!("{line}: {}", "so long ".repeat(40))).collect();
        let stage = Stage::new(Config { motd: motd.clone(), ..talkative() });
        // What fits is far less than an answer, so that the server waits again and again.
        let mut alice = stage.knock(1000);
        let mut bob = stage.knock(1000);
        alice.register("alice").await;
        bob.register("bob").await;
        alice.send("MOTD").await;
        for line in &motd {
            alice.until(&format!(":- {line}\r\n")).await;
        }
        for number in 0..100 {
            bob.send(&format!("PRIVMSG alice :number {number}")).await;
            assert!(alice.until("PRIVMSG").await.ends_with(&format!(":number {number}\r\n")));
        }
        bob.send("QUIT :bye").await;
        assert!(bob.rest().await.starts_with("ERROR "));
        stage.handle.stop();
        assert!(alice.rest().await.contains("\r\nERROR "));
        drop((alice, bob));
        stage.stop().await;
    });
}

#[test]
fn a_door_without_descriptors_turns_away_and_opens_later() {
    play(async {
        let stage = Stage::new(talkative());
        let mut inside = stage.knock(1000);
        inside.register("inside").await;

        stage.happens(Err(io::Error::from_raw_os_error(EMFILE)));
        let mut turned_away = stage.knock(1000);
        turned_away.rest().await;
        inside.barrier().await;

        // The door stays closed until the clock says otherwise: nobody has this nick yet.
        let mut late = stage.knock(1000);
        late.send("NICK late").await;
        inside.send("NICK late").await;
        inside.until(" NICK ").await;
        inside.send("NICK inside").await;
        inside.barrier().await;
        stage.clock.advance(Duration::from_millis(10));
        stage.handle.wake();
        late.register("late").await;
        inside.barrier().await;

        let refusals = stage.witness.reports().into_iter();
        let refusals = refusals.filter(|report| matches!(report, Report::Refused { .. }));
        assert_eq!(refusals.count(), 1, "the log hears of it");
        drop((inside, late));
        stage.stop().await;
    });
}

#[test]
fn who_is_turned_away_is_told_all_of_why_in_however_many_writes() {
    play(async {
        let stage = Stage::new(talkative());
        let mut inside = stage.knock(1000);
        inside.register("inside").await;
        stage.happens(Err(io::Error::from_raw_os_error(EMFILE)));
        let mut turned_away = stage.knock_with(1000, true);
        let told = turned_away.rest().await;
        assert!(told.starts_with("ERROR :") && told.ends_with("later\r\n"), "{told:?}");
        drop(inside);
        stage.stop().await;
    });
}

#[test]
fn a_newcomer_who_is_gone_again_keeps_nobody_out() {
    play(async {
        let stage = Stage::new(talkative());
        stage.happens(Err(io::ErrorKind::ConnectionAborted.into()));
        let mut alice = stage.knock(1000);
        alice.register("alice").await;
        drop(alice);
        stage.stop().await;
    });
}

#[test]
fn a_sleeping_server_is_not_woken_with_nothing_due() {
    play(async {
        let stage = Stage::new(talkative());
        let mut alice = stage.knock(1000);
        alice.register("alice").await;
        let others_take_turns = async || {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
        };
        // Its own last turns may be under way.
        others_take_turns().await;
        let looks = stage.clock.looks();
        others_take_turns().await;
        assert_eq!(stage.clock.looks(), looks);
        drop(alice);
        stage.stop().await;
    });
}

/// The same on all Unix systems.
const EMFILE: i32 = 24;

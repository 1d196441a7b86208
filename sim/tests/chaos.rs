//! Chopped streams carry what their inner streams carry, on this machine's own network too.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    io::{BufRead as _, BufReader, IoSlice, Write as _},
    net::{IpAddr, SocketAddr, TcpStream},
    num::NonZeroUsize,
    sync::mpsc,
    thread::{self, JoinHandle},
    time::Duration,
};

use chat_core::{
    Answer, Config, Limits, Report, Request,
    host::{Host, Reply},
};
use runtime_tokio::{Handle, Listen, Options, SystemClock, SystemNet, bind_on};
use sim::{
    Concern, Pieces, Rng,
    turmoil::{Chaos, Chopped},
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, duplex};

/// Nobody asks, and nobody listens to reports.
struct Deaf;

impl Host for Deaf {
    fn ask(&mut self, _: Request, reply: Reply) {
        reply(Answer::Unavailable);
    }

    fn report(&mut self, _: &Report) {}
}

fn within_a_minute(script: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(60), script).await.expect("it goes on for ever");
    });
}

fn chopped<S>(stream: S, number: u32) -> Chopped<S> {
    Chopped::new(stream, Pieces::Mixed, Rng::new(7, Concern::Stream { host: 0, number }))
}

/// A server on this machine's network, in a thread of its own.
fn serve() -> (SocketAddr, Handle, JoinHandle<()>) {
    let (tell, told) = mpsc::channel();
    let serving = thread::spawn(move || {
        within_a_minute(async {
            let limits = Limits::default().unpaced();
            let options = Options {
                config: Config { limits, ..Config::default() },
                seed: [7; 32],
                listen: vec!["127.0.0.1:0".parse().unwrap()],
                clock: Box::new(SystemClock::new()),
                host: Box::new(Deaf),
                tape: None,
                exempt: Box::new(|_: Option<IpAddr>| true),
                io_threads: NonZeroUsize::MIN,
            };
            let server = bind_on(&Chaos::new(SystemNet, Pieces::Mixed, 7, 0), options).unwrap();
            tell.send((server.addresses()[0].clone(), server.handle())).unwrap();
            server.run().await;
        });
    });
    let (Listen::Tcp(address), handle) = told.recv().unwrap() else { unreachable!() };
    (address, handle, serving)
}

struct User {
    out: TcpStream,
    lines: BufReader<TcpStream>,
}

impl User {
    fn join(address: SocketAddr, nick: &str) -> Self {
        let out = TcpStream::connect(address).unwrap();
        let mut user = Self { lines: BufReader::new(out.try_clone().unwrap()), out };
        user.say(&format!("NICK {nick}\r\nUSER {nick} 0 * :{nick}\r\nJOIN #all"));
        user.until(" 366 ");
        user
    }

    fn say(&mut self, line: &str) {
        self.out.write_all(format!("{line}\r\n").as_bytes()).unwrap();
    }

    fn until(&mut self, part: &str) -> String {
        let mut line = String::new();
        while !line.contains(part) {
            line.clear();
            assert_ne!(self.lines.read_line(&mut line).unwrap(), 0, "the end came before {part:?}");
        }
        line
    }
}

#[test]
fn a_server_on_real_sockets_does_not_mind() {
    let (address, handle, serving) = serve();
    let mut alice = User::join(address, "alice");
    let mut bob = User::join(address, "bob");
    for number in 0..50 {
        alice.say(&format!("PRIVMSG #all :number {number}"));
        assert!(bob.until("PRIVMSG").ends_with(&format!(" #all :number {number}\r\n")));
    }
    handle.stop();
    alice.until("ERROR");
    bob.until("ERROR");
    drop((alice, bob));
    serving.join().unwrap();
}

/// Writes slices again and again until all of them have left, and reads them back.
async fn slices_arrive_in_order(
    mut writing: impl AsyncWrite + Unpin,
    mut reading: impl AsyncRead + Unpin,
) {
    let parts: [&[u8]; 4] = [b"one little", b"", b"two\r\n", &[b'x'; 500]];
    let whole = parts.concat();
    assert!(writing.is_write_vectored());
    let write = async {
        let mut sent = 0;
        while sent < whole.len() {
            let mut skipped = sent;
            let rest = parts.map(|part| {
                let skip = skipped.min(part.len());
                skipped -= skip;
                IoSlice::new(&part[skip..])
            });
            sent += writing.write_vectored(&rest).await.unwrap();
        }
        writing.shutdown().await.unwrap();
    };
    let read = async {
        let mut all = Vec::new();
        reading.read_to_end(&mut all).await.unwrap();
        all
    };
    let ((), all) = tokio::join!(write, read);
    assert_eq!(all, whole);
}

#[test]
fn vectored_writes_are_chopped_within_slices_and_between() {
    within_a_minute(async {
        for number in 0..4 {
            // One kind of stream takes slices as they are, the other has them gathered.
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let (opened, accepted) =
                tokio::join!(tokio::net::TcpStream::connect(address), listener.accept());
            let (writing, reading) = (opened.unwrap(), accepted.unwrap().0);
            slices_arrive_in_order(chopped(writing, number), chopped(reading, 100 + number)).await;
            let (writing, reading) = duplex(100);
            slices_arrive_in_order(chopped(writing, number), chopped(reading, 100 + number)).await;
        }
    });
}

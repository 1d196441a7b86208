//! The longest single call of each long answer on a server of very many users:
//! `cargo run --release -p chat-core --example longest_turn [USERS]`.
//!
//! All users are in one channel, and there are as many channels as users. Each answer is asked for
//! several times; a call counts with its shortest time, so that what else the machine does
//! is left out.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "it is here to measure")]

use std::{
    env,
    time::{Duration, Instant as Clock},
};

use chat_core::{Config, ConnId, Input, Instant, Now, Output, Pause, PeerInfo, Server, UnixMillis};

const ROUNDS: usize = 10;

fn main() {
    let users: usize =
        env::args().nth(1).map_or(10_000, |word| word.parse().expect("a number of users"));
    let mut config = Config::default();
    config.limits = config.limits.unpaced();
    let now = Now { mono: Instant::from_micros(1), wall: UnixMillis(1_700_000_000_000) };
    let mut server = Server::new(config, [7; 32], now).expect("the default is valid");
    let mut first = None;
    for number in 0..users {
        let peer = PeerInfo { address: None, exempt: true };
        let conn = server.open(now, peer).expect("there is room");
        let hello = format!("NICK n{number}\r\nUSER u 0 * :r\r\nJOIN #all,#c{number}\r\n");
        say(&mut server, now, conn, hello.as_bytes());
        first.get_or_insert(conn);
    }
    let conn = first.expect("there are users");
    for command in
        ["WHO #all", "WHO *", "WHO nobody*", "NAMES #all", "LIST", "LIST *z*", "WHOIS n1"]
    {
        let line = format!("{command}\r\n");
        let mut shortest: Vec<Duration> = Vec::new();
        for _ in 0..ROUNDS {
            let calls = say(&mut server, now, conn, line.as_bytes());
            shortest.resize(calls.len(), Duration::MAX);
            for (shortest, took) in shortest.iter_mut().zip(calls) {
                *shortest = took.min(*shortest);
            }
        }
        let longest = shortest.iter().max().expect("there was a call");
        println!("{command}: {} calls, the longest {longest:?}", shortest.len());
    }
}

/// Takes bytes of one connection, and all that follows; how long each call took.
///
/// A host writes to a connection once a turn, so what follows from one write is one turn's work.
fn say(server: &mut Server, now: Now, conn: ConnId, bytes: &[u8]) -> Vec<Duration> {
    let mut calls = Vec::new();
    let mut timed = |server: &mut Server, input: Input<'_>| {
        let start = Clock::now();
        server.handle(now, input);
        calls.push(start.elapsed());
    };
    timed(server, Input::Data(conn, bytes));
    loop {
        while let Some(output) = server.poll_output() {
            if let Output::Flush(conn) = output {
                let length = server.outbox(conn).map(|chunk| chunk.len()).sum();
                timed(server, Input::Sent(conn, length, Pause::Full));
            }
        }
        if server.poll_timeout().is_none_or(|at| at > now.mono) {
            return calls;
        }
        timed(server, Input::Timeout);
    }
}

//! PRIVMSG to a channel, over and over, for counting what one costs: `broadcast MEMBERS TURNS LINES`:
//! so many turns of so many lines, each turn flushed to everybody once.
//!
//! `scripts/broadcast-cost` runs it under callgrind with two numbers of turns; the difference is the
//! turns alone.

use std::env;

use chat_core::{Config, ConnId, Input, Instant, Now, Output, Pause, PeerInfo, Server, UnixMillis};

fn main() {
    let mut numbers = env::args().skip(1).map(|word| word.parse().expect("three numbers"));
    let members: usize = numbers.next().unwrap_or(1_000);
    let turns: usize = numbers.next().unwrap_or(100);
    let lines: usize = numbers.next().unwrap_or(1);

    let mut config = Config::default();
    config.limits = config.limits.unpaced();
    config.limits.connections_per_address = None;
    let now = Now { mono: Instant::from_micros(1), wall: UnixMillis(1_700_000_000_000) };
    let mut server = Server::new(config, [7; 32], now).expect("the default is valid");
    let mut conns = Vec::new();
    for number in 0..members {
        let peer = PeerInfo { address: None, exempt: true };
        let conn = server.open(now, peer).expect("there is room");
        let hello = format!("NICK n{number}\r\nUSER u 0 * :r\r\nJOIN #c\r\n");
        say(&mut server, now, conn, hello.as_bytes());
        conns.push(conn);
    }
    let turn = format!("PRIVMSG #c :{}\r\n", "x".repeat(64)).repeat(lines);
    for _ in 0..turns {
        say(&mut server, now, conns[0], turn.as_bytes());
    }
}

/// Takes bytes of one connection, and all that follows.
fn say(server: &mut Server, now: Now, conn: ConnId, bytes: &[u8]) {
    server.handle(now, Input::Data(conn, bytes));
    loop {
        while let Some(output) = server.poll_output() {
            if let Output::Flush(conn) = output {
                let length = server.outbox(conn).map(|chunk| chunk.len()).sum();
                server.handle(now, Input::Sent(conn, length, Pause::Full));
            }
        }
        if server.poll_timeout().is_none_or(|at| at > now.mono) {
            return;
        }
        server.handle(now, Input::Timeout);
    }
}

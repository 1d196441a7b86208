//! A server in memory and its clients, to measure what the core costs without sockets.

use std::hint::black_box;

use chat_core::{Config, ConnId, Input, Instant, Now, Output, Pause, PeerInfo, Server, UnixMillis};

/// All that a modern client asks for and that decides how a message looks or who is sent it.
const CAPS: &str = "batch draft/chathistory draft/event-playback echo-message extended-join \
    labeled-response message-tags multi-prefix server-time";

/// A server and those who are connected to it.
pub(crate) struct Crowd {
    server: Server,
    now: Now,
    conns: Vec<ConnId>,
    /// Whether they have asked for capabilities.
    modern: bool,
}

impl Crowd {
    /// So many members of `#c`, with capabilities or without.
    pub(crate) fn new(members: usize, modern: bool) -> Self {
        let mut config = Config::default();
        config.limits = config.limits.unpaced();
        config.limits.connections_per_address = None;
        config.default_channels = Vec::new();
        let now = Now { mono: Instant::from_micros(1), wall: UnixMillis(1_700_000_000_000) };
        let server = Server::new(config, [7; 32], now).expect("the default is valid");
        let mut crowd = Self { server, now, conns: Vec::new(), modern };
        for _ in 0..members {
            crowd.register();
            crowd.join();
        }
        crowd
    }

    /// One more connects and becomes a user.
    pub(crate) fn register(&mut self) {
        let peer = PeerInfo { address: None, exempt: true };
        let conn = self.server.open(self.now, peer).expect("there is room");
        self.conns.push(conn);
        let caps =
            if self.modern { format!("CAP REQ :{CAPS}\r\nCAP END\r\n") } else { String::new() };
        let number = self.conns.len();
        self.take(conn, format!("{caps}NICK n{number}\r\nUSER u 0 * :r\r\n").as_bytes());
    }

    /// The last who came joins the channel.
    pub(crate) fn join(&mut self) {
        let conn = *self.conns.last().expect("somebody has come");
        self.take(conn, b"JOIN #c\r\n");
    }

    /// The first says these lines in one turn, and everybody is sent what comes of it.
    pub(crate) fn say(&mut self, lines: &[u8]) {
        self.take(self.conns[0], lines);
    }

    fn take(&mut self, conn: ConnId, bytes: &[u8]) {
        self.server.handle(self.now, Input::Data(conn, bytes));
        loop {
            while let Some(output) = self.server.poll_output() {
                if let Output::Flush(conn) = output {
                    let length = self.server.outbox(conn).map(|chunk| black_box(&*chunk).len());
                    let length = length.sum();
                    self.server.handle(self.now, Input::Sent(conn, length, Pause::Full));
                }
            }
            if self.server.poll_timeout().is_none_or(|at| at > self.now.mono) {
                return;
            }
            self.server.handle(self.now, Input::Timeout);
        }
    }
}

/// So many messages to the channel, of 64 bytes each.
pub(crate) fn messages(lines: usize) -> Vec<u8> {
    format!("PRIVMSG #c :{}\r\n", "x".repeat(64)).repeat(lines).into_bytes()
}

/// Lines as clients and servers send them.
pub(crate) const LINES: [&[u8]; 4] = [
    b"PRIVMSG #rust :has anybody seen the new release? it is out since this morning",
    b":alice!alice@host.example.com PRIVMSG #rust :yes, and it builds twice as fast as before",
    b"@time=2026-01-01T12:00:00.000Z;msgid=0000000000001 :bob!b@10.0.0.1 JOIN #rust * :Bob",
    b":irc.example.com 353 alice = #rust :@alice +bob carol dave erin frank grace heidi ivan",
];

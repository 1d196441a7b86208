//! A host in memory that keeps its side of the contract, and watches that the server keeps its own.

use std::time::Duration;

use chat_core::{
    Answer, CloseWhen, Closed, Config, ConnId, Input, Instant, Now, Output, Pause, PeerInfo,
    Request, Server, Ticket, UnixMillis,
};

use crate::line::check_from_server;

/// How many peers there are at the most.
pub(crate) const PEERS: usize = 8;

/// What one read gives at the most.
const READ_MAX: usize = 16 << 10;

/// The longest line that a server sends, its tags and its end included.
const LINE_MAX: usize = 8191 + 512;

/// Bans that were kept before the server started.
const BANS: &[u8] =
    b"KLINE *@bad.example until 2030-02-01T00:00:00.000Z by root :spam\nDLINE 10.0.0.0/8\n";

/// How often work may be left over at one point in time.
const TURNS_MAX: usize = 10_000;

/// A server and its peers.
pub(crate) struct Stage {
    server: Server,
    now: Now,
    peers: [Option<Peer>; PEERS],
    asked: Vec<(Ticket, Request)>,
    /// The configuration that REHASH finds, and the bans that are kept.
    config: Config,
    bans: Vec<u8>,
    most_queued: usize,
    /// The server's name, and the time that it takes to stop.
    name: String,
    drain: Duration,
    /// The bound on one connection's queue that is or was in force.
    sendq_hard: usize,
    heard: Vec<u8>,
    shut_down: bool,
    stopped: bool,
}

/// One peer, as the host knows it.
struct Peer {
    conn: ConnId,
    /// Bytes that its socket takes; `None`: all.
    room: Option<usize>,
    /// The next flush yields after so many bytes.
    yield_after: Option<usize>,
    /// The socket took no more: the server asks for no flush until it is told otherwise.
    blocked: bool,
    reading: bool,
    /// What it sent while the host did not read.
    unread: Vec<u8>,
    eof: Eof,
    closing: bool,
    /// All was sent and the sending side is shut down.
    lingering: bool,
    /// What it got of a line that is not complete.
    half: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq)]
enum Eof {
    None,
    /// It comes when the host reads on.
    Pending,
    Told,
}

impl Stage {
    pub(crate) fn new(config: Config) -> Self {
        let now = Now { mono: Instant::from_micros(1), wall: UnixMillis(1_700_000_000_000) };
        let sendq_hard = config.limits.sendq_hard;
        let (name, drain) = (config.name.clone(), config.limits.drain);
        Self {
            name,
            drain,
            server: Server::new(config.clone(), [7; 32], now).expect("the configuration is valid"),
            now,
            peers: [const { None }; PEERS],
            asked: Vec::new(),
            config,
            bans: BANS.to_vec(),
            most_queued: 0,
            sendq_hard,
            heard: Vec::new(),
            shut_down: false,
            stopped: false,
        }
    }

    pub(crate) fn open(&mut self, peer: u8) {
        let index = usize::from(peer) % PEERS;
        if self.shut_down || self.peers[index].is_some() {
            return;
        }
        // Two peers are exempt from the bound, one of them has no address.
        let address = (index != 0).then(|| [192, 0, 2, u8::from(index == 1)].into());
        let Ok(conn) = self.server.open(self.now, PeerInfo { address, exempt: index < 2 }) else {
            return;
        };
        assert!(conn.index() < PEERS, "indices are dense");
        assert!(self.place(conn).is_none(), "an id is given once");
        self.peers[index] = Some(Peer {
            conn,
            room: None,
            yield_after: None,
            blocked: false,
            reading: true,
            unread: Vec::new(),
            eof: Eof::None,
            closing: false,
            lingering: false,
            half: Vec::new(),
        });
    }

    pub(crate) fn receive(&mut self, peer: u8, bytes: &[u8]) {
        let Some(peer) = &mut self.peers[usize::from(peer) % PEERS] else { return };
        if peer.eof == Eof::None && !peer.closing {
            peer.unread.extend_from_slice(bytes);
            let conn = peer.conn;
            self.read(conn);
        }
    }

    pub(crate) fn eof(&mut self, peer: u8) {
        let Some(peer) = &mut self.peers[usize::from(peer) % PEERS] else { return };
        if peer.eof == Eof::None {
            peer.eof = Eof::Pending;
            let conn = peer.conn;
            self.read(conn);
        }
    }

    /// Hands over what a peer has sent, one read at a time, as long as the server wants it.
    fn read(&mut self, conn: ConnId) {
        // A host reads once in a turn, and goes on in the next.
        let Some(peer) = self.peer(conn) else { return };
        if !peer.reading || peer.closing {
            return;
        }
        if !peer.unread.is_empty() {
            let rest = peer.unread.split_off(peer.unread.len().min(READ_MAX));
            let bytes = std::mem::replace(&mut peer.unread, rest);
            self.server.handle(self.now, Input::Data(conn, &bytes));
        } else if peer.eof == Eof::Pending {
            peer.eof = Eof::Told;
            self.server.handle(self.now, Input::Eof(conn));
        }
    }

    pub(crate) fn reset(&mut self, peer: u8) {
        if let Some(peer) = self.peers[usize::from(peer) % PEERS].take() {
            self.server.handle(self.now, Input::Closed(peer.conn, Closed::Reset));
        }
    }

    pub(crate) fn stall(&mut self, peer: u8, room: usize) {
        if let Some(peer) = &mut self.peers[usize::from(peer) % PEERS] {
            peer.room = Some(room);
        }
    }

    pub(crate) fn unstall(&mut self, peer: u8) {
        let Some(peer) = &mut self.peers[usize::from(peer) % PEERS] else { return };
        peer.room = None;
        if peer.blocked {
            peer.blocked = false;
            let conn = peer.conn;
            self.flush(conn);
        }
    }

    pub(crate) fn yield_after(&mut self, peer: u8, bytes: usize) {
        if let Some(peer) = &mut self.peers[usize::from(peer) % PEERS] {
            peer.yield_after = Some(bytes);
        }
    }

    pub(crate) fn end_lingering(&mut self, peer: u8) {
        let found = self.peers[usize::from(peer) % PEERS].as_ref();
        if let Some(peer) = found.filter(|peer| peer.lingering) {
            self.close(peer.conn);
        }
    }

    /// Answers the oldest question; whether there was one.
    pub(crate) fn answer(&mut self, right: Option<bool>) -> bool {
        if self.asked.is_empty() {
            return false;
        }
        let (ticket, request) = self.asked.remove(0);
        let answer = match (right, request) {
            (None, _) => Answer::Unavailable,
            (Some(right), Request::VerifyPassword { .. }) => Answer::Verified(right),
            (Some(false), _) => Answer::Failed("it could not be done".into()),
            (Some(true), Request::Configuration) => {
                Answer::Configuration(Box::new(self.config.clone()))
            }
            (Some(true), Request::LoadBans) => Answer::Bans(self.bans.clone()),
            (Some(true), Request::StoreBans(bans)) => {
                self.bans = bans;
                Answer::Stored
            }
        };
        self.server.handle(self.now, Input::Answer(ticket, answer));
        true
    }

    pub(crate) fn reload(&mut self, config: Config) {
        self.sendq_hard = self.sendq_hard.max(config.limits.sendq_hard);
        self.server.handle(self.now, Input::Reload(Box::new(config)));
    }

    pub(crate) fn shutdown(&mut self) {
        if !std::mem::replace(&mut self.shut_down, true) {
            self.server.handle(self.now, Input::Shutdown);
        }
    }

    /// Time passes; each timer fires when it is due.
    pub(crate) fn wait(&mut self, millis: u64) {
        self.drain();
        let end = self.now.mono.after(Duration::from_millis(millis));
        let mut turns = 0;
        while let Some(at) = self.server.poll_timeout().filter(|at| *at <= end) {
            turns += 1;
            assert!(turns < TURNS_MAX, "timers come to an end");
            self.move_to(at.max(self.now.mono));
            self.server.handle(self.now, Input::Timeout);
            self.drain();
        }
        self.move_to(end);
    }

    fn move_to(&mut self, mono: Instant) {
        self.now.wall.0 += mono.since(self.now.mono).as_millis() as u64;
        self.now.mono = mono;
    }

    /// Carries out all outputs, reads where the server wants it, and does what is due now.
    pub(crate) fn drain(&mut self) {
        for turn in 0.. {
            assert!(turn < TURNS_MAX, "work comes to an end");
            while let Some(output) = self.server.poll_output() {
                self.carry_out(&output);
            }
            let conns: Vec<_> = self.peers.iter().flatten().map(|peer| peer.conn).collect();
            for conn in conns {
                self.read(conn);
            }
            if self.server.poll_timeout().is_some_and(|at| at <= self.now.mono) {
                self.server.handle(self.now, Input::Timeout);
            } else if !self.wants_a_read() {
                break;
            }
        }
        while let Some(output) = self.server.poll_output() {
            self.carry_out(&output);
        }
    }

    fn wants_a_read(&self) -> bool {
        self.peers.iter().flatten().any(|peer| {
            let waits = !peer.unread.is_empty() || peer.eof == Eof::Pending;
            peer.reading && !peer.closing && waits
        })
    }

    fn carry_out(&mut self, output: &Output) {
        let to_do = !matches!(output, Output::Report(_));
        assert!(!(self.stopped && to_do), "nothing is to be done after Stopped: {output:?}");
        match *output {
            Output::Flush(conn) => {
                if let Some(peer) = self.peer(conn) {
                    assert!(!peer.blocked, "a blocked connection is flushed unasked");
                    self.flush(conn);
                }
            }
            Output::SetRead(conn, on) => {
                if let Some(peer) = self.peer(conn) {
                    assert_ne!(peer.reading, on, "SetRead says something new");
                    peer.reading = on;
                }
            }
            Output::Close(conn, CloseWhen::Now) => self.close(conn),
            Output::Close(conn, CloseWhen::AfterFlush) => {
                let empty = self.server.outbox(conn).all(|chunk| chunk.is_empty());
                if let Some(peer) = self.peer(conn) {
                    assert!(!peer.closing, "AfterFlush is said once");
                    peer.closing = true;
                    peer.lingering = empty;
                }
            }
            Output::Ask(ticket, ref request) => self.asked.push((ticket, request.clone())),
            Output::Cancel(ticket) => self.asked.retain(|(other, _)| *other != ticket),
            Output::Report(_) => {}
            Output::Stopped => {
                assert!(self.shut_down && self.is_empty());
                self.stopped = true;
            }
        }
    }

    /// Writes once, and says how much and why it ended.
    fn flush(&mut self, conn: ConnId) {
        let bytes: Vec<u8> = self.server.outbox(conn).flat_map(|chunk| chunk.to_vec()).collect();
        let name = self.name.clone();
        let Some(peer) = self.peer(conn) else { return };
        let room = peer.room.unwrap_or(usize::MAX);
        let bound = peer.yield_after.take().unwrap_or(usize::MAX);
        let taken = bytes.len().min(room).min(bound);
        let pause = if bound < room && taken < bytes.len() { Pause::Yield } else { Pause::Full };
        if let Some(room) = &mut peer.room {
            *room -= taken;
        }
        peer.blocked = taken < bytes.len() && pause == Pause::Full;
        peer.lingering = peer.closing && taken == bytes.len();
        for line in peer.hear(&bytes[..taken]) {
            check_from_server(&line, name.as_bytes());
        }
        self.heard.extend_from_slice(&bytes[..taken]);
        self.server.handle(self.now, Input::Sent(conn, taken, pause));
    }

    fn close(&mut self, conn: ConnId) {
        if let Some(place) = self.place(conn) {
            self.peers[place] = None;
            self.server.handle(self.now, Input::Closed(conn, Closed::Asked));
        }
    }

    fn place(&self, conn: ConnId) -> Option<usize> {
        self.peers.iter().position(|peer| peer.as_ref().is_some_and(|peer| peer.conn == conn))
    }

    fn peer(&mut self, conn: ConnId) -> Option<&mut Peer> {
        self.peers.iter_mut().flatten().find(|peer| peer.conn == conn)
    }

    /// What must hold after every step.
    pub(crate) fn check(&mut self) {
        let metrics = self.server.metrics();
        assert_eq!(metrics.connections, self.peers.iter().flatten().count() as u64);
        // A server that stops tells its users, but lets nobody quit before the others.
        // Nor is a quit carried out while work is left over.
        let idle = self.server.poll_timeout().is_none_or(|at| at > self.now.mono);
        assert!(self.shut_down || !idle || metrics.users <= metrics.connections);
        for peer in self.peers.iter().flatten() {
            let queued: usize = self.server.outbox(peer.conn).map(|chunk| chunk.len()).sum();
            self.most_queued = self.most_queued.max(queued);
            // The last line of a connection that is ended comes on top.
            assert!(queued <= self.sendq_hard + LINE_MAX, "{queued} bytes wait");
        }
    }

    /// Whether no peer is there any more.
    pub(crate) fn is_empty(&self) -> bool {
        self.peers.iter().all(Option::is_none)
    }

    /// All that was sent to anybody so far.
    pub(crate) fn heard(&self) -> &[u8] {
        &self.heard
    }

    /// Lets the server stop; all that was sent to anybody.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.drain();
        self.check();
        self.shutdown();
        self.wait(self.drain.as_millis() as u64);
        assert!(self.stopped, "a server that is told to stop stops in time");
        let metrics = self.server.metrics();
        assert_eq!((metrics.connections, metrics.queued_bytes), (0, 0));
        assert_eq!(self.server.poll_timeout(), None, "nothing is due any more");
        self.heard
    }
}

impl Peer {
    /// The lines that are complete, without their ends.
    fn hear(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.half.extend_from_slice(bytes);
        let mut lines = Vec::new();
        while let Some(end) = self.half.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.half.drain(..=end).collect();
            let content = line.strip_suffix(b"\r\n");
            let content = content.unwrap_or_else(|| panic!("no CRLF: {}", line.escape_ascii()));
            lines.push(content.to_vec());
        }
        lines
    }
}

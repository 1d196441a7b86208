//! A server in memory, spoken to in transcripts: virtual time, no sockets.

#![allow(dead_code, reason = "each test uses its own part")]

use std::{collections::BTreeMap, fmt::Write, net::IpAddr, time::Duration};

use chat_core::{
    Answer, CloseWhen, Closed, Config, ConnId, Input, Instant, Now, Output, Pause, PeerInfo,
    Report, Request, Server, Ticket, UnixMillis, reference,
};

/// A server, its connections by name, and what was said.
pub(crate) struct Stage {
    pub server: Server,
    pub now: Now,
    /// All that was sent and received, a line each.
    pub transcript: String,
    /// What came to clients since it was last taken.
    pub inbox: Vec<(String, Came)>,
    pub reports: Vec<Report>,
    pub asked: Vec<(Ticket, Request)>,
    pub stopped: bool,
    conns: BTreeMap<String, ConnId>,
    names: BTreeMap<ConnId, String>,
    /// Connections whose socket takes nothing, with whether the core knows.
    stalled: BTreeMap<String, bool>,
    closing: Vec<ConnId>,
    pub paused: Vec<String>,
}

/// Something that came to a client.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Came {
    /// A line without its end.
    Line(Vec<u8>),
    /// The end of the connection.
    Closed,
}

pub(crate) fn config() -> Config {
    let mut config = Config { default_channels: Vec::new(), ..Config::default() };
    config.name = "irc.test".into();
    config.network = "Test".into();
    config.cloak = false;
    config.limits = config.limits.unpaced();
    // Who joins is shown what is, not what was: a test that is about the past says so.
    config.limits.history_replay = 0;
    config
}

/// The names of all commands, from the reference.
pub(crate) fn commands() -> Vec<String> {
    let reference = reference(&Config::default());
    let (table, _) = reference.split_once("## Capabilities").expect("commands come first");
    let rows = table.lines().filter_map(|row| row.strip_prefix("| `"));
    let names = rows.filter_map(|row| row.split([' ', '`']).next());
    names.map(str::to_owned).collect()
}

impl Stage {
    pub(crate) fn new(config: Config) -> Self {
        let now =
            Now { mono: Instant::from_micros(1_000_000), wall: UnixMillis(1_700_000_000_000) };
        Self {
            server: Server::new(config, [7; 32], now).expect("the configuration is valid"),
            now,
            transcript: String::new(),
            inbox: Vec::new(),
            reports: Vec::new(),
            asked: Vec::new(),
            stopped: false,
            conns: BTreeMap::new(),
            names: BTreeMap::new(),
            stalled: BTreeMap::new(),
            closing: Vec::new(),
            paused: Vec::new(),
        }
    }

    pub(crate) fn conn(&self, name: &str) -> ConnId {
        self.conns[name]
    }

    pub(crate) fn is_open(&self, name: &str) -> bool {
        self.conns.contains_key(name)
    }

    /// Opens a connection from 192.0.2.1.
    pub(crate) fn open(&mut self, name: &str) -> bool {
        self.open_from(name, [192, 0, 2, 1].into())
    }

    pub(crate) fn open_from(&mut self, name: &str, address: IpAddr) -> bool {
        let peer = PeerInfo { address: Some(address), exempt: false };
        match self.server.open(self.now, peer) {
            Ok(conn) => {
                self.conns.insert(name.into(), conn);
                self.names.insert(conn, name.into());
                self.drain();
                true
            }
            Err(refused) => {
                self.hear(name, &refused.line);
                self.drain();
                false
            }
        }
    }

    /// Sends lines from one client.
    pub(crate) fn send(&mut self, name: &str, lines: &str) {
        for line in lines.lines().map(str::trim) {
            writeln!(self.transcript, "{name}> {line}").expect("a string takes all");
            self.send_raw(name, format!("{line}\r\n").as_bytes());
        }
    }

    pub(crate) fn send_raw(&mut self, name: &str, bytes: &[u8]) {
        let conn = self.conns[name];
        self.input(Input::Data(conn, bytes));
    }

    pub(crate) fn input(&mut self, input: Input<'_>) {
        self.server.handle(self.now, input);
        self.drain();
    }

    pub(crate) fn answer(&mut self, right: bool) {
        let (ticket, _) = self.asked.remove(0);
        self.input(Input::Answer(ticket, Answer::Verified(right)));
    }

    /// Connects and registers without a word in the transcript.
    pub(crate) fn enter(&mut self, name: &str, caps: &str) {
        self.open(name);
        let said = self.transcript.len();
        if !caps.is_empty() {
            self.send(name, &format!("CAP REQ :{caps}\nCAP END"));
        }
        self.send(name, &format!("NICK {name}\nUSER {name} 0 * :Real {name}"));
        self.transcript.truncate(said);
    }

    /// Does what follows without a word in the transcript.
    pub(crate) fn quietly(&mut self, act: impl FnOnce(&mut Self)) {
        let said = self.transcript.len();
        act(self);
        self.transcript.truncate(said);
    }

    /// The peer is gone.
    pub(crate) fn reset(&mut self, name: &str) {
        let conn = self.conns.remove(name).expect("it is open");
        self.names.remove(&conn);
        self.input(Input::Closed(conn, Closed::Reset));
    }

    /// The client's socket takes nothing from now on.
    pub(crate) fn stall(&mut self, name: &str) {
        self.stalled.insert(name.into(), false);
    }

    /// It reads again.
    pub(crate) fn unstall(&mut self, name: &str) {
        if self.stalled.remove(name) == Some(true)
            && let Some(conn) = self.conns.get(name).copied()
        {
            self.flush(conn);
            self.drain();
        }
    }

    /// Time passes: every timer that falls due on the way fires at its own time.
    pub(crate) fn wait(&mut self, time: Duration) {
        let end = self.now.mono.after(time);
        while let Some(at) = self.server.poll_timeout().filter(|at| *at <= end) {
            self.move_to(at.max(self.now.mono));
            self.input(Input::Timeout);
        }
        self.move_to(end);
    }

    fn move_to(&mut self, mono: Instant) {
        let passed = mono.since(self.now.mono);
        self.now.mono = mono;
        self.now.wall.0 += passed.as_millis() as u64;
    }

    /// What one client has been sent since the start, from the transcript.
    pub(crate) fn heard(&self, name: &str) -> Vec<&str> {
        let head = format!("{name}< ");
        self.transcript.lines().filter_map(|line| line.strip_prefix(&head)).collect()
    }

    fn drain(&mut self) {
        while let Some(output) = self.server.poll_output() {
            match output {
                Output::Flush(conn) => self.flush(conn),
                Output::Close(conn, CloseWhen::Now) => self.close(conn),
                Output::Close(conn, CloseWhen::AfterFlush) => {
                    let empty = self.server.outbox(conn).next().is_none();
                    if empty { self.close(conn) } else { self.closing.push(conn) }
                }
                Output::Ask(ticket, request) => self.asked.push((ticket, request)),
                Output::Cancel(ticket) => self.asked.retain(|asked| asked.0 != ticket),
                Output::Report(report) => self.reports.push(report),
                Output::SetRead(conn, on) => {
                    let name = self.names[&conn].clone();
                    self.paused.retain(|other| *other != name);
                    if !on {
                        self.paused.push(name);
                    }
                }
                Output::Stopped => self.stopped = true,
            }
        }
        // What is due now is work that was left over.
        if self.server.poll_timeout().is_some_and(|at| at <= self.now.mono) {
            self.server.handle(self.now, Input::Timeout);
            self.drain();
        }
    }

    fn flush(&mut self, conn: ConnId) {
        let Some(name) = self.names.get(&conn).cloned() else { return };
        if let Some(known) = self.stalled.get_mut(&name) {
            *known = true;
            self.server.handle(self.now, Input::Sent(conn, 0, Pause::Full));
            return;
        }
        let bytes: Vec<u8> = self.server.outbox(conn).flat_map(|chunk| chunk.to_vec()).collect();
        self.hear(&name, &bytes);
        self.server.handle(self.now, Input::Sent(conn, bytes.len(), Pause::Full));
        if self.closing.contains(&conn) {
            self.close(conn);
        }
    }

    fn hear(&mut self, name: &str, bytes: &[u8]) {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\r\n").expect("a line ends in CRLF");
            writeln!(self.transcript, "{name}< {}", line.escape_ascii())
                .expect("a string takes all");
            self.inbox.push((name.into(), Came::Line(line.to_vec())));
        }
    }

    fn close(&mut self, conn: ConnId) {
        if let Some(name) = self.names.remove(&conn) {
            writeln!(self.transcript, "{name}< (closed)").expect("a string takes all");
            self.inbox.push((name.clone(), Came::Closed));
            self.conns.remove(&name);
            self.closing.retain(|other| *other != conn);
            self.server.handle(self.now, Input::Closed(conn, Closed::Asked));
        }
    }
}

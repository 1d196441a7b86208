//! The real client in a run: the client core on the Tokio runtime, told what to do by the script.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    net::SocketAddr,
    sync::Arc,
    task::Waker,
};

use chat_core::{
    Instant, Now, UnixMillis,
    client::{Client, Command, Event, Options, Text},
    host::Clock,
};
use runtime_tokio::{ClientHandle, ClientOptions, client};
use tokio::sync::Notify;

use super::{
    introduced::Introducing,
    server::{EPOCH_MS, PORT},
    stage::{Shared, Stage, now_us},
};
use crate::{
    bounds::{Bounds, Pieces},
    client::Client as Honest,
    judge::{Broken, LifeId},
    line::Line,
    log::What,
    rng::{Concern, Rng},
    script::Action,
};

/// The longest that it waits before it connects again. Its own waits are as long as a run.
const LONGEST_ABSENCE_US: u64 = 1_000_000;
/// After so long without an answer it is told to ask again whether the server is there.
const PATIENCE_US: u64 = 1_000_000;
/// After so long its clock leaps, by so much.
const LONGEST_WAIT_US: u64 = 6_000_000;
const LEAP_US: u64 = 30_000_000;
/// The longest text that is never cut in two.
const LONGEST_TEXT: u32 = 250;

/// What is known of the real client.
pub(super) struct CoreClient {
    /// Its number, behind those of all others.
    pub(super) number: u32,
    /// It has something to do.
    pub(super) called: Arc<Notify>,
    pub(super) wants_online: bool,
    handle: Option<ClientHandle>,
    life: Option<LifeId>,
    registered: bool,
    nick: String,
    /// How many nicks it has been told to take.
    attempt: u32,
    /// The channels that it is in and their members, as it has them.
    view: BTreeMap<String, BTreeSet<String>>,
    /// Messages, to tell them apart, and PINGs.
    said: u32,
    asked: u32,
    answered: u32,
    asked_at: u64,
    /// Since when it has waited for an answer.
    waits_since: u64,
    /// Messages of others that came, and those that it told of.
    came: u64,
    told: u64,
    /// Its connection is to break, and who is to be told.
    breaks: bool,
    waker: Option<Waker>,
    connections: u32,
    rng: Rng,
    /// What its clock is ahead, µs.
    ahead: u64,
}

impl CoreClient {
    pub(super) fn new(number: u32, seed: u64) -> Self {
        Self {
            number,
            called: Arc::new(Notify::new()),
            wants_online: false,
            handle: None,
            life: None,
            registered: false,
            nick: String::new(),
            attempt: 0,
            view: BTreeMap::new(),
            said: 0,
            asked: 0,
            answered: 0,
            asked_at: 0,
            waits_since: 0,
            came: 0,
            told: 0,
            breaks: false,
            waker: None,
            connections: 0,
            rng: Rng::new(seed, Concern::Client(number)),
            ahead: 0,
        }
    }

    /// The nick that it has, or wants.
    pub(super) fn nick(&self) -> String {
        if self.registered { self.nick.clone() } else { self.wanted_nick() }
    }

    /// Numbers from 100, so that what the core makes of a nick that is taken is nobody else's.
    fn wanted_nick(&self) -> String {
        format!("c{}_{}", self.number, 100 + self.attempt)
    }

    /// Whether it is where it wants to be.
    pub(super) fn is_calm(&self) -> bool {
        if self.wants_online { self.registered } else { self.life.is_none() }
    }

    /// Whether it has had the answer to its last PING, if it is there.
    pub(super) fn is_answered(&self) -> bool {
        !self.registered || self.answered == self.asked
    }

    fn command(&self, command: Command) {
        if let Some(handle) = &self.handle {
            // What does not fit was never said.
            handle.offer(command);
        }
    }

    fn raw(&self, line: &str) {
        self.command(Command::Raw(line.into()));
    }

    /// Does what a script says.
    pub(super) fn act(&mut self, action: Action, nick_of: impl Fn(u32) -> String) {
        let channel = |number: u32| format!("#ch{number}");
        match action {
            Action::Quit => {
                self.wants_online = false;
                self.command(Command::Quit { reason: None });
            }
            _ if !self.registered => {}
            Action::Join(number) => {
                self.command(Command::Join {
                    channel: channel(number).into(),
                    key: Some(format!("key{number}").into()),
                });
            }
            Action::Part(number) => {
                self.command(Command::Part { channel: channel(number).into(), reason: None });
            }
            Action::Say(number, len) => self.say(&channel(number), len),
            Action::Flood(number, lines) => {
                (0..lines).for_each(|_| self.say(&channel(number), 60));
            }
            Action::Tell(to, len) if to != self.number => self.say(&nick_of(to), len),
            Action::Rename => {
                self.attempt += 1;
                self.command(Command::Nick { nick: self.wanted_nick().into() });
            }
            Action::Names(number) => {
                self.command(Command::Names { channel: channel(number).into() });
            }
            Action::AskTopic(number) => self.raw(&format!("TOPIC {}", channel(number))),
            Action::AskMode(number) => self.raw(&format!("MODE {}", channel(number))),
            Action::Kick(number, whom) => {
                self.raw(&format!("KICK {} {}", channel(number), nick_of(whom)));
            }
            Action::Invite(number, whom) => {
                self.raw(&format!("INVITE {} {}", nick_of(whom), channel(number)));
            }
            Action::Ping => self.ping(0),
            _ => {}
        }
    }

    fn say(&mut self, target: &str, len: u32) {
        self.said += 1;
        let (number, said, len) = (self.number, self.said, len.min(LONGEST_TEXT));
        let letters: String = (0..len).map(|at| char::from(b'a' + (at % 26) as u8)).collect();
        let text = Text::from(format!("r{number}.{said}-{letters}").as_str());
        self.command(Command::Message { target: target.into(), text });
    }

    fn ping(&mut self, now: u64) {
        if self.registered && self.answered == self.asked {
            self.waits_since = now;
        }
        self.asked += 1;
        self.asked_at = now;
        self.command(Command::Ping { token: format!("q{}", self.asked).into() });
    }

    /// The connection breaks.
    pub(super) fn reset(&mut self) {
        self.breaks = self.life.is_some();
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Something has happened to the client.
    fn hear(&mut self, client: &Client, event: &Event, now: Now) {
        self.registered = client.is_registered();
        self.nick = client.nick().to_str_lossy().into_owned();
        match event {
            Event::Message(message) => {
                self.told += u64::from(!message.me);
                return;
            }
            Event::Pong { token } => {
                let number = token.strip_prefix(b"q").map(String::from_utf8_lossy);
                self.answered = number.and_then(|it| it.parse().ok()).unwrap_or(self.answered);
            }
            Event::Disconnected { retry_at: Some(at), .. } => {
                let left = at.since(now.mono).as_micros() as u64;
                self.ahead += left.saturating_sub(self.rng.below(LONGEST_ABSENCE_US));
            }
            _ => {}
        }
        let text = |text: &Text| text.to_str_lossy().into_owned();
        self.view = client
            .channels()
            .map(|channel| {
                let members = channel.members().map(|member| text(&member.nick)).collect();
                (text(channel.name()), members)
            })
            .collect();
    }
}

/// Runs the client for as long as the simulation runs: again whenever it has quit and is to be back.
pub(super) async fn live(shared: Shared) {
    let called = Arc::clone(&shared.lock().core.called);
    loop {
        if !shared.lock().core.wants_online {
            called.notified().await;
            continue;
        }
        let (options, seed) = shared.lock().core_starts();
        let Ok(core) = Client::new(options, seed) else { return };
        let clock = CoreClock(shared.clone());
        let ears = shared.clone();
        let runtime = client(ClientOptions {
            server: format!("server:{PORT}"),
            net: Introducing(shared.clone()),
            client: core,
            clock: Box::new(clock.clone()),
            events: Box::new(move |client, event| {
                let now = clock.now();
                ears.lock().core.hear(client, &event, now);
            }),
        });
        shared.lock().core.handle = Some(runtime.handle());
        runtime.run().await;
        shared.lock().core.handle = None;
    }
}

/// The simulation's time, but for waits that are too long for it.
#[derive(Clone)]
struct CoreClock(Shared);

impl Clock for CoreClock {
    fn now(&self) -> Now {
        let now = now_us();
        let mono = Instant::from_micros(now + self.0.lock().core.ahead);
        Now { mono, wall: UnixMillis(EPOCH_MS + now / 1_000) }
    }
}

impl Stage {
    fn core_starts(&self) -> (Options, u64) {
        let core = &self.core;
        let password = || Bounds::PASSWORD.to_string();
        let options = Options {
            nick: core.wanted_nick(),
            user: "core".into(),
            real: "core".into(),
            password: (self.bounds.password > 0).then(password),
            join: vec!["#ch0".into()],
            reconnect: true,
        };
        (options, self.seed)
    }

    pub(super) fn core_connects(&mut self, address: SocketAddr, now: u64) -> (LifeId, Pieces, Rng) {
        let client = self.core.number;
        let life = self.begin(client as usize, address, now);
        let attempt = self.core.connections;
        self.core.connections += 1;
        self.core.life = Some(life);
        self.core.breaks = false;
        (self.core.asked_at, self.core.waits_since) = (now, now);
        (life, self.pieces, Rng::new(self.seed, Concern::Network { client, attempt }))
    }

    pub(super) fn core_says(&mut self, life: LifeId, line: &[u8], now: u64) {
        self.judge.sends(life, String::from_utf8_lossy(line).trim_end_matches("\r\n"), now);
        self.tell(now, || What::Sent { life, bytes: line.to_vec() });
    }

    pub(super) fn core_hears(&mut self, life: LifeId, line: &[u8], now: u64) {
        self.tell(now, || What::ReachedClient { life, bytes: line.to_vec() });
        self.trace.bytes(line);
        let is_said = |line: &Line<'_>| matches!(line.command, "PRIVMSG" | "NOTICE");
        if let Ok(read) = Line::read(line) {
            self.core.came += u64::from(is_said(&read) && read.user != format!("~u{life}"));
        }
        let heard = self.judge.receives(life, line, now);
        self.check(heard);
    }

    /// Who is told if the connection is to break.
    pub(super) fn core_waits(&mut self, waker: &Waker) {
        self.core.waker = Some(waker.clone());
    }

    /// Whether the connection is to break now.
    pub(super) fn core_breaks(&mut self) -> bool {
        mem::take(&mut self.core.breaks)
    }

    pub(super) fn core_lost(&mut self, life: LifeId) {
        if self.core.life == Some(life) {
            self.core.life = None;
            self.core.registered = false;
            self.core.view.clear();
            self.tell(self.now, || What::ClientClosed { life, why: "closed".into() });
        }
    }

    /// While all settle, it asks again and again: only so it learns of a connection that is dead. If
    /// what it sends arrives and nothing comes back, its own patience is longer than a run.
    pub(super) fn urge_core(&mut self, now: u64) {
        let core = &mut self.core;
        let waits = core.life.is_some() && !(core.registered && core.is_answered());
        if !waits || now < core.asked_at + PATIENCE_US {
            return;
        }
        let leaps = now >= core.waits_since + LONGEST_WAIT_US;
        if leaps {
            core.ahead += LEAP_US;
        }
        if leaps || core.registered {
            core.ping(now);
        }
    }

    pub(super) fn ask_core(&mut self, now: u64) {
        if self.core.registered {
            self.core.ping(now);
        }
    }

    /// The core looks around as all others do.
    pub(super) fn core_looks_around(&mut self, now: u64) {
        for channel in self.core.view.keys().cloned().collect::<Vec<_>>() {
            self.core.command(Command::Names { channel: channel.into() });
        }
        self.ask_core(now);
    }

    /// The core's life and the numbers of its channels, if it is there.
    pub(super) fn core_life(&self) -> Option<(LifeId, Vec<u32>)> {
        let number = |channel: &String| channel.get(3..)?.parse().ok();
        let life = self.core.life?;
        Some((life, self.core.view.keys().filter_map(number).collect()))
    }

    /// What the client shows its user is what there is.
    pub(super) fn check_view(&self) -> Result<(), Broken> {
        let core = &self.core;
        for (channel, members) in &core.view {
            let number = channel.get(3..).and_then(|number| number.parse::<u32>().ok());
            let there = self.guests.iter().map(|guest| &guest.client);
            let there = there.filter(|client| {
                client.life.is_some() && number.is_some_and(|it| client.wanted.contains(&it))
            });
            let nicks = there.map(Honest::nick).chain([core.nick()]);
            let expected: BTreeSet<String> = nicks.collect();
            if *members != expected {
                let why = format!("it shows {members:?} in {channel}, there are {expected:?}");
                return Err(("view", why));
            }
        }
        if core.came != core.told {
            let (came, told) = (core.came, core.told);
            return Err(("view", format!("{came} messages came, the client told of {told}")));
        }
        Ok(())
    }
}

//! Becoming a user: what a connection must tell, passwords, the welcome.

use alloc::{boxed::Box, format, string::String, vec::Vec};
use core::time::Duration;

use super::{
    Server,
    command::{self, Caller},
    link::{Asking, Link, Purpose, State, Step},
    metadata,
};
use crate::{
    Answer, Config, ConnId, Output, Report, Request, Ticket,
    network::{ChannelMode, Log, Op, USER_MODES, User, UserId},
    wire::numeric::{ERR_PASSWDMISMATCH, RPL_CREATED, RPL_MYINFO, RPL_WELCOME, RPL_YOURHOST},
};

impl Server {
    /// Registers a connection that has told all that is needed.
    pub(super) fn try_register(&mut self, conn: ConnId) {
        let Some(link) = self.links.get_mut(conn) else { return };
        let State::Registering { form, .. } = &mut link.state else { return };
        let (Some(nick), Some(user), false) = (&form.nick, &form.user, form.negotiating) else {
            return;
        };
        if let (Some(hash), false) = (&self.config.password, form.password_ok) {
            let hash = hash.clone();
            let Some(password) = form.password.take() else { return self.wrong_password(conn) };
            return match self.may_guess(conn, None) {
                Ok(()) => self.ask_password(conn, Purpose::Register, hash, &password),
                Err(wait) => {
                    let why = format!("Too many wrong passwords: wait {}", command::seconds(wait));
                    self.end(conn, why.as_bytes());
                }
            };
        }
        let (nick, user, real) = (nick.clone(), user.clone(), form.real.clone());
        let (away, host) = (form.away.clone(), link.host());
        let (away, metadata) = (away.as_deref(), link.metadata.clone());
        let metadata = metadata.iter().collect();
        let (nick, user, host, real) = (&nick[..], &user[..], &host[..], &real[..]);
        self.propose(conn, Op::Register { nick, user, host, real, away, metadata });
    }

    /// Those who know of metadata are told their own.
    fn welcome_metadata(&mut self, conn: ConnId, me: UserId) {
        let Some(user) = self.network.user(me) else { return };
        if self.links.get(conn).is_some_and(|link| link.caps.has(metadata::CAPS)) {
            self.links.welcome_metadata(conn, &user.nick, &user.metadata);
        }
    }

    /// Whether a connection may try a password now, for a name or for the server.
    ///
    /// # Errors
    /// How long it must not.
    pub(super) fn may_guess(&mut self, conn: ConnId, name: Option<&[u8]>) -> Result<(), Duration> {
        let place = self.links.get(conn).and_then(|link| link.place);
        self.guesses.take(place, name, &self.config.limits, self.links.now.mono)
    }

    pub(super) fn wrong_password(&mut self, conn: ConnId) {
        self.report_bad_password(conn, b"");
        self.reply(conn, ERR_PASSWDMISMATCH, &[]);
        self.end(conn, b"Password incorrect");
    }

    pub(super) fn wrong_oper(&mut self, conn: ConnId, name: &[u8]) {
        self.report_bad_password(conn, name);
        self.reply(conn, ERR_PASSWDMISMATCH, &[]);
    }

    fn report_bad_password(&mut self, conn: ConnId, name: &[u8]) {
        let name = name.to_vec();
        self.links.outputs.push(Output::Report(Report::BadPassword { conn, name }));
    }

    /// Greets those who have just registered, and lets them join the default channels.
    pub(super) fn welcome_arrived(&mut self) {
        while let Some(conn) = self.links.arrived.pop() {
            let Some(me) = self.links.get(conn).and_then(Link::user) else { continue };
            // A host that nobody can resolve is not told here: some clients would try to.
            let named = |user: &User| {
                if user.modes.cloaked { user.nick.to_vec() } else { user.source() }
            };
            let Some(source) = self.network.user(me).map(named) else { continue };
            let Config { name, network, default_channels, .. } = self.config.clone();
            let version = command::VERSION;
            let say = |mut head: Vec<u8>, tail: &[u8]| {
                head.extend_from_slice(tail);
                head
            };
            let welcome = say(format!("Welcome to the {network} network, ").into_bytes(), &source);
            let host = format!("Your host is {name}, running version {version}");
            let started = self.links.metrics.started.to_iso();
            let created = say(b"This server was started at ".to_vec(), &started);
            let umodes: Vec<u8> = USER_MODES.iter().map(|mode| mode.letter).collect();
            let (all, with_param) = ChannelMode::my_info();
            let my_info: [&[u8]; 5] =
                [name.as_bytes(), version.as_bytes(), &umodes, &all, &with_param];
            self.reply_text(conn, RPL_WELCOME, &[], Some(&welcome));
            self.reply_text(conn, RPL_YOURHOST, &[], Some(host.as_bytes()));
            self.reply_text(conn, RPL_CREATED, &[], Some(&created));
            self.reply_text(conn, RPL_MYINFO, &my_info, None);
            let mut caller = Caller { server: self, conn };
            caller.isupport();
            caller.lusers();
            caller.server.welcome_metadata(conn, me);
            caller.motd();
            caller.tell_cloak();
            caller.then(
                default_channels
                    .iter()
                    .map(|channel| Step::Join { channel: channel.as_bytes().into(), key: None }),
            );
            self.rearm(conn);
        }
    }

    /// Asks the host whether a password is right; the connection's lines wait for the answer.
    pub(super) fn ask_password(
        &mut self,
        conn: ConnId,
        purpose: Purpose,
        hash: String,
        password: &[u8],
    ) {
        let request = Request::VerifyPassword { hash, password: password.to_vec() };
        self.ask(conn, purpose, request);
    }

    /// Asks the host something; the connection's lines wait for the answer.
    pub(super) fn ask(&mut self, conn: ConnId, purpose: Purpose, request: Request) {
        if self.links.get(conn).is_none() {
            return;
        }
        let ticket = self.ask_alone(request);
        let deadline = self.links.now.mono.after(self.config.limits.ask);
        let Some(link) = self.links.get_mut(conn) else { return };
        link.asking = Some(Box::new(Asking { ticket, deadline, purpose }));
        self.asked.insert(ticket, conn);
        self.rearm(conn);
    }

    /// Asks the host something that no connection waits for.
    pub(super) fn ask_alone(&mut self, request: Request) -> Ticket {
        self.next_ticket += 1;
        let ticket = Ticket(self.next_ticket);
        self.links.outputs.push(Output::Ask(ticket, request));
        ticket
    }

    /// Takes an answer: at once, unless entries wait that come before what follows from it.
    pub(super) fn take_answer(&mut self, ticket: Ticket, answer: Answer) {
        if self.log.is_empty() && self.answers.is_empty() {
            self.answered(ticket, answer);
        } else {
            self.answers.push_back((ticket, answer));
        }
    }

    pub(super) fn answered(&mut self, ticket: Ticket, answer: Answer) {
        if self.bans_loaded(ticket, &answer) {
            return;
        }
        let Some(conn) = self.asked.remove(&ticket) else { return };
        let Some(asking) = self.links.get_mut(conn).and_then(|link| link.asking.take()) else {
            return;
        };
        self.links.active = Some(conn);
        let nobody = matches!(asking.purpose, Purpose::NoOper(_));
        let right = !nobody && answer == Answer::Verified(true);
        let wrong = !right && matches!(answer, Answer::Verified(_));
        let name = match &asking.purpose {
            Purpose::Register => Some(None),
            Purpose::Oper(name) | Purpose::NoOper(name) => Some(Some(&name[..])),
            Purpose::Rehash | Purpose::Bans(_) => None,
        };
        if let Some(name) = name.filter(|_| !wrong) {
            let place = self.links.get(conn).and_then(|link| link.place);
            self.guesses.forgive(place, name, &self.config.limits);
        }
        match asking.purpose {
            Purpose::Register if right => {
                if let Some(link) = self.links.get_mut(conn)
                    && let State::Registering { form, .. } = &mut link.state
                {
                    form.password_ok = true;
                }
                self.try_register(conn);
            }
            Purpose::Register if wrong => self.wrong_password(conn),
            Purpose::Register => self.end(conn, UNCHECKED.as_bytes()),
            Purpose::Oper(name) if right => self.propose(conn, Op::Oper { name: &name }),
            Purpose::Oper(_) | Purpose::NoOper(_) if !right && !wrong => {
                self.refuse(conn, "OPER", "TEMPORARILY_UNAVAILABLE", &[], UNCHECKED);
            }
            Purpose::Oper(name) | Purpose::NoOper(name) => self.wrong_oper(conn, &name),
            Purpose::Bans(done) => self.bans_kept(conn, &done, &answer),
            Purpose::Rehash => self.rehashed(conn, answer),
        }
        self.finish(conn);
        self.run(conn, &[]);
    }
}

/// What is told of a password of which the host did not say in time whether it is right.
const UNCHECKED: &str = "Passwords cannot be checked now: try again later";

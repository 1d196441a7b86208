//! PASS, NICK, USER, CAP, QUIT: becoming somebody, and ceasing to be.

use alloc::vec::Vec;

use super::{Caller, cut};
use crate::{
    Config,
    caps::{self, Caps},
    network::Op,
    server::link::{Form, State},
    wire::{
        Message, Nick,
        numeric::{
            ERR_ERRONEUSNICKNAME, ERR_INVALIDCAPCMD, ERR_NEEDMOREPARAMS, ERR_NICKNAMEINUSE,
            ERR_NONICKNAMEGIVEN,
        },
    },
};

impl Caller<'_> {
    pub(super) fn form(&mut self) -> Option<&mut Form> {
        match &mut self.server.links.get_mut(self.conn)?.state {
            State::Registering { form, .. } => Some(form),
            _ => None,
        }
    }
}

/// `PASS password`
pub(super) fn pass(caller: &mut Caller<'_>, message: &Message<'_>) {
    let password = message.params()[0].to_vec();
    if let Some(form) = caller.form() {
        form.password = Some(password);
    }
}

/// `NICK nick`
pub(super) fn nick(caller: &mut Caller<'_>, message: &Message<'_>) {
    let given = message.param(0).unwrap_or_default();
    if given.is_empty() {
        return caller.reply(ERR_NONICKNAMEGIVEN, &[]);
    }
    let Some(nick) = Nick::new(given, caller.server.config.limits.nick_len) else {
        return caller.reply(ERR_ERRONEUSNICKNAME, &[given]);
    };
    if caller.user_id().is_some() {
        return caller.propose(Op::Nick(nick.as_bytes()));
    }
    // Only advice: whether the nick is free is decided when the registration is applied.
    if caller.network().find_user(nick.as_bytes()).is_some() {
        return caller.reply(ERR_NICKNAMEINUSE, &[given]);
    }
    if let Some(form) = caller.form() {
        form.nick = Some(given.into());
    }
    caller.server.try_register(caller.conn);
}

/// `USER user mode unused :realname`
pub(super) fn user(caller: &mut Caller<'_>, message: &Message<'_>) {
    let limits = &caller.server.config.limits;
    let (user_len, real_len) = (limits.user_len, limits.real_len);
    // Nobody has checked the name: `~` says so. What can't be in a source is left out.
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.[]{}|^`\\".contains(byte);
    let given = message.params()[0].iter().copied().filter(allowed);
    let user: Vec<u8> = core::iter::once(b'~').chain(given).take(user_len).collect();
    let real = message.params()[3];
    if user.len() < 2 || real.is_empty() {
        return caller.reply(ERR_NEEDMOREPARAMS, &[b"USER"]);
    }
    if let Some(form) = caller.form() {
        form.user = Some(user.into());
        form.real = cut(real, real_len).into();
    }
    caller.server.try_register(caller.conn);
}

/// `QUIT [:reason]`
pub(super) fn quit(caller: &mut Caller<'_>, message: &Message<'_>) {
    let reason = cut(message.param(0).unwrap_or_default(), caller.server.config.limits.quit_len);
    let reason = if reason.is_empty() { b"Quit".to_vec() } else { [b"Quit: ", reason].concat() };
    caller.server.end(caller.conn, &reason);
}

/// `CAP LS [version]`, `CAP LIST`, `CAP REQ :capabilities`, `CAP END`
pub(super) fn cap(caller: &mut Caller<'_>, message: &Message<'_>) {
    let command = message.params()[0].to_ascii_uppercase();
    let negotiates = matches!(&command[..], b"LS" | b"REQ");
    if let (true, Some(form)) = (negotiates, caller.form()) {
        form.negotiating = true;
    }
    match &command[..] {
        b"LS" => {
            let version = message.param(1).and_then(|text| core::str::from_utf8(text).ok());
            let is_302 = version.and_then(|text| text.parse().ok()).is_some_and(|v: u32| v >= 302);
            if is_302 {
                if let Some(link) = caller.server.links.get_mut(caller.conn) {
                    link.caps_302 = true;
                }
                // Whoever knows 302 is told of changes.
                caller.change_caps(|caps| caps.with(Caps::CAP_NOTIFY));
            }
            let config = &caller.server.config;
            let items = caps::offered(config).map(|capability| match capability.value {
                Some(value) if is_302 => [capability.name, b"=", value(config).as_bytes()].concat(),
                _ => capability.name.to_vec(),
            });
            let items: Vec<Vec<u8>> = items.collect();
            caller.cap_list(b"LS", &items, is_302);
        }
        b"LIST" => {
            let have = caller.caps();
            let names = caps::ALL.iter().filter(|capability| have.has(capability.bit));
            let names: Vec<Vec<u8>> = names.map(|capability| capability.name.to_vec()).collect();
            let several = caller.server.links.get(caller.conn).is_some_and(|link| link.caps_302);
            caller.cap_list(b"LIST", &names, several);
        }
        b"REQ" => {
            let list = message.param(1).unwrap_or_default();
            match requested(list, caller.caps(), &caller.server.config) {
                Some(mut caps) => {
                    let link = caller.server.links.get(caller.conn);
                    if link.is_some_and(|link| link.caps_302) {
                        caps = caps.with(Caps::CAP_NOTIFY);
                    }
                    caller.cap_reply(b"ACK", list);
                    caller.change_caps(|_| caps);
                }
                None => caller.cap_reply(b"NAK", list),
            }
        }
        b"END" => {
            if let Some(form) = caller.form() {
                form.negotiating = false;
                caller.server.try_register(caller.conn);
            }
        }
        _ => caller.reply(ERR_INVALIDCAPCMD, &[message.params()[0]]),
    }
}

/// The capabilities after a request: all of it or nothing.
fn requested(list: &[u8], have: Caps, config: &Config) -> Option<Caps> {
    let names = list.split(|byte| *byte == b' ').filter(|name| !name.is_empty());
    names.into_iter().try_fold(have, |caps, name| match name.strip_prefix(b"-") {
        Some(name) => Some(caps.without(caps::by_name(name)?.bit)),
        None => {
            let capability = caps::by_name(name)?;
            (capability.offered)(config).then(|| caps.with(capability.bit))
        }
    })
}

impl Caller<'_> {
    pub(super) fn caps(&self) -> Caps {
        self.server.links.get(self.conn).map_or(Caps::NONE, |link| link.caps)
    }

    fn change_caps(&mut self, change: impl FnOnce(Caps) -> Caps) {
        let caps = change(self.caps());
        if let Some(link) = self.server.links.get_mut(self.conn) {
            link.caps = caps;
            self.server.links.outboxes.set_caps(self.conn.index(), caps);
        }
    }

    /// A list of capabilities, on several lines for those who know of them: all but the last say
    /// `*`.
    fn cap_list(&mut self, command: &[u8], items: &[Vec<u8>], several: bool) {
        const LINE: usize = 350;
        let mut line: Vec<u8> = Vec::new();
        for item in items {
            if several && !line.is_empty() && line.len() + item.len() >= LINE {
                let nick = self.server.nick_of(self.conn);
                let name = self.server.links.name.clone();
                self.server.links.line(self.conn, |out| {
                    let head = out.source(&name).command(b"CAP").param(&nick);
                    head.param(command).param(b"*").trailing(&line);
                });
                line.clear();
            }
            if !line.is_empty() {
                line.push(b' ');
            }
            line.extend_from_slice(item);
        }
        self.cap_reply(command, &line);
    }

    fn cap_reply(&mut self, command: &[u8], list: &[u8]) {
        let nick = self.server.nick_of(self.conn);
        let name = self.server.links.name.clone();
        self.server.links.line(self.conn, |line| {
            line.source(&name).command(b"CAP").param(&nick).param(command).trailing(list);
        });
    }
}

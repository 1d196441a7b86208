//! PASS, NICK, USER, QUIT: becoming somebody, and ceasing to be.

use alloc::{format, vec::Vec};

use super::{Caller, cut, seconds};
use crate::{
    network::Op,
    server::{
        link::{Form, State},
        pace::Act,
    },
    wire::{
        Message, Nick,
        numeric::{
            ERR_ERRONEUSNICKNAME, ERR_INVALIDUSERNAME, ERR_NEEDMOREPARAMS, ERR_NICKNAMEINUSE,
            ERR_NICKTOOFAST, ERR_NONICKNAMEGIVEN,
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
    if password.is_empty() {
        return caller.reply(ERR_NEEDMOREPARAMS, &[b"PASS"]);
    }
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
    let config = &caller.server.config;
    let Some(nick) = Nick::new(given, config.limits.nick_len, config.casemapping) else {
        return caller.reply(ERR_ERRONEUSNICKNAME, &[given]);
    };
    if caller.user_id().is_some() {
        return match caller.pace(Act::Nick) {
            Ok(()) => caller.propose(Op::Nick(nick.as_bytes())),
            Err(wait) => {
                let text = format!("You change your nick too often: wait {}", seconds(wait));
                caller.reply_text(ERR_NICKTOOFAST, &[given], Some(text.as_bytes()));
            }
        };
    }
    // Only advice: whether the nick is free is decided when the registration is applied.
    if caller.network().nick_holder(nick.as_bytes(), None).is_some() {
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
    if message.params()[0].is_empty() || real.is_empty() {
        return caller.reply(ERR_NEEDMOREPARAMS, &[b"USER"]);
    }
    if user.len() < 2 {
        return caller.reply(ERR_INVALIDUSERNAME, &[]);
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
    caller.server.end(caller.conn, &[b"Quit: ", reason].concat());
}

//! OPER, KILL, WALLOPS, REHASH: what operators of the server do.

use alloc::{string::String, vec::Vec};

use super::{Caller, cut};
use crate::{
    Answer, Request,
    network::Op,
    server::{Server, link::Purpose},
    wire::{
        CaseMapping, Message,
        numeric::{ERR_CANTKILLSERVER, ERR_NEEDMOREPARAMS, ERR_PASSWDMISMATCH, RPL_REHASHING},
    },
};

/// `OPER name password`
pub(super) fn oper(caller: &mut Caller<'_>, message: &Message<'_>) {
    let (name, password) = (message.params()[0], message.params()[1]);
    let account = caller.server.config.opers.iter().find(|oper| oper.name.as_bytes() == name);
    match account.map(|oper| oper.password.clone()) {
        Some(hash) => {
            caller.server.ask_password(caller.conn, Purpose::Oper(name.into()), hash, password);
        }
        // The same as for a wrong password: a name is not to be found by trying.
        None => {
            caller.server.report_bad_password(caller.conn, name);
            caller.reply(ERR_PASSWDMISMATCH, &[]);
        }
    }
}

/// `KILL nick [:reason]`
pub(super) fn kill(caller: &mut Caller<'_>, message: &Message<'_>) {
    let nick = message.params()[0];
    if CaseMapping::Ascii.eq(nick, &caller.server.links.name) {
        return caller.reply(ERR_CANTKILLSERVER, &[]);
    }
    let given = cut(message.param(1).unwrap_or_default(), caller.server.config.limits.kick_len);
    let reason = if given.is_empty() { b"No reason given" } else { given };
    caller.propose(Op::Kill { nick, reason });
}

/// `WALLOPS :text`
pub(super) fn wallops(caller: &mut Caller<'_>, message: &Message<'_>) {
    let text = message.params()[0];
    if text.is_empty() {
        return caller.reply(ERR_NEEDMOREPARAMS, &[b"WALLOPS"]);
    }
    caller.propose(Op::Wallops { text });
}

/// `REHASH`: the host reads the configuration again; the answer brings it.
pub(super) fn rehash(caller: &mut Caller<'_>, _: &Message<'_>) {
    caller.reply(RPL_REHASHING, &[b"configuration"]);
    caller.server.ask(caller.conn, Purpose::Rehash, Request::Configuration);
}

impl Server {
    /// A new configuration has come for a REHASH, or not.
    pub(in crate::server) fn rehashed(&mut self, conn: crate::ConnId, answer: Answer) {
        let outcome = match answer {
            Answer::Configuration(config) => self.reload(*config),
            Answer::Failed(why) => Err(why),
            _ => Err(String::from("it could not be read in time")),
        };
        let text: Vec<u8> = match outcome {
            Ok(waiting) if waiting.is_empty() => b"The new configuration is in force".to_vec(),
            Ok(waiting) => {
                let keys = waiting.join(", ");
                ["The new configuration is in force; these keys wait for a restart: ", &keys]
                    .concat()
                    .into_bytes()
            }
            Err(why) => ["The old configuration stays: ", &why].concat().into_bytes(),
        };
        self.notice(conn, &text);
    }

    /// Tells one connection that its command was not carried out.
    pub(in crate::server) fn refuse(
        &mut self,
        conn: crate::ConnId,
        _command: &str,
        _code: &str,
        _context: &str,
        text: &str,
    ) {
        self.notice(conn, text.as_bytes());
    }

    /// Sends a notice of the server to one connection.
    pub(in crate::server) fn notice(&mut self, conn: crate::ConnId, text: &[u8]) {
        let (name, nick) = (self.links.name.clone(), self.nick_of(conn));
        self.links.line(conn, |line| {
            line.source(&name).command(b"NOTICE").param(&nick).trailing(text);
        });
    }
}

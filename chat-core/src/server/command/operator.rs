//! OPER, KILL, WALLOPS, REHASH: what operators of the server do.

use alloc::{format, string::String};

use super::{Caller, cut, seconds};
use crate::{
    Answer, ConnId, Output, Report, Request,
    caps::Caps,
    network::Op,
    server::{Server, link::Purpose},
    wire::{
        CaseMapping, Message, Severity, Standard,
        numeric::{ERR_CANTKILLSERVER, ERR_NEEDMOREPARAMS, ERR_PASSWDMISMATCH, RPL_REHASHING},
    },
};

/// `OPER name password`
pub(super) fn oper(caller: &mut Caller<'_>, message: &Message<'_>) {
    let (name, password) = (message.params()[0], message.params()[1]);
    if let Err(wait) = caller.server.may_guess(caller.conn, Some(name)) {
        let text = format!("Too many wrong passwords: wait {}", seconds(wait));
        return caller.reply_text(ERR_PASSWDMISMATCH, &[], Some(text.as_bytes()));
    }
    let opers = &caller.server.config.opers;
    let account = opers.iter().find(|oper| oper.name.as_bytes() == name);
    // A name is not to be found by trying, nor by the time that it takes.
    let purpose = match account {
        Some(_) => Purpose::Oper(name.into()),
        None => Purpose::NoOper(name.into()),
    };
    match account.or(opers.first()).map(|oper| oper.password.clone()) {
        Some(hash) => caller.server.ask_password(caller.conn, purpose, hash, password),
        None => caller.server.wrong_oper(caller.conn, name),
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
    caller.server.report_act(caller.conn, "asked for REHASH".into());
    caller.reply(RPL_REHASHING, &[b"configuration"]);
    caller.server.ask(caller.conn, Purpose::Rehash, Request::Configuration);
}

impl Server {
    /// A new configuration has come for a REHASH, or not.
    pub(in crate::server) fn rehashed(&mut self, conn: ConnId, answer: Answer) {
        let outcome = match answer {
            Answer::Configuration(config) => self.reload(*config, Some(conn)),
            Answer::Failed(why) => Err(why),
            _ => Err(String::from("it could not be read in time")),
        };
        let text = match outcome {
            Ok(waiting) if waiting.is_empty() => "The new configuration is in force".into(),
            Ok(waiting) => {
                let keys = waiting.join(", ");
                format!("The new configuration is in force; these keys wait for a restart: {keys}")
            }
            Err(why) => {
                let text = format!("The old configuration stays: {why}");
                return self.refuse(conn, "REHASH", "CONFIG_BAD", &[], &text);
            }
        };
        self.notice(conn, text.as_bytes());
    }

    /// Tells one connection that its command was not carried out: by FAIL, if it asked for such
    /// replies, else by a notice.
    pub(in crate::server) fn refuse(
        &mut self,
        conn: ConnId,
        command: &str,
        code: &str,
        context: &[&[u8]],
        text: &str,
    ) {
        let caps = self.links.get(conn).map_or(Caps::NONE, |link| link.caps);
        if !caps.has(Caps::STANDARD_REPLIES) {
            return self.notice(conn, text.as_bytes());
        }
        let reply = Standard {
            severity: Severity::Fail,
            command: command.as_bytes(),
            code: code.as_bytes(),
            context,
            text: text.as_bytes(),
        };
        self.links.standard(conn, &reply);
    }

    /// Tells the host what an operator does.
    pub(in crate::server) fn report_act(&mut self, conn: ConnId, what: String) {
        let nick = self.nick_of(conn);
        self.links.outputs.push(Output::Report(Report::Acted { nick, what }));
    }

    /// Sends a notice of the server to one connection.
    pub(in crate::server) fn notice(&mut self, conn: ConnId, text: &[u8]) {
        let (name, nick) = (self.links.name.clone(), self.nick_of(conn));
        self.links.line(conn, |line| {
            line.source(&name).command(b"NOTICE").param(&nick).trailing(text);
        });
    }
}

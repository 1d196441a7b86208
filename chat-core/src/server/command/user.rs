//! AWAY, ISON, WHO, WHOIS, OPER.

use alloc::vec::Vec;

use super::{Caller, cut};
use crate::{
    network::{Op, Rank},
    server::{
        link::{Purpose, Step},
        query::{Read, decimal},
    },
    wire::{
        Message,
        numeric::{
            ERR_NOSUCHNICK, ERR_PASSWDMISMATCH, RPL_AWAY, RPL_ENDOFWHOIS, RPL_ISON,
            RPL_WHOISCHANNELS, RPL_WHOISIDLE, RPL_WHOISOPERATOR, RPL_WHOISSERVER, RPL_WHOISUSER,
        },
        split_list,
    },
};

/// `AWAY [:message]`
pub(super) fn away(caller: &mut Caller<'_>, message: &Message<'_>) {
    let text = message.param(0).unwrap_or_default();
    caller.propose(Op::Away(cut(text, caller.server.config.limits.away_len)));
}

/// `ISON nicks`
pub(super) fn ison(caller: &mut Caller<'_>, message: &Message<'_>) {
    let network = caller.network();
    let words = message.params().iter().flat_map(|param| param.split(|byte| *byte == b' '));
    let found = words.filter_map(|nick| network.user(network.find_user(nick)?));
    let nicks: Vec<&[u8]> = found.map(|user| &user.nick[..]).collect();
    let text = nicks.join(&b' ');
    caller.reply_text(RPL_ISON, &[], Some(&text));
}

/// `WHO mask`
pub(super) fn who(caller: &mut Caller<'_>, message: &Message<'_>) {
    let mask = message.params()[0];
    let network = caller.network();
    let read = match network.find_channel(mask) {
        Some(channel) => Read::who_channel(mask, channel),
        // A channel that is not there has nobody, and is no mask for users.
        None if mask.first() == Some(&b'#') => Read::WhoMask { mask: mask.into(), from: u32::MAX },
        None => Read::WhoMask { mask: mask.into(), from: 0 },
    };
    caller.then([Step::Read(read)]);
}

/// `WHOIS [server] nick`
pub(super) fn whois(caller: &mut Caller<'_>, message: &Message<'_>) {
    let params = message.params();
    let given = params.get(1).unwrap_or(&params[0]);
    let nick = split_list(given).next().unwrap_or(given);
    let network = caller.network();
    let found = network.find_user(nick).and_then(|id| Some((id, network.user(id)?.clone())));
    let Some((id, user)) = found else {
        caller.reply(ERR_NOSUCHNICK, &[nick]);
        return caller.reply(RPL_ENDOFWHOIS, &[nick]);
    };
    let viewer = caller.user_id().unwrap_or(id);
    let nick = &user.nick[..];
    caller.reply_text(RPL_WHOISUSER, &[nick, &user.user, &user.host, b"*"], Some(&user.real));
    for line in channel_lines(caller, id, viewer) {
        caller.reply_text(RPL_WHOISCHANNELS, &[nick], Some(&line));
    }
    let name = caller.server.links.name.clone();
    let description = caller.server.config.description.clone();
    caller.reply_text(RPL_WHOISSERVER, &[nick, &name], Some(description.as_bytes()));
    if let Some(away) = &user.away {
        caller.reply_text(RPL_AWAY, &[nick], Some(away));
    }
    if user.modes.oper {
        caller.reply(RPL_WHOISOPERATOR, &[nick]);
    }
    let now = caller.server.links.now.wall;
    let idle = decimal(now.as_secs().saturating_sub(user.last_active.as_secs()));
    caller.reply(RPL_WHOISIDLE, &[nick, &idle, &decimal(user.signed_on.as_secs())]);
    caller.reply(RPL_ENDOFWHOIS, &[nick]);
}

/// The channels of a user that the viewer may see, with prefixes, a line's worth at a time.
fn channel_lines(
    caller: &Caller<'_>,
    id: crate::network::UserId,
    viewer: crate::network::UserId,
) -> Vec<Vec<u8>> {
    const LINE: usize = 350;
    let network = caller.network();
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for channel in network.user(id).map_or(&[][..], |user| &user.channels) {
        let Some(channel) = network.channel(*channel) else { continue };
        if !network.sees_membership(viewer, channel, id) {
            continue;
        }
        let rank = channel.member(id).map_or(Rank::default(), |member| member.rank);
        let item: Vec<u8> = rank.prefixes(false).chain(channel.name.iter().copied()).collect();
        match lines.last_mut() {
            Some(line) if line.len() + item.len() < LINE => {
                line.push(b' ');
                line.extend_from_slice(&item);
            }
            _ => lines.push(item),
        }
    }
    lines
}

/// `OPER name password`
pub(super) fn oper(caller: &mut Caller<'_>, message: &Message<'_>) {
    let (name, password) = (message.params()[0], message.params()[1]);
    let account = caller.server.config.opers.iter().find(|oper| oper.name.as_bytes() == name);
    match account.map(|oper| oper.password.clone()) {
        Some(hash) => {
            caller.server.ask_password(caller.conn, Purpose::Oper(name.into()), hash, password);
        }
        None => {
            caller.server.report_bad_password(caller.conn, name);
            caller.reply(ERR_PASSWDMISMATCH, &[]);
        }
    }
}

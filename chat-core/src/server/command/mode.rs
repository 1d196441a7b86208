//! MODE of a channel: asking, and the syntax of changing.

use alloc::vec::Vec;

use super::Caller;
use crate::{
    network::{Channel, ChannelModes, ModeChange, Op},
    server::{link::Step, query::Read, query::decimal},
    wire::{
        Message,
        numeric::{
            ERR_NEEDMOREPARAMS, ERR_NOSUCHCHANNEL, ERR_UNKNOWNMODE, RPL_CHANNELMODEIS,
            RPL_CREATIONTIME,
        },
    },
};

/// `MODE target [changes [parameters]]`
pub(super) fn mode(caller: &mut Caller<'_>, message: &Message<'_>) {
    if message.params()[0].first() == Some(&b'#') {
        channel_mode(caller, message);
    } else {
        super::umode::mode(caller, message);
    }
}

fn channel_mode(caller: &mut Caller<'_>, message: &Message<'_>) {
    let name = message.params()[0];
    let network = caller.network();
    let found = network.find_channel(name);
    let Some((id, channel)) = found.and_then(|id| Some((id, network.channel(id)?))) else {
        return caller.reply(ERR_NOSUCHCHANNEL, &[name]);
    };
    let Some(letters) = message.param(1) else {
        let member = caller.user_id().is_some_and(|me| channel.member(me).is_some());
        let (modes, mut params) = shown_modes(channel, member);
        let name = channel.name.clone();
        let created = decimal(channel.created.as_secs());
        params.insert(0, modes);
        params.insert(0, name.to_vec());
        let params: Vec<&[u8]> = params.iter().map(Vec::as_slice).collect();
        caller.reply_text(RPL_CHANNELMODEIS, &params, None);
        return caller.reply_text(RPL_CREATIONTIME, &[&name, &created], None);
    };
    let mut params = message.params()[2..].iter().copied();
    let most = caller.server.config.limits.modes;
    let mut with_param = 0;
    let mut add = true;
    let mut changes = Vec::new();
    let mut unknown = Vec::new();
    for &letter in letters {
        let takes_param = match letter {
            b'+' | b'-' => {
                add = letter == b'+';
                continue;
            }
            b'o' | b'v' | b'k' | b'b' => true,
            b'l' => add,
            _ if ChannelModes::FLAGS.contains(&letter) => false,
            _ => {
                if !unknown.contains(&letter) {
                    unknown.push(letter);
                }
                continue;
            }
        };
        let mut param = if takes_param { params.next() } else { None };
        match letter {
            b'b' if param.is_none() => {
                caller.then([Step::Read(Read::Bans { channel: id, from: 0 })]);
                continue;
            }
            // The key need not be told to be taken away.
            b'k' if !add => param = param.or(Some(b"*")),
            _ if takes_param && param.is_none() => {
                caller.reply(ERR_NEEDMOREPARAMS, &[b"MODE"]);
                continue;
            }
            _ => {}
        }
        if takes_param {
            with_param += 1;
            if with_param > most {
                continue;
            }
        }
        // A letter without parameter twice says nothing new.
        let change = ModeChange { add, letter, param };
        if !changes.contains(&change) {
            changes.push(change);
        }
    }
    for letter in unknown {
        caller.reply(ERR_UNKNOWNMODE, &[&[letter]]);
    }
    if !changes.is_empty() {
        caller.propose(Op::ChannelMode { channel: name, changes });
    }
}

/// The modes in force and their parameters; the key for members alone.
fn shown_modes(channel: &Channel, member: bool) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut modes = channel.modes.clone();
    let mut letters = Vec::from(b"+");
    let mut params = Vec::new();
    for &letter in ChannelModes::FLAGS {
        if modes.flag(letter).is_some_and(|flag| *flag) {
            letters.push(letter);
        }
    }
    if let Some(key) = &modes.key {
        letters.push(b'k');
        params.push(if member { key.to_vec() } else { b"*".to_vec() });
    }
    if let Some(limit) = modes.limit {
        letters.push(b'l');
        params.push(decimal(limit.into()));
    }
    (letters, params)
}

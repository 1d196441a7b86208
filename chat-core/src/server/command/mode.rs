//! MODE of a channel: asking, and the syntax of changing.

use alloc::vec::Vec;

use super::{Caller, characters};
use crate::{
    network::{CHANNEL_MODES, Channel, ChannelMode, Kind, List, ModeChange, Op, Rank},
    server::{
        link::Step,
        query::{Masks, Read, decimal},
    },
    wire::{
        Message,
        numeric::{
            ERR_CHANOPRIVSNEEDED, ERR_INVALIDMODEPARAM, ERR_NOSUCHCHANNEL, ERR_UNKNOWNMODE,
            RPL_CHANNELMODEIS, RPL_CREATIONTIME,
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
    let me = caller.user_id();
    let Some((id, channel)) = caller.find_channel(name) else {
        return caller.reply(ERR_NOSUCHCHANNEL, &[name]);
    };
    let Some(letters) = message.param(1) else {
        let member = me.is_some_and(|me| channel.member(me).is_some());
        let (modes, mut params) = shown_modes(channel, member);
        let name = channel.name.clone();
        let created = decimal(channel.created.as_secs());
        params.insert(0, modes);
        params.insert(0, name.to_vec());
        let params: Vec<&[u8]> = params.iter().map(Vec::as_slice).collect();
        caller.reply_text(RPL_CHANNELMODEIS, &params, None);
        return caller.reply_text(RPL_CREATIONTIME, &[&name, &created], None);
    };
    let rank = me.map_or(Rank::NONE, |me| channel.rank(me));
    let channel_name = channel.name.clone();
    let asked = parse_changes(letters, &message.params()[2..], caller.server.config.limits.modes);
    for letter in asked.unknown {
        caller.reply(ERR_UNKNOWNMODE, &[letter]);
    }
    for letter in asked.incomplete {
        caller.reply(ERR_INVALIDMODEPARAM, &[&channel_name, &[letter], b"*"]);
    }
    for list in asked.lists {
        // Who is exempt from what is for those who decide it.
        if list == List::Bans || rank.at_least(Rank::HALFOP) {
            caller.then([Step::Read(Read::Masks(Masks::new(id, list)))]);
        } else {
            caller.reply(ERR_CHANOPRIVSNEEDED, &[&channel_name]);
        }
    }
    if !asked.changes.is_empty() {
        caller.propose(Op::ChannelMode { channel: name, changes: asked.changes });
    }
}

/// What the letters and parameters of a MODE for a channel ask for.
#[derive(Default)]
struct Asked<'a> {
    changes: Vec<ModeChange<'a>>,
    /// Lists to be shown.
    lists: Vec<List>,
    /// Letters that are no modes.
    unknown: Vec<&'a [u8]>,
    /// Letters whose parameter is missing.
    incomplete: Vec<u8>,
}

/// Takes a MODE for a channel apart. Changes with a parameter past the `most`th are left out.
fn parse_changes<'a>(letters: &'a [u8], params: &[&'a [u8]], most: usize) -> Asked<'a> {
    let mut asked = Asked::default();
    let mut params = params.iter().copied();
    let mut with_param = 0;
    let mut add = true;
    for character in characters(letters) {
        let letter = character[0];
        if matches!(letter, b'+' | b'-') {
            add = letter == b'+';
            continue;
        }
        let Some(mode) = ChannelMode::by_letter(letter) else {
            note(&mut asked.unknown, character);
            continue;
        };
        let param = match mode.kind {
            Kind::Flag(_) => None,
            Kind::Limit if !add => None,
            Kind::List(list) => match params.next() {
                None => {
                    note(&mut asked.lists, list);
                    continue;
                }
                param => param,
            },
            // The key need not be told to be taken away.
            Kind::Key if !add => Some(params.next().unwrap_or(b"*")),
            Kind::Key | Kind::Limit | Kind::Rank(_) => match params.next() {
                None => {
                    note(&mut asked.incomplete, letter);
                    continue;
                }
                param => param,
            },
        };
        if param.is_some() {
            with_param += 1;
            if with_param > most {
                continue;
            }
        } else {
            // Of the changes of one letter without parameter, the last decides.
            asked.changes.retain(|change| change.letter != letter || change.param.is_some());
        }
        asked.changes.push(ModeChange { add, letter, param });
    }
    asked
}

/// Adds what is not there yet.
fn note<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// The modes in force and their parameters; the key for members alone.
fn shown_modes(channel: &Channel, member: bool) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut modes = channel.modes.clone();
    let mut letters = Vec::from(b"+");
    let mut params = Vec::new();
    for mode in CHANNEL_MODES {
        let param = match mode.kind {
            Kind::Flag(flag) if *flag(&mut modes) => None,
            Kind::Key => match &modes.key {
                Some(key) if member => Some(key.to_vec()),
                Some(_) => Some(b"*".to_vec()),
                None => continue,
            },
            Kind::Limit => match modes.limit {
                Some(limit) => Some(decimal(limit.into())),
                None => continue,
            },
            _ => continue,
        };
        letters.push(mode.letter);
        params.extend(param);
    }
    (letters, params)
}

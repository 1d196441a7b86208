//! METADATA: keys and values of users and channels, and who is told of their changes.
//!
//! Specification: IRCv3 `metadata`.

use alloc::vec::Vec;

use super::Caller;
use crate::{
    network::{Metadata, Op, UserId, is_metadata_key},
    server::{
        link::Step,
        metadata::Sync,
        query::{MetadataList, Read},
    },
    wire::{
        Message, Numeric,
        numeric::{
            ERR_NEEDMOREPARAMS, RPL_KEYNOTSET, RPL_KEYVALUE, RPL_METADATASUBOK, RPL_METADATASUBS,
            RPL_METADATAUNSUBOK,
        },
    },
};

/// `METADATA target GET|LIST|SET|CLEAR|SUB|UNSUB|SUBS|SYNC [parameters]`
pub(super) fn metadata(caller: &mut Caller<'_>, message: &Message<'_>) {
    let params = message.params();
    let (target, subcommand, rest) = (params[0], params[1].to_ascii_uppercase(), &params[2..]);
    let needs_key = matches!(&subcommand[..], b"GET" | b"SET" | b"SUB" | b"UNSUB");
    if needs_key && rest.is_empty() {
        return caller.reply(ERR_NEEDMOREPARAMS, &[b"METADATA"]);
    }
    match &subcommand[..] {
        b"SUB" | b"UNSUB" | b"SUBS" if !caller.is_self(target) => caller.invalid_target(target),
        b"SUB" => subscribe(caller, rest),
        b"UNSUB" => unsubscribe(caller, rest),
        b"SUBS" => subscriptions(caller),
        b"GET" | b"LIST" | b"SET" | b"CLEAR" | b"SYNC" => match caller.user_id() {
            Some(me) => of_user(caller, me, target, &subcommand, rest),
            None => early(caller, target, &subcommand, rest),
        },
        _ => {
            caller.refuse(b"SUBCOMMAND_INVALID", &[params[1]], b"There is no such subcommand");
        }
    }
}

/// What a user asks or changes.
fn of_user(caller: &mut Caller<'_>, me: UserId, target: &[u8], subcommand: &[u8], rest: &[&[u8]]) {
    match subcommand {
        b"SET" => {
            if let Some((key, value)) = caller.checked(rest) {
                caller.propose(Op::SetMetadata { target, key, value });
            }
            return;
        }
        b"CLEAR" => return caller.propose(Op::ClearMetadata { target }),
        _ => {}
    }
    let Some(of) = caller.network().metadata_of(me, target) else {
        return caller.invalid_target(target);
    };
    if !caller.network().may_read_metadata(me, of) {
        return caller.refuse(b"KEY_NO_PERMISSION", &[target, b"*"], b"You may not see this");
    }
    match subcommand {
        b"GET" => {
            let Some((name, metadata)) = caller.network().metadata(of) else { return };
            let (name, metadata) = (name.to_vec(), metadata.clone());
            get(caller, &name, &metadata, rest);
        }
        b"LIST" => caller.then([Step::Read(Read::MetadataList(MetadataList::new(of)))]),
        _ => caller.then([Step::Read(Read::MetadataSync(Sync::asked(of)))]),
    }
}

/// What a connection tells of itself before it is a user: kept until it is one.
fn early(caller: &mut Caller<'_>, target: &[u8], subcommand: &[u8], rest: &[&[u8]]) {
    if target != b"*" {
        return caller.invalid_target(target);
    }
    let most = caller.server.config.limits.metadata_keys;
    let Some(link) = caller.server.links.get(caller.conn) else { return };
    let mut metadata = link.metadata.clone();
    match subcommand {
        b"SET" => {
            let Some((key, value)) = caller.checked(rest) else { return };
            match value {
                None if !metadata.remove(key) => {
                    let context: [&[u8]; 2] = [target, key];
                    return caller.refuse(b"KEY_NOT_SET", &context, b"The key is not set");
                }
                None => caller.reply(RPL_KEYNOTSET, &[target, key]),
                Some(_) if metadata.get(key).is_none() && metadata.len() >= most => {
                    let text = b"There is no room for more metadata";
                    return caller.refuse(b"LIMIT_REACHED", &[target], text);
                }
                Some(value) => {
                    metadata.set(key, value);
                    caller.reply_text(RPL_KEYVALUE, &[target, key, b"*"], Some(value));
                }
            }
        }
        b"CLEAR" => {
            let keys: Vec<&[u8]> = metadata.iter().map(|(key, _)| key).collect();
            get(caller, target, &Metadata::default(), &keys);
            metadata = Metadata::default();
        }
        b"GET" => get(caller, target, &metadata, rest),
        b"SYNC" => caller.server.links.welcome_metadata(caller.conn, target, &metadata),
        _ => {
            let keys: Vec<&[u8]> = metadata.iter().map(|(key, _)| key).collect();
            get(caller, target, &metadata, &keys);
        }
    }
    if let Some(link) = caller.server.links.get_mut(caller.conn) {
        link.metadata = metadata;
    }
}

/// A batch with the value of each key.
fn get(caller: &mut Caller<'_>, name: &[u8], metadata: &Metadata, keys: &[&[u8]]) {
    caller.server.links.enter_batch(caller.conn, b"metadata", &[name]);
    for key in keys {
        match metadata.get(key) {
            _ if !is_metadata_key(key) => caller.invalid_key(key),
            Some(value) => caller.reply_text(RPL_KEYVALUE, &[name, key, b"*"], Some(value)),
            None => caller.reply(RPL_KEYNOTSET, &[name, key]),
        }
    }
    caller.server.links.leave_batch(caller.conn);
}

fn subscribe(caller: &mut Caller<'_>, keys: &[&[u8]]) {
    let most = caller.server.config.limits.metadata_subs;
    let mut subscribed = Vec::new();
    let mut new = Vec::new();
    let mut invalid = Vec::new();
    let mut over = None;
    for key in keys {
        if !is_metadata_key(key) {
            invalid.push(*key);
            continue;
        }
        let Some(link) = caller.server.links.get_mut(caller.conn) else { return };
        // Even of those that it has already, none is taken once there is no room.
        let subscriptions = &mut link.interests_mut().subscriptions;
        if subscriptions.len() >= most {
            over = Some(*key);
            break;
        }
        if let Err(at) = subscriptions.binary_search_by(|other| (**other).cmp(key)) {
            subscriptions.insert(at, (*key).into());
            new.push((*key).into());
        }
        subscribed.push(*key);
    }
    caller.keys(RPL_METADATASUBOK, &subscribed);
    for key in invalid {
        caller.invalid_key(key);
    }
    if let Some(key) = over {
        caller.refuse(b"TOO_MANY_SUBS", &[key], b"You have too many subscriptions");
    }
    if let (Some(me), false) = (caller.user_id(), new.is_empty()) {
        let watching =
            caller.server.links.get(caller.conn).map(|link| link.interests().watching.clone());
        let watching = watching.unwrap_or_default();
        let sync = Sync::subscribed(caller.network(), me, &watching, new);
        caller.then([Step::Read(Read::MetadataSync(sync))]);
    }
}

fn unsubscribe(caller: &mut Caller<'_>, keys: &[&[u8]]) {
    let valid: Vec<&[u8]> = keys.iter().copied().filter(|key| is_metadata_key(key)).collect();
    let link = caller.server.links.get_mut(caller.conn);
    if let Some(interests) = link.and_then(|link| link.interests.as_mut()) {
        interests.subscriptions.retain(|other| !valid.contains(&&other[..]));
    }
    caller.keys(RPL_METADATAUNSUBOK, &valid);
    for key in keys.iter().filter(|key| !is_metadata_key(key)) {
        caller.invalid_key(key);
    }
}

fn subscriptions(caller: &mut Caller<'_>) {
    let link = caller.server.links.get(caller.conn);
    let all = link.map_or_else(Vec::new, |link| link.interests().subscriptions.clone());
    let keys: Vec<&[u8]> = all.iter().map(|key| &key[..]).collect();
    caller.server.links.enter_batch(caller.conn, b"metadata-subs", &[]);
    caller.keys(RPL_METADATASUBS, &keys);
    caller.server.links.leave_batch(caller.conn);
}

impl Caller<'_> {
    /// Whether a target is who asks.
    fn is_self(&self, target: &[u8]) -> bool {
        let casemapping = self.network().casemapping();
        target == b"*" || self.me().is_some_and(|me| casemapping.eq(&me.nick, target))
    }

    /// The key and value of SET, if they are well-formed; else the refusal is told.
    fn checked<'m>(&mut self, rest: &[&'m [u8]]) -> Option<(&'m [u8], Option<&'m [u8]>)> {
        let (key, value) = (rest[0], rest.get(1).copied());
        if !is_metadata_key(key) {
            self.invalid_key(key);
            return None;
        }
        let most = self.server.config.limits.metadata_value_max();
        let good = |value: &[u8]| value.len() <= most && core::str::from_utf8(value).is_ok();
        if !value.is_none_or(good) {
            self.refuse(b"VALUE_INVALID", &[], b"The value is too long or not UTF-8");
            return None;
        }
        Some((key, value))
    }

    /// Keys in as many replies as they need.
    fn keys(&mut self, numeric: Numeric, keys: &[&[u8]]) {
        // Each line has room for this many keys of any length, beside its head.
        for line in keys.chunks(6) {
            self.reply_text(numeric, line, None);
        }
    }

    fn invalid_target(&mut self, target: &[u8]) {
        self.refuse(b"INVALID_TARGET", &[target], b"Invalid metadata target");
    }

    fn invalid_key(&mut self, key: &[u8]) {
        self.refuse(b"KEY_INVALID", &[key], b"Invalid key");
    }

    fn refuse(&mut self, code: &[u8], context: &[&[u8]], text: &[u8]) {
        self.fail(b"METADATA", code, context, text);
    }
}

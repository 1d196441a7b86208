//! MARKREAD: up to when a client has read. Without accounts a marker is the connection's, and ends
//! with it.
//!
//! Specification: IRCv3 `draft/read-marker`.

use super::Caller;
use crate::{
    io::ConnId,
    server::links::Links,
    server_time,
    wire::{CaseMapping, ChannelName, Message, Nick},
};

const MARKREAD: &[u8] = b"MARKREAD";

/// `MARKREAD target [timestamp]`
pub(super) fn markread(caller: &mut Caller<'_>, message: &Message<'_>) {
    let Some(target) = message.param(0).filter(|target| !target.is_empty()) else {
        return caller.fail(MARKREAD, b"NEED_MORE_PARAMS", &[], b"Missing parameters");
    };
    let casemapping = caller.network().casemapping();
    let is_channel = ChannelName::new(target, 100, casemapping).is_some();
    if !is_channel && Nick::new(target, 64, casemapping).is_none() {
        return caller.fail(MARKREAD, b"INVALID_PARAMS", &[target], b"Invalid target");
    }
    let network = caller.network();
    // A channel that one is not in is not told of, its name's case neither.
    let channel = network.find_channel(target).and_then(|id| network.channel(id));
    let member = channel.zip(caller.user_id()).filter(|(c, me)| c.member(*me).is_some());
    let user = network.find_user(target).and_then(|id| network.user(id));
    let name = member.map(|(channel, _)| &channel.name[..]).or(user.map(|user| &user.nick[..]));
    let name = name.unwrap_or(target).to_vec();
    if let Some(given) = message.param(1) {
        let time = given.strip_prefix(b"timestamp=").and_then(server_time::parse);
        let Some(time) = time else {
            let context: &[&[u8]] = if is_word(given) { &[given] } else { &[] };
            return caller.fail(MARKREAD, b"INVALID_PARAMS", context, b"Invalid timestamp");
        };
        let (now, most) = (caller.server.links.now.wall, caller.server.config.limits.read_markers);
        let Some(link) = caller.server.links.get_mut(caller.conn) else { return };
        let key = casemapping.fold(target).into_boxed_slice();
        let markers = &mut link.interests_mut().read_markers;
        if markers.len() >= most && !markers.contains_key(&key) {
            let text = b"The read timestamp could not be set: there are too many";
            return caller.fail(MARKREAD, b"INTERNAL_ERROR", &[&name], text);
        }
        // It only moves on, and nobody has read what was not said yet.
        let marker = markers.entry(key).or_default();
        *marker = time.min(now).max(*marker);
    }
    caller.server.links.read_marker(caller.conn, casemapping, &name);
}

fn is_word(param: &[u8]) -> bool {
    !param.is_empty() && !param.contains(&b' ') && param[0] != b':'
}

impl Links {
    /// Tells a connection up to when it has read.
    pub(in crate::server) fn read_marker(
        &mut self,
        conn: ConnId,
        casemapping: CaseMapping,
        target: &[u8],
    ) {
        let Some(link) = self.get(conn) else { return };
        let marker = link.interests().read_markers.get(&casemapping.fold(target)[..]).copied();
        let server = self.name.clone();
        self.line(conn, |line| {
            let line = line.source(&server).command(MARKREAD).param(target);
            match marker {
                Some(time) => line.param(&[b"timestamp=", &time.to_iso()[..]].concat()),
                None => line.param(b"*"),
            };
        });
    }
}

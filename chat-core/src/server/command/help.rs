//! HELP and HELPOP.

use alloc::vec::Vec;

use super::Caller;
use crate::{
    server::{help, text::Line},
    wire::{
        Message,
        numeric::{ERR_HELPNOTFOUND, RPL_ENDOFHELP, RPL_HELPSTART, RPL_HELPTXT},
    },
};

/// `HELP [topic]`
pub(super) fn help(caller: &mut Caller<'_>, message: &Message<'_>) {
    let subject = message.param(0).unwrap_or_default();
    // The subject as it was asked for, if it can stand as a parameter.
    let shown = if subject.starts_with(b":") || subject.contains(&b' ') || subject.is_empty() {
        b"*"
    } else {
        subject
    };
    let Some(topic) = help::topic(&caller.server.config, subject) else {
        return caller.reply(ERR_HELPNOTFOUND, &[shown]);
    };
    let mut lines = Vec::with_capacity(topic.lines.len() + 2);
    lines.push(Line::new(RPL_HELPSTART, &[shown], topic.title.as_bytes()));
    lines.push(Line::new(RPL_HELPTXT, &[shown], b""));
    lines.extend(topic.lines.iter().map(|line| Line::new(RPL_HELPTXT, &[shown], line.as_bytes())));
    if let Some(last) = lines.last_mut() {
        last.numeric = RPL_ENDOFHELP;
    }
    caller.say_all(lines);
}

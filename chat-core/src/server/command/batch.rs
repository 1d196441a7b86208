//! BATCH from clients: messages of several lines.
//!
//! Specification: IRCv3 client-initiated batch, `draft/multiline`.

use alloc::{boxed::Box, vec::Vec};

use super::{Caller, Command};
use crate::{
    network::{CONCAT, MessageKind, NEW_LINE},
    server::{
        link::{ClientBatch, Lines, Response},
        multiline,
        query::decimal,
    },
    wire::{Message, numeric::ERR_NEEDMOREPARAMS},
};

const INVALID: &[u8] = b"MULTILINE_INVALID";

/// `BATCH +reference type [parameters]`, `BATCH -reference`
pub(super) fn batch(caller: &mut Caller<'_>, message: &Message<'_>) {
    let Some((sign, reference)) = message.params()[0].split_first() else {
        return caller.reply(ERR_NEEDMOREPARAMS, &[b"BATCH"]);
    };
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    let is_reference = !reference.is_empty() && reference.iter().all(allowed);
    match sign {
        b'+' if is_reference => open(caller, reference, message),
        b'-' if is_reference => close(caller, reference),
        _ => {
            let text = b"The reference tag must be letters, digits and hyphens after + or -";
            caller.fail(b"BATCH", b"INVALID_REFTAG", &[message.params()[0]], text);
        }
    }
}

fn open(caller: &mut Caller<'_>, reference: &[u8], message: &Message<'_>) {
    let Some(kind) = message.param(1) else {
        return caller.reply(ERR_NEEDMOREPARAMS, &[b"BATCH"]);
    };
    if kind != b"draft/multiline" || !caller.caps().has(multiline::CAPS) {
        let context = [reference, kind];
        return caller.fail(b"BATCH", b"UNKNOWN_TYPE", &context, b"The batch type is not known");
    }
    let Some(target) = message.param(2).filter(|target| !target.is_empty()) else {
        return caller.fail(b"BATCH", INVALID, &[], b"Invalid multiline batch without a target");
    };
    let config = &caller.server.config;
    let deadline = caller.server.links.now.mono.after(config.limits.batch);
    let tags = super::message::client_tags(message.tags, &config.client_tags_denied);
    let Some(link) = caller.server.links.get_mut(caller.conn) else { return };
    if link.batch.as_ref().is_some_and(|batch| batch.deadline.is_some()) {
        return caller.refuse_batch(INVALID, &[], b"Invalid multiline batch within another");
    }
    // Its answer is that to the whole.
    let label = link.response.take().map(|response| response.label);
    link.batch = Some(Box::new(ClientBatch {
        reference: reference.into(),
        target: target.into(),
        tags: tags.into(),
        label,
        kind: None,
        text: Vec::new(),
        lines: 0,
        deadline: Some(deadline),
    }));
}

fn close(caller: &mut Caller<'_>, reference: &[u8]) {
    let Some(link) = caller.server.links.get_mut(caller.conn) else { return };
    let Some(batch) = &link.batch else {
        return caller.fail(b"BATCH", INVALID, &[], b"There is no such batch");
    };
    if *batch.reference != *reference {
        return caller.refuse_batch(INVALID, &[], b"Invalid end of another multiline batch");
    }
    if batch.deadline.is_none() {
        // What was wrong with it has been told.
        link.batch = None;
        link.response = None;
        return;
    }
    let Some(kind) = batch.kind else {
        return caller.end_refused(b"Invalid multiline batch without lines");
    };
    if batch.text.iter().all(|byte| matches!(*byte, NEW_LINE | CONCAT)) {
        return caller.end_refused(b"Invalid multiline batch with blank lines only");
    }
    let Some(batch) = link.batch.take() else { return };
    let ClientBatch { target, tags, label, text, .. } = *batch;
    if let Some(label) = label {
        link.response = Some(Box::new(Response { label, lines: Lines::None }));
    }
    caller.message(kind, &target, &text, &tags);
}

impl Caller<'_> {
    /// Takes a line that belongs to a batch, or may not come while one is open. Whether it was one.
    pub(super) fn absorbed(&mut self, command: &Command, message: &Message<'_>) -> bool {
        let Some(link) = self.server.links.get_mut(self.conn) else { return false };
        let tag = if message.tags.is_empty() { None } else { message.tags.get(b"batch") };
        let Some(batch) = &link.batch else {
            if tag.is_some() {
                self.fail(b"BATCH", INVALID, &[], b"There is no such batch");
            }
            return tag.is_some();
        };
        let open = batch.deadline.is_some();
        match tag {
            Some(tag) if tag.as_bytes() == &*batch.reference => {
                // It is not answered by itself.
                link.response = None;
                if open {
                    self.take_line(command, message);
                }
                true
            }
            None if !open || matches!(command.name, b"BATCH" | b"PING" | b"PONG" | b"QUIT") => {
                false
            }
            _ => {
                self.refuse_batch(INVALID, &[], b"Invalid line within a multiline batch");
                true
            }
        }
    }

    fn take_line(&mut self, command: &Command, message: &Message<'_>) {
        let limits = &self.server.config.limits;
        let (most_bytes, most_lines) = (limits.multiline_bytes, limits.multiline_lines);
        let casemapping = self.network().casemapping();
        let Some(link) = self.server.links.get_mut(self.conn) else { return };
        let Some(batch) = &mut link.batch else { return };
        let kind = match command.name {
            b"PRIVMSG" => MessageKind::Privmsg,
            b"NOTICE" => MessageKind::Notice,
            _ => return self.refuse_batch(INVALID, &[], b"Invalid command in a multiline batch"),
        };
        let [target, text] = *message.params() else {
            return self.refuse_batch(INVALID, &[], b"Invalid multiline batch");
        };
        if *batch.kind.get_or_insert(kind) != kind {
            return self.refuse_batch(INVALID, &[], b"Invalid multiline batch of mixed commands");
        }
        if !casemapping.eq(target, &batch.target) {
            let context = [&*batch.target.clone(), target];
            let text = b"Invalid multiline target";
            return self.refuse_batch(b"MULTILINE_INVALID_TARGET", &context, text);
        }
        let concat = message.tags.get(b"draft/multiline-concat").is_some();
        if concat && (text.is_empty() || batch.lines == 0) {
            let text = b"Invalid multiline batch with concatenated blank line";
            return self.refuse_batch(INVALID, &[], text);
        }
        if batch.lines > 0 {
            batch.text.push(if concat { CONCAT } else { NEW_LINE });
        }
        batch.text.extend_from_slice(text);
        batch.lines += 1;
        // A line feed counts, and what stands for going on does not.
        let uncounted = batch.text.iter().filter(|byte| **byte == CONCAT).count();
        if batch.text.len() - uncounted > most_bytes {
            let text = b"Multiline batch max-bytes exceeded";
            let context = decimal(most_bytes as u64);
            return self.refuse_batch(b"MULTILINE_MAX_BYTES", &[&context], text);
        }
        if batch.lines > most_lines {
            let text = b"Multiline batch max-lines exceeded";
            let context = decimal(most_lines as u64);
            self.refuse_batch(b"MULTILINE_MAX_LINES", &[&context], text);
        }
    }

    /// Refuses the batch of a line that can't be read. Whether the line was of one.
    pub(super) fn refuse_batch_of(&mut self, message: &Message<'_>, text: &[u8]) -> bool {
        let Some(link) = self.server.links.get_mut(self.conn) else { return false };
        let Some(batch) = &link.batch else { return false };
        if message.tags.get(b"batch").is_none_or(|tag| tag.as_bytes() != &*batch.reference) {
            return false;
        }
        let open = batch.deadline.is_some();
        link.response = None;
        if open {
            self.refuse_batch(INVALID, &[], text);
        }
        true
    }

    /// Refuses the open batch: what is still to come of it is ignored. The label is the batch's.
    fn refuse_batch(&mut self, code: &[u8], context: &[&[u8]], text: &[u8]) {
        let Some(link) = self.server.links.get_mut(self.conn) else { return };
        if let Some(batch) = &mut link.batch {
            batch.deadline = None;
            batch.text = Vec::new();
            if let Some(label) = batch.label.take() {
                link.response = Some(Box::new(Response { label, lines: Lines::None }));
            }
        }
        self.fail(b"BATCH", code, context, text);
    }

    fn end_refused(&mut self, text: &[u8]) {
        self.refuse_batch(INVALID, &[], text);
        if let Some(link) = self.server.links.get_mut(self.conn) {
            link.batch = None;
        }
    }

    /// A batch was left open for too long.
    pub(in crate::server) fn batch_timed_out(&mut self) {
        let Some(link) = self.server.links.get(self.conn) else { return };
        let Some(batch) = &link.batch else { return };
        let reference = batch.reference.clone();
        self.server.links.active = Some(self.conn);
        self.refuse_batch(b"TIMEOUT", &[&reference], b"The batch was left open for too long");
        self.server.finish(self.conn);
    }
}

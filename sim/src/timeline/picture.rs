//! What there is to draw of a log: connections, messages, spans and marks.

use super::messages::{Message, Way};
use crate::{
    log::{Log, What},
    verbs::{self, Shape},
};

/// All that is drawn.
#[derive(Debug, Default)]
pub(super) struct Picture {
    pub(super) lives: Vec<Life>,
    pub(super) messages: Vec<Message>,
    pub(super) spans: Vec<Span>,
    pub(super) marks: Vec<Mark>,
    pub(super) broken: Option<Broken>,
    pub(super) end_us: u64,
}

/// A connection, and how each end of it came to an end.
#[derive(Debug, Default)]
pub(super) struct Life {
    pub(super) client: u32,
    pub(super) opened_us: u64,
    pub(super) client_closed: Option<(u64, String)>,
    pub(super) server_closed: Option<(u64, String)>,
    /// A fault took the client away, and nobody was told.
    vanished_us: Option<u64>,
}

/// Something that lasts. Without a client it is the server's.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Span {
    pub(super) client: Option<u32>,
    pub(super) from_us: u64,
    pub(super) to_us: u64,
    pub(super) kind: &'static str,
    pub(super) text: String,
    pub(super) meaning: &'static str,
}

/// Something of a moment. Without a client it is the server's.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Mark {
    pub(super) client: Option<u32>,
    pub(super) at_us: u64,
    pub(super) kind: &'static str,
    pub(super) text: String,
    pub(super) meaning: &'static str,
}

/// What does not hold.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) at_us: u64,
    pub(super) client: Option<u32>,
    pub(super) property: &'static str,
    pub(super) detail: String,
}

/// Kinds of marks and spans that no step of a script is.
const FAULT: &str = "fault";
const DEED: &str = "deed";

impl Picture {
    /// Of a run with so many clients. Connections of nobody in particular are drawn as those of one
    /// client more.
    pub(super) fn of(log: &Log, clients: u32) -> Self {
        let mut picture = Self::default();
        let mut ways: Vec<[Way; 2]> = Vec::new();
        let mut paused: Vec<Option<u64>> = Vec::new();
        picture.end_us = log.events.last().map_or(0, |event| event.at_us);
        for event in &log.events {
            let at_us = event.at_us;
            if let Some(life) = event.what.life() {
                let fill = picture.lives.len().max(life + 1);
                let (client, opened_us) = (clients, at_us);
                picture.lives.resize_with(fill, || Life { client, opened_us, ..Life::default() });
                ways.resize_with(fill, Default::default);
                paused.resize(fill, None);
            }
            match &event.what {
                What::Step { client, action } => picture.step(at_us, *client, &action.to_string()),
                What::Opened { life, client } => {
                    let life = &mut picture.lives[*life];
                    (life.client, life.opened_us) = (*client, at_us);
                }
                What::Sent { life, bytes } => {
                    ways[*life][0].send((*life, true), at_us, bytes, &mut picture.messages);
                }
                What::ReachedServer { life, bytes } => {
                    ways[*life][0].arrive(at_us, bytes.len(), &mut picture.messages);
                }
                What::Carried { life, line } => {
                    ways[*life][0].carry(at_us, line, &mut picture.messages);
                }
                What::Wrote { life, bytes } => {
                    ways[*life][1].send((*life, false), at_us, bytes, &mut picture.messages);
                }
                What::ReachedClient { life, bytes } => {
                    ways[*life][1].arrive(at_us, bytes.len(), &mut picture.messages);
                }
                What::Reading { life, on: false } => paused[*life] = Some(at_us),
                What::Reading { life, on: true } => picture.pause(*life, &mut paused, at_us),
                What::Closing { life, now } => picture.closing(*life, *now, at_us),
                What::ServerClosed { life, why } => {
                    picture.pause(*life, &mut paused, at_us);
                    picture.lives[*life].server_closed.get_or_insert((at_us, why.clone()));
                }
                What::ClientClosed { life, why } => {
                    picture.lives[*life].client_closed.get_or_insert((at_us, why.clone()));
                }
                What::Timeout => picture.server_mark(
                    at_us,
                    "timer",
                    "timer",
                    "the host calls on the server, because time has passed",
                ),
                What::Healing => {
                    picture.heal(at_us);
                    let meaning = "all troubles end; from here on everything must settle";
                    picture.server_mark(at_us, "healing", "healing begins", meaning);
                }
                What::Restart => {
                    let meaning = "it knows nothing of what was before";
                    picture.server_mark(at_us, "restart", "the server starts again", meaning);
                }
                What::Broken { life, property, detail } => {
                    let client = life.map(|life| picture.lives[life].client);
                    let detail = detail.clone();
                    let broken = Broken { at_us, client, property, detail };
                    picture.broken.get_or_insert(broken);
                }
            }
        }
        picture.finish(ways, &mut paused);
        picture
    }

    /// The connection that a client has.
    fn life_of(&mut self, client: u32) -> Option<&mut Life> {
        let life = self.lives.iter_mut().rev().find(|life| life.client == client)?;
        let there = life.client_closed.is_none() && life.vanished_us.is_none();
        there.then_some(life)
    }

    fn step(&mut self, at_us: u64, client: u32, text: &str) {
        let verb = verbs::verb(text);
        let (shape, meaning) = (verb.shape, verb.meaning);
        let client = (!verb.server).then_some(client);
        if shape == Shape::Rest
            && let Some(life) = client.and_then(|client| self.life_of(client))
        {
            life.vanished_us = Some(at_us);
        }
        let lasts_us = match shape {
            Shape::Deed | Shape::Mark => {
                let kind = if shape == Shape::Deed { DEED } else { FAULT };
                let text = text.to_string();
                return self.marks.push(Mark { client, at_us, kind, text, meaning });
            }
            Shape::Span | Shape::LongSpan => verbs::ms(text) * 1_000,
            Shape::TenSeconds => 10_000_000,
            Shape::Rest => u64::MAX - at_us,
        };
        let to_us = at_us + lasts_us;
        self.spans.push(Span {
            client,
            from_us: at_us,
            to_us,
            kind: verb.name,
            text: text.to_string(),
            meaning,
        });
    }

    fn pause(&mut self, life: usize, paused: &mut [Option<u64>], to_us: u64) {
        if let Some(from_us) = paused[life].take() {
            self.spans.push(Span {
                client: Some(self.lives[life].client),
                from_us,
                to_us,
                kind: "unread",
                text: "not read".into(),
                meaning: "the server reads no more from this connection for now",
            });
        }
    }

    fn closing(&mut self, life: usize, now: bool, at_us: u64) {
        let (text, meaning) = if now {
            ("close now", "the server drops the connection")
        } else {
            ("close", "the server closes the connection when all that it has to say has left")
        };
        let client = Some(self.lives[life].client);
        self.marks.push(Mark { client, at_us, kind: "closing", text: text.into(), meaning });
    }

    fn server_mark(&mut self, at_us: u64, kind: &'static str, text: &str, meaning: &'static str) {
        self.marks.push(Mark { client: None, at_us, kind, text: text.into(), meaning });
    }

    /// What lasts, ends.
    fn heal(&mut self, at_us: u64) {
        for span in &mut self.spans {
            if span.kind != "vanish" {
                span.to_us = span.to_us.min(at_us);
            }
        }
    }

    fn finish(&mut self, ways: Vec<[Way; 2]>, paused: &mut [Option<u64>]) {
        for life in 0..self.lives.len() {
            self.pause(life, paused, self.end_us);
        }
        for (number, [up, down]) in ways.into_iter().enumerate() {
            let ended = self.lives[number].ended_us();
            up.finish((number, true), ended, &mut self.messages);
            down.finish((number, false), ended, &mut self.messages);
        }
        for span in &mut self.spans {
            let bound = !matches!(verbs::verb(span.kind).shape, Shape::LongSpan);
            if let Some(client) = span.client.filter(|_| bound) {
                // Of the connection that it began with.
                let mut lives = self.lives.iter().filter(|life| life.client == client);
                let life = lives.rfind(|life| life.opened_us <= span.from_us);
                let end = life.and_then(|life| match span.kind {
                    "vanish" => life.server_closed.as_ref().map(|(at, _)| *at),
                    _ => life.ended_us(),
                });
                span.to_us = span.to_us.min(end.unwrap_or(u64::MAX)).max(span.from_us);
            }
            span.to_us = span.to_us.min(self.end_us);
        }
    }
}

impl Life {
    /// When the first of its ends was gone.
    fn ended_us(&self) -> Option<u64> {
        let closed = |end: &Option<(u64, String)>| end.as_ref().map(|(at, _)| *at);
        let ends = [closed(&self.client_closed), closed(&self.server_closed), self.vanished_us];
        ends.into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{log::Event, script::Action};

    fn picture(events: Vec<(u64, What)>) -> Picture {
        let events = events.into_iter().map(|(at_us, what)| Event { at_us, what }).collect();
        Picture::of(&Log { events }, 4)
    }

    #[test]
    fn a_stall_ends_with_its_connection_and_a_vanished_client_when_the_server_notices() {
        let picture = picture(vec![
            (0, What::Opened { life: 0, client: 3 }),
            (1_000, What::Step { client: 3, action: Action::StallUp(9) }),
            (2_000, What::Step { client: 3, action: Action::Vanish }),
            (7_000, What::ServerClosed { life: 0, why: "silence".into() }),
            (20_000, What::Timeout),
        ]);
        let spans: Vec<_> = picture.spans.iter().map(|s| (s.kind, s.from_us, s.to_us)).collect();
        assert_eq!(spans, [("stall-up", 1_000, 2_000), ("vanish", 2_000, 7_000)]);
    }

    #[test]
    fn whoever_is_no_client_of_the_script_is_a_stranger() {
        let sent = What::Sent { life: 1, bytes: b"x".to_vec() };
        let picture = picture(vec![(5, sent), (6, What::Opened { life: 0, client: 2 })]);
        let lives: Vec<_> =
            picture.lives.iter().map(|life| (life.client, life.opened_us)).collect();
        assert_eq!(lives, [(2, 6), (4, 5)]);
    }

    #[test]
    fn a_late_timer_is_the_servers_and_ends_with_healing() {
        let picture = picture(vec![
            (1_000, What::Step { client: 0, action: Action::LateTimers(500) }),
            (4_000_000, What::Healing),
            (20_000_000, What::Timeout),
        ]);
        let spans: Vec<_> = picture.spans.iter().map(|s| (s.client, s.from_us, s.to_us)).collect();
        assert_eq!(spans, [(None, 1_000, 4_000_000)]);
    }
}

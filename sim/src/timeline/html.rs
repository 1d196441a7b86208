//! A log as one page for a browser, which needs nothing but itself.
//!
//! Nothing that a peer said is ever part of the page's own text: it travels as JSON in which every sign
//! that means something to HTML is escaped, and the page's script only ever shows it as text.

use std::fmt::{self, Write as _};

use super::{
    messages::{Fate, Message, bare},
    picture::{Broken, Life, Mark, Picture, Span},
    text::escaped,
};
use crate::{log::Log, script::Script};

/// The page of a run: its log, the script that it was, and the command that shows it again.
#[must_use]
pub fn html(log: &Log, script: &Script, command: &str) -> String {
    let mut json = Json::default();
    write_data(&mut json, &Picture::of(log, script.clients), script, command);
    let mut page = String::with_capacity(json.0.len() + (64 << 10));
    page += "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
    page += "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; ";
    page += "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n";
    page += "<meta name=\"viewport\" content=\"width=device-width\">\n";
    page += "<title>Timeline of a simulated run</title>\n<style>\n";
    page += include_str!("page/style.css");
    page += "</style>\n</head>\n<body>\n";
    page += include_str!("page/body.html");
    page += "<script type=\"application/json\" id=\"data\">";
    page += &json.0;
    page += "</script>\n<script>\n'use strict';\n";
    for part in SCRIPTS {
        page += part;
    }
    page += "</script>\n</body>\n</html>\n";
    page
}

/// The page's script, in the order in which its parts need each other.
const SCRIPTS: [&str; 11] = [
    include_str!("page/model.js"),
    include_str!("page/layout.js"),
    include_str!("page/draw.js"),
    include_str!("page/scenery.js"),
    include_str!("page/arrows.js"),
    include_str!("page/map.js"),
    include_str!("page/move.js"),
    include_str!("page/ask.js"),
    include_str!("page/filter.js"),
    include_str!("page/words.js"),
    include_str!("page/control.js"),
];

fn write_data(json: &mut Json, picture: &Picture, script: &Script, command: &str) {
    json.object(|json| {
        json.field("command").string(command);
        json.field("script").string(&script.to_string());
        json.field("seed").string(&script.seed.to_string());
        json.field("layer").string(script.layer.name());
        json.field("clients").number(u64::from(script.clients));
        json.field("end").number(picture.end_us);
        json.field("lives").list(&picture.lives, life);
        json.field("messages").list(&picture.messages, message);
        json.field("spans").list(&picture.spans, span);
        json.field("marks").list(&picture.marks, mark);
        json.field("broken").list(picture.broken.as_slice(), broken);
    });
}

fn life(json: &mut Json, life: &Life) {
    json.object(|json| {
        json.field("client").number(u64::from(life.client));
        json.field("opened").number(life.opened_us);
        for (name, end) in [("clientEnd", &life.client_closed), ("serverEnd", &life.server_closed)]
        {
            if let Some((at_us, why)) = end {
                json.field(name).object(|json| {
                    json.field("at").number(*at_us);
                    json.field("why").string(why);
                });
            }
        }
    });
}

fn message(json: &mut Json, message: &Message) {
    json.object(|json| {
        json.field("life").number(message.life as u64);
        json.field("up").number(u64::from(message.up));
        json.field("sent").number(message.sent_us);
        match message.fate {
            Fate::Arrived(at_us) => json.field("arrived").number(at_us),
            Fate::Lost(at_us) => json.field("lost").number(at_us),
            Fate::UnderWay => {}
        }
        if let Some(at_us) = message.carried_us {
            json.field("carried").number(at_us);
        }
        let line = bare(&message.bytes);
        json.field("text").string(&escaped(line));
        json.field("end").string(&escaped(&message.bytes[line.len()..]));
        json.field("kind").string(&kind(line));
    });
}

/// The command of a line, or what stands for it.
fn kind(line: &[u8]) -> String {
    let mut words = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let word = words.find(|word| !matches!(word[0], b'@' | b':')).unwrap_or_default();
    let known = !word.is_empty() && word.len() <= 16 && word.iter().all(u8::is_ascii_alphanumeric);
    if known { escaped(word).to_uppercase() } else { "other bytes".into() }
}

fn span(json: &mut Json, span: &Span) {
    json.object(|json| {
        json.client(span.client);
        json.field("from").number(span.from_us);
        json.field("to").number(span.to_us);
        json.words(span.kind, &span.text, span.meaning);
    });
}

fn mark(json: &mut Json, mark: &Mark) {
    json.object(|json| {
        json.client(mark.client);
        json.field("at").number(mark.at_us);
        json.words(mark.kind, &mark.text, mark.meaning);
    });
}

fn broken(json: &mut Json, broken: &Broken) {
    json.object(|json| {
        json.client(broken.client);
        json.field("at").number(broken.at_us);
        json.field("property").string(broken.property);
        json.field("meaning").string(meaning(broken.property));
        json.field("detail").string(&broken.detail);
    });
}

/// What a property says, in plain words.
fn meaning(property: &str) -> &'static str {
    match property {
        "form" => "Every line must be well formed.",
        "farewell" => "Who is not cut off must be told why the connection ends.",
        "same" => "Two runs of one seed must be the same.",
        "created" => {
            "Every message must have been sent by its sender, to its target, with its text."
        }
        "order" => "Messages must come once each, and in one order that all agree on.",
        "membership" => "A channel's messages must go from its members to its members.",
        "loss" => "What was certainly carried out must reach everybody who was certainly there.",
        "cause" => "A connection that nothing was done to must not be ended.",
        "bounds" => "What waits in the server must stay within its limits.",
        "progress" => "Time must go on: the server must not be busy for ever with nothing.",
        "settled" => "After all troubles everybody must be back and be answered.",
        "ghosts" => "After all troubles the server must know who is there, and nobody else.",
        "panic" => "The server must not panic.",
        "predicted" => "Each client must be told what the rules of IRC say, line by line.",
        "carried" => "Lines must be carried out once each, in the order in which they were sent.",
        _ => "",
    }
}

/// JSON that may stand in a page: nothing in it means anything to HTML.
#[derive(Default)]
struct Json(String);

impl Json {
    fn object(&mut self, fields: impl FnOnce(&mut Self)) {
        self.0.push('{');
        fields(self);
        self.0.push('}');
    }

    /// A field's name; its value comes next.
    fn field(&mut self, name: &str) -> &mut Self {
        if !self.0.ends_with('{') {
            self.0.push(',');
        }
        self.string(name);
        self.0.push(':');
        self
    }

    fn list<T>(&mut self, items: &[T], item: impl Fn(&mut Self, &T)) {
        self.0.push('[');
        for (at, value) in items.iter().enumerate() {
            if at > 0 {
                self.0.push_str(",\n");
            }
            item(self, value);
        }
        self.0.push(']');
    }

    fn number(&mut self, number: u64) {
        self.push(format_args!("{number}"));
    }

    fn string(&mut self, text: &str) {
        self.0.push('"');
        for letter in text.chars() {
            match letter {
                ' '..='~' if !matches!(letter, '"' | '\\' | '<' | '>' | '&' | '\'') => {
                    self.0.push(letter);
                }
                _ => {
                    let mut units = [0; 2];
                    for unit in letter.encode_utf16(&mut units) {
                        self.push(format_args!("\\u{unit:04x}"));
                    }
                }
            }
        }
        self.0.push('"');
    }

    /// A client's number, if it is not the server that is meant.
    fn client(&mut self, client: Option<u32>) {
        if let Some(client) = client {
            self.field("client").number(u64::from(client));
        }
    }

    fn words(&mut self, kind: &str, text: &str, meaning: &str) {
        self.field("kind").string(kind);
        self.field("text").string(text);
        self.field("meaning").string(meaning);
    }

    fn push(&mut self, what: fmt::Arguments<'_>) {
        self.0.write_fmt(what).expect("a string takes all");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Event, What};

    fn page(whats: Vec<What>) -> String {
        let events = whats.into_iter().map(|what| Event { at_us: 1, what }).collect();
        let script = "seed 1".parse().expect("a script");
        html(&Log { events }, &script, "parlance sim")
    }

    #[test]
    fn nothing_that_a_peer_says_becomes_part_of_the_page() {
        let evil = "</script><img src=x onerror=alert(1)>'\"&lt;\u{2028}<!--";
        let bytes = || format!("{evil}\r\n{evil}").into_bytes();
        let told = page(vec![
            What::Opened { life: 0, client: 0 },
            What::Sent { life: 0, bytes: bytes() },
            What::Wrote { life: 0, bytes: bytes() },
            What::Carried { life: 0, line: bytes() },
            What::ServerClosed { life: 0, why: evil.into() },
            What::ClientClosed { life: 0, why: evil.into() },
            What::Broken { life: Some(0), property: "form", detail: evil.into() },
        ]);
        let empty = page(Vec::new());
        for sign in ["<", ">", "&", "'"] {
            assert_eq!(told.matches(sign).count(), empty.matches(sign).count(), "{sign}");
        }
        assert!(told.is_ascii());
        assert!(told.contains("\\u003c/script\\u003e\\u003cimg"));
    }

    #[test]
    fn the_page_names_nothing_outside_itself() {
        let page = page(Vec::new());
        for word in ["http:", "https:", "src=", "@import", "url(", "innerHTML", "eval("] {
            assert!(!page.contains(word), "{word}");
        }
    }

    #[test]
    fn a_line_is_known_by_its_command() {
        assert_eq!(kind(b"@time=x :a!b@c privmsg #d :e"), "PRIVMSG");
        assert_eq!(kind(b":irc.sim 001 a :b"), "001");
        assert_eq!(kind(b"\xff\xfe"), "other bytes");
        assert_eq!(kind(b""), "other bytes");
    }
}

//! Answers of many lines: NAMES, WHO, WHOIS, LIST, CHATHISTORY, each as the things that it may tell.

use std::collections::BTreeSet;

use crate::line::Line;

/// Which command is answered.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Names,
    Who,
    Whois,
    Channels,
    /// A batch.
    History,
}

/// What an answer tells: each thing once, in any order. Told in pieces, it is of different times.
#[derive(Clone, Debug)]
pub(super) struct List {
    kind: Kind,
    /// What was asked for, as the answer repeats it.
    of: String,
    /// What was so all the while that it was being told.
    pub(super) must: BTreeSet<String>,
    /// What was so for some of it.
    pub(super) may: BTreeSet<String>,
    /// Its client's connection has ended: what is left of it need not come.
    pub(super) cut: bool,
}

impl List {
    pub(super) fn new(kind: Kind, of: String, now: BTreeSet<String>) -> Self {
        Self { kind, of, must: now.clone(), may: now, cut: false }
    }

    /// It goes on to be told, while this is so.
    pub(super) fn go_on(&mut self, now: BTreeSet<String>) {
        self.must.retain(|item| now.contains(item));
        self.may.extend(now);
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether a line begins the batch that it is.
    pub(super) fn is_begun_by(&self, line: &Line<'_>) -> bool {
        line.command == "BATCH" && line.params[1..] == ["chathistory", &self.of]
    }

    /// Whether it is more than the line that ends it.
    pub(super) fn is_long(&self) -> bool {
        !self.may.is_empty() || matches!(self.kind, Kind::Whois | Kind::Channels)
    }

    fn end(&self) -> &'static str {
        match self.kind {
            Kind::Names => "366",
            Kind::Who => "315",
            Kind::Whois => "318",
            Kind::Channels => "323",
            Kind::History => "BATCH",
        }
    }

    /// Whether such lines tell such a list.
    pub(super) fn is_told_by(&self, line: &Line<'_>) -> bool {
        let lines: &[&str] = match self.kind {
            Kind::Names => &["353"],
            Kind::Who => &["352"],
            Kind::Whois => &["301", "311", "312", "317", "319", "338", "379", "401"],
            Kind::Channels => &["321", "322"],
            Kind::History => return line.command == "BATCH" || line.tag("batch").is_some(),
        };
        line.command == self.end() || lines.contains(&line.command)
    }

    /// Whether this is its last line.
    ///
    /// # Errors
    /// It ends another list.
    pub(super) fn is_ended_by(&self, line: &Line<'_>) -> Result<bool, String> {
        let is_end = line.command == self.end();
        if is_end && self.kind != Kind::Channels && line.param(1) != self.of {
            return Err(format!("the end of the list of {:?}", self.of));
        }
        Ok(is_end)
    }

    /// What a line of it tells, each thing as [`Model`](super::model::Model) writes it.
    ///
    /// # Errors
    /// It is of another list.
    pub(super) fn items(&self, line: &Line<'_>) -> Result<Vec<String>, String> {
        let words = |text: &str| text.split(' ').map(String::from).collect::<Vec<_>>();
        Ok(match line.command {
            "353" if line.param(2) != self.of => return Err(format!("names of {}", self.of)),
            "353" => words(line.param(3)),
            // A line for as many channels as it holds.
            "319" => {
                let nick = line.param(1);
                words(line.param(2)).iter().map(|channel| format!("319 {nick} {channel}")).collect()
            }
            // Times, modes and texts for people are the server's own affair.
            "312" | "317" | "338" | "379" | "401" => {
                vec![format!("{} {}", line.command, line.param(1))]
            }
            "321" => Vec::new(),
            "PRIVMSG" | "NOTICE" => {
                vec![format!("{} {} {}", line.source, line.command, line.params.join(" "))]
            }
            command => vec![format!("{command} {}", line.params[1..].join(" "))],
        })
    }
}

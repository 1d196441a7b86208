//! What a client is still to receive, in order, and what comes held against it.

use std::collections::{BTreeSet, VecDeque};

use super::list::{Kind, List};
use crate::line::Line;

/// A line as the model expects it, its tags aside.
#[derive(Clone, Debug)]
pub(crate) struct Expect {
    source: String,
    command: String,
    params: Vec<String>,
    /// One parameter more, whose words are the server's own affair.
    text: bool,
}

impl Expect {
    /// Somebody did something: all of the line is known.
    pub(crate) fn event(source: &str, command: &str, params: &[&str]) -> Self {
        let params = params.iter().map(ToString::to_string).collect();
        Self { source: source.into(), command: command.into(), params, text: false }
    }

    /// A reply whose last parameter is a text for people.
    pub(crate) fn reply(server: &str, numeric: &str, params: &[&str]) -> Self {
        Self { text: true, ..Self::event(server, numeric, params) }
    }

    fn is(&self, line: &Line<'_>) -> bool {
        self.source == line.source
            && self.command == line.command
            && line.params.len() == self.params.len() + usize::from(self.text)
            && self.params.iter().zip(&line.params).all(|(mine, theirs)| mine == theirs)
    }
}

impl std::fmt::Display for Expect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, ":{} {}", self.source, self.command)?;
        self.params.iter().try_for_each(|param| write!(f, " {param:?}"))?;
        if self.text { write!(f, " (and some text)") } else { Ok(()) }
    }
}

/// One thing to come.
#[derive(Clone, Debug)]
pub(crate) enum Want {
    Line(Expect),
    /// A list and its end, by the number of the list.
    List(usize),
    /// From 001 to the end of the message of the day.
    Welcome,
    /// Of a labeled answer with several lines.
    BatchStart,
    BatchEnd,
    /// ERROR, the last of all. `gap`: what waited before it may have been given up.
    /// The host is that of a user.
    Error {
        host: Option<String>,
        why: String,
        gap: bool,
    },
}

/// How a line belongs to a labeled answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Part {
    None,
    /// It is all of the answer, or begins it.
    Label(String),
    /// It is one of the answer's lines.
    Batch,
}

/// What one connection receives.
#[derive(Default)]
pub(crate) struct Stream {
    wants: VecDeque<(Want, Part)>,
    /// How many of the wants have been met.
    pub(crate) met: u64,
    /// Whether any were given up because the client did not read.
    pub(crate) given_up: bool,
    /// Whether 001 has come, and whether all of the welcome has.
    welcome: Welcome,
    /// The reference of the open batch.
    batch: Option<String>,
    /// What has come of the list that is coming; `None`: none is.
    told: Option<BTreeSet<String>>,
}

#[derive(Default, Eq, PartialEq)]
enum Welcome {
    #[default]
    Before,
    Coming,
    Over,
}

impl Stream {
    pub(crate) fn push(&mut self, want: Want, part: Part) {
        self.wants.push_back((want, part));
    }

    /// What is still to come, first things first.
    pub(crate) fn missing(&self) -> Option<String> {
        self.wants.front().map(|(want, _)| describe(want))
    }

    /// Holds a line against what is to come. `lists` are all lists of names.
    ///
    /// # Errors
    /// What was to come instead.
    pub(crate) fn receive(&mut self, line: &Line<'_>, lists: &[List]) -> Result<(), String> {
        // The server asks whether somebody is there when it wants to.
        if line.command == "PING" {
            return Ok(());
        }
        if line.command == "ERROR" {
            return self.receive_error(line);
        }
        if self.welcome != Welcome::Over {
            return self.receive_welcome(line);
        }
        if let Some((Want::List(number), part)) = self.wants.front()
            && lists[*number].is_told_by(line)
        {
            let (part, list) = (part.clone(), &lists[*number]);
            return match list.kind() {
                Kind::History => self.receive_history(line, list, &part),
                _ => self.receive_list(line, list, &part),
            };
        }
        if line.command == "BATCH" {
            return self.receive_batch(line);
        }
        // While a list is being told in pieces, other things may come between them.
        let at = if self.told.is_none() {
            0
        } else {
            1 + usize::from(matches!(self.wants.get(1), Some((Want::BatchEnd, _))))
        };
        match self.wants.get(at) {
            Some((Want::Line(expect), part)) if expect.is(line) => {
                let part = part.clone();
                self.check_part(line, &part)?;
                self.meet(at);
                Ok(())
            }
            Some((want, _)) => Err(describe(want)),
            None => Err("nothing".into()),
        }
    }

    fn meet(&mut self, at: usize) {
        self.wants.remove(at);
        self.met += 1;
    }

    fn check_part(&self, line: &Line<'_>, part: &Part) -> Result<(), String> {
        let (label, batch) = (line.tag("label"), line.tag("batch"));
        let fits = match part {
            Part::None => label.is_none() && batch.is_none(),
            Part::Label(wanted) => label == Some(wanted) && batch.is_none(),
            Part::Batch => label.is_none() && batch.is_some() && batch == self.batch.as_deref(),
        };
        if fits { Ok(()) } else { Err(format!("it as {part:?} of a labeled answer")) }
    }

    fn receive_error(&mut self, line: &Line<'_>) -> Result<(), String> {
        let Some((Want::Error { host, why, gap }, part)) = self.wants.back() else {
            return Err(self.missing().unwrap_or_else(|| "nothing".into()));
        };
        let head = match host {
            Some(host) => format!("Closing link: {host} ("),
            None => "Closing link: ".into(),
        };
        let text = line.param(0);
        if !text.starts_with(&head) || !text.ends_with(&format!("({why})")) {
            return Err(format!("ERROR because of {why:?}"));
        }
        self.check_part(line, part)?;
        // Whoever is ended in the middle of a long answer does not get the rest of it.
        let is_missed = |(want, _): &(Want, Part)| !matches!(want, Want::List(_) | Want::BatchEnd);
        let before = self.wants.iter().rev().skip(1);
        if !gap && let Some((want, _)) = before.rev().find(|want| is_missed(want)) {
            return Err(describe(want));
        }
        self.given_up |= *gap && self.wants.len() > 1;
        self.wants.clear();
        self.met += 1;
        Ok(())
    }

    /// Before and while a client is welcomed, only the kind of line is known.
    fn receive_welcome(&mut self, line: &Line<'_>) -> Result<(), String> {
        let fits = match (&self.welcome, line.command) {
            (Welcome::Before, "001") => {
                let Some((Want::Welcome, _)) = self.wants.front() else {
                    return Err("no welcome".into());
                };
                self.meet(0);
                self.welcome = Welcome::Coming;
                true
            }
            (Welcome::Before, command) => {
                matches!(command, "CAP" | "NOTICE" | "FAIL") || command.starts_with('4')
            }
            (_, "376") => {
                self.welcome = Welcome::Over;
                true
            }
            (_, command) => matches!(command.as_bytes(), [b'0' | b'2' | b'3', _, _]),
        };
        if fits { Ok(()) } else { Err("a line of the welcome".into()) }
    }

    fn receive_list(&mut self, line: &Line<'_>, list: &List, part: &Part) -> Result<(), String> {
        self.check_part(line, part)?;
        if list.is_ended_by(line)? { self.end_list(list) } else { self.receive_items(line, list) }
    }

    /// A batch of what was said: its first line carries the label, if there is one.
    fn receive_history(&mut self, line: &Line<'_>, list: &List, part: &Part) -> Result<(), String> {
        if self.told.is_none() && list.is_begun_by(line) {
            self.check_part(line, part)?;
            self.told = Some(BTreeSet::new());
            self.batch = line.param(0).strip_prefix('+').map(String::from);
            return Ok(());
        }
        let batch = self.batch.as_deref().filter(|_| self.told.is_some());
        if line.command == "BATCH" && batch.is_some() && line.param(0).strip_prefix('-') == batch {
            self.batch = None;
            return self.end_list(list);
        }
        if batch.is_none() || line.tag("batch") != batch {
            return Err("a batch of what was said".into());
        }
        self.receive_items(line, list)
    }

    fn receive_items(&mut self, line: &Line<'_>, list: &List) -> Result<(), String> {
        let told = self.told.get_or_insert_default();
        for item in list.items(line)? {
            if !list.may.contains(&item) || !told.insert(item.clone()) {
                return Err(format!("not {item:?}, but of {:?} each once", list.may));
            }
        }
        Ok(())
    }

    fn end_list(&mut self, list: &List) -> Result<(), String> {
        let told = self.told.take().unwrap_or_default();
        let missing = list.must.iter().find(|item| !told.contains(*item));
        if let Some(missing) = missing.filter(|_| !list.cut) {
            return Err(format!("{missing:?} before the end of the list"));
        }
        self.meet(0);
        Ok(())
    }

    fn receive_batch(&mut self, line: &Line<'_>) -> Result<(), String> {
        let reference = line.param(0);
        match (self.wants.front(), reference.split_at_checked(1)) {
            (Some((Want::BatchStart, part)), Some(("+", id))) if line.params.len() == 2 => {
                self.check_part(line, part)?;
                if line.param(1) != "labeled-response" {
                    return Err("a batch that is a labeled response".into());
                }
                self.batch = Some(id.into());
                self.meet(0);
                Ok(())
            }
            (Some((Want::BatchEnd, _)), Some(("-", id))) if self.batch.as_deref() == Some(id) => {
                self.batch = None;
                self.meet(0);
                Ok(())
            }
            (Some((want, _)), _) => Err(describe(want)),
            (None, _) => Err("nothing".into()),
        }
    }
}

fn describe(want: &Want) -> String {
    match want {
        Want::Line(expect) => expect.to_string(),
        Want::List(_) => "a list".into(),
        Want::Welcome => "the welcome".into(),
        Want::BatchStart => "the start of a batch".into(),
        Want::BatchEnd => "the end of a batch".into(),
        Want::Error { why, .. } => format!("ERROR because of {why:?}"),
    }
}

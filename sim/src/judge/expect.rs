//! What a client is still to receive, in order, and what comes held against it.

use std::collections::{BTreeSet, VecDeque};

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

/// Members as a list of names may tell them: those who were there all the while that it was being
/// told, and those who were there for some of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub(crate) channel: String,
    pub(crate) must: BTreeSet<String>,
    pub(crate) may: BTreeSet<String>,
}

/// One thing to come.
#[derive(Clone, Debug)]
pub(crate) enum Want {
    Line(Expect),
    /// 353 and 366, by the number of the list.
    Names(usize),
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
    /// The names of the list that is coming; `None`: none is.
    names: Option<BTreeSet<String>>,
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
    pub(crate) fn receive(&mut self, line: &Line<'_>, lists: &[Names]) -> Result<(), String> {
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
        match line.command {
            "353" | "366" => return self.receive_names(line, lists),
            "BATCH" => return self.receive_batch(line),
            _ => {}
        }
        // While a list of names is being told in pieces, other things may come between them.
        let at = if self.names.is_none() {
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
        let is_missed = |(want, _): &(Want, Part)| !matches!(want, Want::Names(_) | Want::BatchEnd);
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

    fn receive_names(&mut self, line: &Line<'_>, lists: &[Names]) -> Result<(), String> {
        let Some((Want::Names(number), part)) = self.wants.front() else {
            return Err(self.missing().unwrap_or_else(|| "nothing".into()));
        };
        let list = &lists[*number];
        self.check_part(line, part)?;
        let names = self.names.get_or_insert_default();
        if line.command == "353" {
            if line.param(2) != list.channel {
                return Err(format!("names of {}", list.channel));
            }
            for name in line.param(3).split(' ') {
                if !list.may.contains(name) || !names.insert(name.into()) {
                    return Err(format!("only names out of {:?}, each once", list.may));
                }
            }
            return Ok(());
        }
        if line.param(1) != list.channel {
            return Err(format!("the end of the names of {}", list.channel));
        }
        if let Some(missing) = list.must.iter().find(|name| !names.contains(*name)) {
            return Err(format!("{missing} among the names before"));
        }
        self.names = None;
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
        Want::Names(_) => "a list of names".into(),
        Want::Welcome => "the welcome".into(),
        Want::BatchStart => "the start of a batch".into(),
        Want::BatchEnd => "the end of a batch".into(),
        Want::Error { why, .. } => format!("ERROR because of {why:?}"),
    }
}

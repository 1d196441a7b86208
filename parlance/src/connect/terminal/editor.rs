//! The line that the user types.

use std::{
    io::{self, Write as _},
    sync::Arc,
    time::Duration,
};

use chat_core::client::{Command, Text};
use rustyline::{
    ColorMode, CompletionType, Config, Context, ExternalPrinter, Helper, Prompt,
    completion::{Completer, Pair},
    error::ReadlineError,
    highlight::Highlighter,
    hint::Hinter,
    history::DefaultHistory,
    validate::{ValidationContext, ValidationResult, Validator},
};
use unicode_width::UnicodeWidthStr as _;

use super::{
    Ended,
    screen::{Gate, Screen},
    session::Session,
};
use crate::connect::{
    colour::Colours,
    drive::Handle,
    typed::{self, Typed},
};

type Line = rustyline::Editor<Keys, DefaultHistory>;

/// An editor that has the terminal.
pub(in crate::connect) struct Editor {
    line: Line,
    printer: Box<dyn ExternalPrinter + Send>,
}

/// The editor of this process's terminal; `None` if it can't move a cursor.
pub(in crate::connect) fn editor() -> Option<Editor> {
    let colours = Colours::of_environment();
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .auto_add_history(true)
        .color_mode(if colours.are_on() { ColorMode::Enabled } else { ColorMode::Disabled })
        .build();
    let mut line = Line::with_config(config).ok()?;
    let printer = line.create_external_printer().ok()?;
    Some(Editor { line, printer: Box::new(printer) })
}

impl Editor {
    /// The editor and the screen, which agree on when to print.
    pub(super) fn with_screen(
        mut self,
        colours: Colours,
        session: Arc<Session>,
    ) -> (Typing, Screen, Ended) {
        let gate = Arc::new(Gate::default());
        let (screen, printed) = Screen::start(Printer(self.printer), Arc::clone(&gate));
        self.line.set_helper(Some(Keys { session: Arc::clone(&session), gate: Arc::clone(&gate) }));
        (Typing { line: self.line, colours, session, gate }, screen, printed)
    }
}

/// The editor at work.
pub(super) struct Typing {
    line: Line,
    colours: Colours,
    session: Arc<Session>,
    gate: Arc<Gate>,
}

impl Typing {
    /// Passes on what the user types, until they quit or the client is gone.
    pub(super) fn run(mut self, handle: &Handle) {
        self.session.wait_for_start(START_WAIT);
        loop {
            let (prompt, place) = self.session.prompt();
            let prompt = Shown::new(&prompt, self.colours, &self.gate);
            self.gate.close();
            let read = self.line.readline(&prompt);
            let command = match read {
                Ok(line) => self.take(&line, &prompt, place.as_ref()),
                Err(ReadlineError::Interrupted) => {
                    self.tell("to leave, type /quit or press ^D");
                    None
                }
                Err(_) => Some(Command::Quit { reason: None }),
            };
            self.gate.open();
            let Some(command) = command else { continue };
            let before = self.session.changes();
            let changes_prompt = matches!(
                command,
                Command::Join { .. } | Command::Part { .. } | Command::Nick { .. }
            );
            if matches!(command, Command::Quit { .. }) {
                self.session.quit();
                handle.send(command);
                return;
            }
            if !handle.send(command) {
                return;
            }
            if changes_prompt {
                self.session.wait_for_change(before, ANSWER_WAIT);
            }
        }
    }

    /// What a line asks for, if it is a command. The prompt says that it is for `place`.
    fn take(&mut self, line: &str, prompt: &Shown, place: Option<&Text>) -> Option<Command> {
        match typed::parse_at(line, place, self.session.current().as_ref()) {
            Ok(Typed::Command(command)) => {
                if matches!(command, Command::Message { .. } | Command::Action { .. }) {
                    // It comes back from the server in its place.
                    self.erase(line, prompt);
                }
                return Some(command);
            }
            Ok(Typed::Switch(target)) => {
                if let Err(why) = self.session.switch(target) {
                    self.tell(&why);
                }
            }
            Ok(Typed::Show(text)) => println!("{text}"),
            Ok(Typed::Nothing) => {}
            Err(why) => self.tell(&why),
        }
        None
    }

    fn tell(&self, why: &str) {
        println!("{}", self.colours.error(&format!("! {why}")));
    }

    /// Removes the line that was typed from the screen, if it is one row.
    fn erase(&mut self, line: &str, prompt: &Shown) {
        let width = prompt.raw.width() + line.width();
        let is_one_row =
            self.line.dimensions().is_some_and(|(columns, _)| width < usize::from(columns));
        if is_one_row && !line.contains('\n') {
            print!("\x1b[1A\x1b[2K\r");
            let _ = io::stdout().flush();
        }
    }
}

/// A prompt that opens the gate: when it is asked for, the terminal is being edited.
struct Shown {
    raw: String,
    styled: String,
    gate: Arc<Gate>,
}

impl Shown {
    fn new(text: &str, colours: Colours, gate: &Arc<Gate>) -> Self {
        let styled = format!("{}> ", colours.own(text));
        Self { raw: format!("{text}> "), styled, gate: Arc::clone(gate) }
    }
}

impl Prompt for Shown {
    fn raw(&self) -> &str {
        self.gate.open();
        &self.raw
    }

    fn styled(&self) -> &str {
        &self.styled
    }
}

/// What the editor asks while keys are typed.
struct Keys {
    session: Arc<Session>,
    gate: Arc<Gate>,
}

impl Validator for Keys {
    /// Called when a line is complete: all lines are valid, and editing is over.
    fn validate(&self, _: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        self.gate.close();
        Ok(ValidationResult::Valid(None))
    }
}

impl Completer for Keys {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let before = &line[..at];
        let start = before.rfind(' ').map_or(0, |space| space + 1);
        let word = &before[start..];
        let is_first = start == 0;
        let names = if is_first && word.starts_with('/') {
            typed::complete(word)
        } else {
            self.session.complete(word)
        };
        let is_address = |name: &str| is_first && !name.starts_with(['/', '#']);
        let pair = |name: String| {
            let end = if is_address(&name) { ": " } else { " " };
            Pair { replacement: format!("{name}{end}"), display: name }
        };
        Ok((start, names.into_iter().map(pair).collect()))
    }
}

impl Hinter for Keys {
    type Hint = String;
}

impl Highlighter for Keys {}

impl Helper for Keys {}

/// A printer of any kind.
struct Printer(Box<dyn ExternalPrinter + Send>);

impl ExternalPrinter for Printer {
    fn print(&mut self, text: String) -> rustyline::Result<()> {
        self.0.print(text)
    }
}

/// How long the first prompt waits for the server's channels.
const START_WAIT: Duration = Duration::from_secs(3);

/// How long a prompt waits for the answer that changes it.
const ANSWER_WAIT: Duration = Duration::from_millis(500);

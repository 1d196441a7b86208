//! The client of a script: lines in, lines out, and an exit code that tells the truth.
//!
//! It goes through steps, each begun by the server's answer to a `PING`: when the first is
//! answered, the server has put us where it would; when the second is, it has taken all lines.

use std::{
    io::{self, BufRead, Read as _, Write as _},
    mem,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Sender},
    },
    thread,
};

use chat_core::client::{Client, Command, Event, Message, MessageKind, Text};

use super::{
    cannot_connect,
    drive::{self, Handle, Server},
    shown::shown,
    view::{View, reason},
};
use crate::Failure;

/// Says standard input in `channel`, or else in the channel that the server puts us in.
///
/// # Errors
/// What was refused or lost.
pub(super) fn run(channel: Option<Text>, client: Client, server: &Server) -> Result<(), Failure> {
    let (next, commands) = mpsc::channel();
    let (begin, target) = mpsc::channel();
    let outcome = Arc::new(Mutex::new(Outcome::default()));
    let mut script = Script {
        server: server.address.to_string(),
        wanted: channel,
        target: None,
        begin: Some(begin),
        next,
        connected: false,
        ending: false,
        last_error: None,
        outcome: Arc::clone(&outcome),
    };
    let events = Box::new(move |client: &Client, event| script.event(client, &event));
    drive::run(client, server, events, |handle| {
        handle.relay(commands);
        thread::spawn(move || {
            // There is no target if the client ends before it has one.
            if let Ok(target) = target.recv() {
                say_input(&target, &handle);
            }
        });
    })?;
    let outcome = mem::take(&mut *outcome.lock().unwrap_or_else(PoisonError::into_inner));
    match outcome {
        Outcome { failure: Some(why), .. } => Err(Failure::new(why)),
        Outcome { refused: 0, .. } => Ok(()),
        Outcome { refused: 1, .. } => Err(Failure::new("an error, told above")),
        Outcome { refused, .. } => Err(Failure::new(format!("{refused} errors, told above"))),
    }
}

/// Says all of the input, then asks whether the server has it.
fn say_input(target: &Text, handle: &Handle) {
    let say =
        |text: &[u8]| handle.send(Command::Message { target: target.clone(), text: text.into() });
    // A client that is gone has told why.
    let _ =
        for_each_line(io::stdin().lock(), say) && handle.send(Command::Ping { token: SENT.into() });
}

/// How it went.
#[derive(Default)]
struct Outcome {
    /// Why not all could be said.
    failure: Option<String>,
    /// How many errors came from the server.
    refused: usize,
}

/// The client's side of a script.
struct Script {
    server: String,
    /// The channel to say everything in, if one was named.
    wanted: Option<Text>,
    /// The channel to say everything in, once we are in it.
    target: Option<Text>,
    /// Where to tell it to the thread that reads the input.
    begin: Option<Sender<Text>>,
    /// Our own commands.
    next: Sender<Command>,
    connected: bool,
    /// We quit, or gave up.
    ending: bool,
    /// The last error before we were in the channel.
    last_error: Option<String>,
    outcome: Arc<Mutex<Outcome>>,
}

impl Script {
    fn event(&mut self, client: &Client, event: &Event) {
        match event {
            Event::Connected => self.connected = true,
            Event::Registered { .. } => self.send(Command::Ping { token: JOINED.into() }),
            Event::Joined { channel, me: true, .. } => self.joined(client, channel),
            Event::Left { channel, me: true, .. } if self.target.as_ref() == Some(channel) => {
                self.fail(view(client, event).trim_start_matches("-- ").to_owned());
            }
            Event::Pong { token } if *token == JOINED => self.begin(),
            Event::Pong { token } if *token == SENT => self.end(),
            Event::Message(message) if is_news(message) => self.print(&view(client, event)),
            Event::Refused(_) => self.complain(&view(client, event)),
            Event::Reply { .. } if event.is_error_reply() => self.complain(&view(client, event)),
            Event::ServerError { text } => self.last_error = Some(shown(text)),
            Event::Disconnected { why, .. } if !self.ending => self.lose(reason(why)),
            _ => {}
        }
    }

    fn send(&self, command: Command) {
        // A client that is gone has told why.
        let _ = self.next.send(command);
    }

    fn joined(&mut self, client: &Client, channel: &Text) {
        let is_wanted = |wanted: &Text| client.is_same(wanted, channel);
        if self.target.is_none() && self.wanted.as_ref().is_none_or(is_wanted) {
            self.target = Some(channel.clone());
        }
    }

    /// The server has put us where it would: read the input.
    fn begin(&mut self) {
        let Some(target) = self.target.clone() else {
            let why = self.last_error.take();
            return self.fail(match (&self.wanted, why) {
                (Some(wanted), Some(why)) => format!("cannot join {}: {why}", shown(wanted)),
                (Some(wanted), None) => format!("the server did not let us join {}", shown(wanted)),
                (None, _) => "the server puts nobody in a channel: name one, as in \
                              --join '#rust'"
                    .to_owned(),
            });
        };
        if let Some(begin) = self.begin.take() {
            // The reading thread waits for it.
            let _ = begin.send(target);
        }
    }

    fn lose(&mut self, why: String) {
        let why = self.last_error.take().unwrap_or(why);
        let server = &self.server;
        self.fail(if self.connected {
            format!("the connection to {server} ended before all was said: {why}")
        } else {
            cannot_connect(server, &why)
        });
    }

    fn end(&mut self) {
        self.ending = true;
        self.send(Command::Quit { reason: None });
    }

    fn fail(&mut self, why: String) {
        self.outcome().failure.get_or_insert(why);
        self.end();
    }

    fn complain(&mut self, why: &str) {
        let why = why.trim_start_matches("! ");
        if self.target.is_none() {
            self.last_error = Some(why.to_owned());
        } else {
            // Nobody may read it; the exit code stands.
            let _ = writeln!(io::stderr(), "parlance: {why}");
            self.outcome().refused += 1;
        }
    }

    fn print(&mut self, line: &str) {
        let mut out = io::stdout().lock();
        if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
            // Whoever read it has seen enough.
            self.end();
        }
    }

    fn outcome(&self) -> std::sync::MutexGuard<'_, Outcome> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a message is one that a script reads.
fn is_news(message: &Message) -> bool {
    !message.me && !message.history && message.kind != MessageKind::Ctcp
}

fn view(client: &Client, event: &Event) -> String {
    View::PLAIN.line(client, None, event).unwrap_or_default()
}

/// Gives each line of the input, without its end; empty ones are left out, and those that are too
/// long for one message come in parts. Ends at the input's end, at an error, or when `take` says
/// so; whether it was not the latter.
fn for_each_line(mut input: impl BufRead, mut take: impl FnMut(&[u8]) -> bool) -> bool {
    let mut line = Vec::new();
    loop {
        let room = Command::TEXT_MAX - line.len();
        let read = input.by_ref().take(room as u64).read_until(b'\n', &mut line);
        let at_end = !matches!(read, Ok(1..));
        let is_whole = at_end || line.ends_with(b"\n");
        let len = if is_whole { line.len() } else { whole_characters(&line) };
        let text = line[..len].trim_ascii_end();
        if !text.is_empty() && !take(text) {
            return false;
        }
        if at_end {
            return true;
        }
        line.drain(..len);
    }
}

/// How much of a text to take so that no character is cut at its end.
fn whole_characters(text: &[u8]) -> usize {
    match str::from_utf8(text) {
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => error.valid_up_to(),
        _ => text.len(),
    }
}

/// Sent after joining.
const JOINED: &str = "joined";

/// Sent after the input's end.
const SENT: &str = "sent";

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &str) -> Vec<String> {
        let mut lines = Vec::new();
        assert!(for_each_line(input.as_bytes(), |line| {
            lines.push(String::from_utf8(line.to_vec()).unwrap());
            true
        }));
        lines
    }

    #[test]
    fn each_line_is_said() {
        assert_eq!(lines("one\r\n\n  two \nthree"), ["one", "  two", "three"]);
        assert_eq!(lines(""), [""; 0]);
    }

    #[test]
    fn a_line_without_end_comes_in_parts() {
        let text = "ä".repeat(Command::TEXT_MAX);
        let parts = lines(&format!("x{text}\nlast"));
        assert!(parts.iter().all(|part| part.len() <= Command::TEXT_MAX));
        assert_eq!(parts.concat(), format!("x{text}last"));
    }

    #[test]
    fn a_client_that_is_gone_ends_the_reading() {
        let mut taken = 0;
        let all = for_each_line(&b"one\ntwo\n"[..], |_| {
            taken += 1;
            false
        });
        assert!(!all && taken == 1);
    }
}

//! What stands beside the core in a running server: who checks passwords, and who writes the log.

use std::time::Instant;

use chat_core::{
    Report, Request,
    host::{Host, Reply},
    wire::Escaped,
};
use tracing::{error, info, warn};

use crate::{
    files::{Files, Task},
    password::Verifier,
    repeats::Repeats,
};

/// Answers the core by [`Verifier`] and [`Files`], and logs what it reports.
pub(crate) struct ServeHost {
    verifier: Verifier,
    files: Files,
    refused: Repeats,
    registered: Repeats,
    ended: Repeats,
    wrong_passwords: Repeats,
    tls: Repeats,
}

impl ServeHost {
    pub(crate) const fn new(verifier: Verifier, files: Files) -> Self {
        Self {
            verifier,
            files,
            refused: Repeats::new(REFUSALS),
            registered: Repeats::new(OFTEN),
            ended: Repeats::new(OFTEN),
            wrong_passwords: Repeats::new(OFTEN),
            tls: Repeats::new(REFUSALS),
        }
    }
}

impl Host for ServeHost {
    fn ask(&mut self, request: Request, reply: Reply) {
        match request {
            Request::VerifyPassword { hash, password } => {
                self.verifier.check(hash, password, reply);
            }
            Request::LoadBans => self.files.ask(Task::LoadBans, reply),
            Request::StoreBans(text) => self.files.ask(Task::StoreBans(text), reply),
            Request::Configuration => self.files.ask(Task::Configuration, reply),
        }
    }

    fn report(&mut self, report: &Report) {
        // A line for each connection would be a weapon: whoever can cause it, can cause thousands.
        let Some(left_out) = self.left_out(report) else { return };
        match report {
            Report::Refused { address, why } => {
                let address = address.map_or("a local socket".to_owned(), |ip| ip.to_string());
                warn!(address, why = %escaped(why), left_out, "refused");
            }
            Report::Registered { conn, nick, user, host } => info!(
                conn = conn.index(),
                nick = %escaped(nick),
                user = %escaped(user),
                host = %escaped(host),
                left_out,
                "registered"
            ),
            Report::Ended { conn, nick, why } => {
                info!(
                    conn = conn.index(),
                    nick = %escaped(nick),
                    why = %escaped(why),
                    left_out,
                    "ended"
                );
            }
            Report::Acted { nick, what } => {
                info!(nick = %escaped(nick), what = %escaped(what), "an operator acted");
            }
            Report::Oper { nick, name } => {
                info!(nick = %escaped(nick), name = %escaped(name), "became an operator");
            }
            Report::BadPassword { conn, name } => {
                warn!(conn = conn.index(), name = %escaped(name), left_out, "wrong password");
            }
            Report::Tls { conn } => warn!(
                conn = conn.index(),
                left_out,
                "a client that speaks TLS: tell it to connect without, or put a TLS proxy before this port"
            ),
            Report::NoAnswer { conn } => warn!(
                conn = conn.index(),
                "a password check came too late: too many at once, or this machine is too busy"
            ),
            Report::StoodStill { time } => warn!(
                seconds = time.as_secs(),
                "this process stood still: nobody is ended for what could not be read"
            ),
            Report::Reloaded { restart_needed } if restart_needed.is_empty() => {
                info!("the new configuration is in force");
            }
            Report::Reloaded { restart_needed } => warn!(
                keys = restart_needed.join(", "),
                "the new configuration is in force, but for keys that wait for a restart"
            ),
            Report::BansLoaded { bans } => info!(bans, "bans are in force as they were kept"),
            Report::BansNotLoaded { why } => {
                error!(why = %escaped(why), "the bans could not be read: those in force stay");
            }
            Report::ReloadFailed { why } => {
                error!(why = %escaped(why), "the new configuration is wrong: the old one stays");
            }
            Report::Line { conn, line } => {
                info!(conn = conn.index(), line = %escaped(line), "line");
            }
            // An operator sees the lines that led to these.
            Report::Step { .. } | Report::Quit { .. } => {}
        }
    }
}

impl ServeHost {
    /// How many such reports were not logged since the last that was; `None` if this one is not.
    fn left_out(&mut self, report: &Report) -> Option<Option<u64>> {
        let repeats = match report {
            Report::Refused { .. } => &mut self.refused,
            Report::Registered { .. } => &mut self.registered,
            Report::Ended { .. } => &mut self.ended,
            Report::BadPassword { .. } => &mut self.wrong_passwords,
            Report::Tls { .. } => &mut self.tls,
            _ => return Some(None),
        };
        let left_out = repeats.tell(Instant::now())?;
        Some((left_out > 0).then_some(left_out))
    }
}

/// Lines a second for those who are turned away.
const REFUSALS: u32 = 1;

/// Lines a second of what is the usual life of a connection.
const OFTEN: u32 = 50;

/// What peers sent may hold anything; letters of all scripts stay as they are.
fn escaped<T: AsRef<[u8]> + ?Sized>(bytes: &T) -> String {
    let is_plain = |char: char| char.is_alphanumeric() || matches!(char, ' '..='~' if char != '\\');
    match str::from_utf8(bytes.as_ref()) {
        Ok(text) if text.chars().all(is_plain) => text.to_owned(),
        _ => Escaped(bytes.as_ref()).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_shows_letters_and_nothing_that_acts_on_a_terminal() {
        for (bytes, expected) in [
            (&b"alice"[..], "alice"),
            ("\u{c4}lice".as_bytes(), "\u{c4}lice"),
            (b"a\x1b[2J", r"a\x1b[2J"),
            (b"caf\xe9", r"caf\xe9"),
            ("\u{202e}txt".as_bytes(), r"\xe2\x80\xaetxt"),
        ] {
            assert_eq!(escaped(bytes), expected);
        }
    }
}

//! Passwords: hashed with argon2id, and checked by a few threads beside the event loop.

use std::{
    io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};

use argon2::{
    Argon2, Params, PasswordHasher as _, PasswordVerifier as _,
    password_hash::{self, phc::PasswordHash},
};
use chat_core::{Answer, host::Reply};

use crate::Failure;

/// Checks passwords off the event loop.
///
/// A check takes some 20 MiB and tens of milliseconds, so few run at once, few wait, and the rest are
/// told at once that there is no answer.
pub(crate) struct Verifier {
    queue: mpsc::SyncSender<Check>,
}

struct Check {
    hash: String,
    password: Vec<u8>,
    reply: Reply,
}

impl Verifier {
    /// Starts the threads. They end when this is dropped.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub(crate) fn start() -> io::Result<Self> {
        let (queue, checks) = mpsc::sync_channel(WAITING);
        let checks = Arc::new(Mutex::new(checks));
        for number in 0..THREADS {
            let checks = Arc::clone(&checks);
            thread::Builder::new().name(format!("password-{number}")).spawn(move || {
                while let Some(check) = next(&checks) {
                    check.answer();
                }
            })?;
        }
        Ok(Self { queue })
    }

    /// Checks `password` against `hash`, later; or says now that it can't.
    pub(crate) fn check(&self, hash: String, password: Vec<u8>, reply: Reply) {
        let sent = self.queue.try_send(Check { hash, password, reply });
        if let Err(mpsc::TrySendError::Full(check) | mpsc::TrySendError::Disconnected(check)) = sent
        {
            (check.reply)(Answer::Unavailable);
        }
    }
}

fn next(checks: &Mutex<mpsc::Receiver<Check>>) -> Option<Check> {
    checks.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

impl Check {
    fn answer(self) {
        let verified = Argon2::default().verify_password(&self.password, self.hash.as_str());
        (self.reply)(match verified {
            Ok(()) => Answer::Verified(true),
            Err(password_hash::Error::PasswordInvalid) => Answer::Verified(false),
            Err(_) => Answer::Unavailable,
        });
    }
}

/// Checks at once.
const THREADS: usize = 2;

/// Checks that wait.
const WAITING: usize = 32;

/// Whether a text is a hash that [`Verifier`] can check, at a cost that it can bear.
///
/// # Errors
/// Why not, and what to do.
pub(crate) fn check_hash(text: &str) -> Result<(), String> {
    let fix = "put here what 'parlance hash-password' prints";
    let hash =
        PasswordHash::new(text).map_err(|why| format!("not a password hash ({why}): {fix}"))?;
    let cost = Params::try_from(&hash)
        .ok()
        .filter(|_| hash.algorithm.as_str().starts_with("argon2") && hash.hash.is_some())
        .ok_or_else(|| format!("not an argon2 hash: {fix}"))?
        .m_cost();
    if cost > MOST_KIB {
        return Err(format!("this hash takes {cost} KiB to check, over {MOST_KIB}: {fix}"));
    }
    Ok(())
}

const MOST_KIB: u32 = 1 << 20;

/// `parlance hash-password`: reads a password and prints its hash.
pub(crate) fn hash() -> Result<(), Failure> {
    let password = if io::stdin().is_terminal() { ask()? } else { read_line()? };
    let hash = hash_of(&password)?;
    writeln!(io::stdout(), "{hash}").map_err(|error| Failure::io("write the hash", &error))
}

fn hash_of(password: &str) -> Result<String, Failure> {
    if password.is_empty() {
        return Err(Failure::new("the password is empty: type one, or pipe one line in"));
    }
    if password.len() > MOST_BYTES || password.contains(['\0', '\r', '\n']) {
        return Err(Failure::new(format!(
            "the password can't be sent to a server: use at most {MOST_BYTES} bytes, in one line"
        )));
    }
    let hash = Argon2::default()
        .hash_password(password.as_bytes())
        .map_err(|why| Failure::new(format!("cannot hash the password: {why}")))?;
    Ok(hash.to_string())
}

/// What fits into a PASS or OPER line beside a long name.
const MOST_BYTES: usize = 300;

fn ask() -> Result<String, Failure> {
    let prompt = |text| {
        rpassword::prompt_password(text).map_err(|error| Failure::io("read the password", &error))
    };
    let password = prompt("Password: ")?;
    if prompt("Again: ")? != password {
        return Err(Failure::new("the two passwords differ: try again"));
    }
    Ok(password)
}

fn read_line() -> Result<String, Failure> {
    let mut line = String::new();
    let bound = MOST_BYTES as u64 + 3;
    io::stdin()
        .lock()
        .take(bound)
        .read_line(&mut line)
        .map_err(|error| Failure::io("read the password", &error))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(hash: &str, password: &str) -> Answer {
        let (answer, answered) = mpsc::channel();
        let reply = Box::new(move |got| answer.send(got).unwrap());
        Verifier::start().unwrap().check(hash.into(), password.into(), reply);
        answered.recv().unwrap()
    }

    #[test]
    fn a_password_matches_its_own_hash_only() {
        let hash = hash_of("correct horse").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(answer(&hash, "correct horse"), Answer::Verified(true));
        assert_eq!(answer(&hash, "battery staple"), Answer::Verified(false));
        assert_eq!(answer("not a hash", "correct horse"), Answer::Unavailable);
    }

    #[test]
    fn a_hash_is_told_from_a_password() {
        assert_eq!(check_hash(&hash_of("secret").unwrap()), Ok(()));
        for wrong in [
            "",
            "secret",
            "$argon2id$",
            "$2b$12$abcdefghijklmnopqrstuv",
            "$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHQ$c2FsdHNhbHRzYWx0c2FsdA",
        ] {
            assert!(check_hash(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn too_many_checks_at_once_are_told_so() {
        let (queue, checks) = mpsc::sync_channel(1);
        let verifier = Verifier { queue };
        let (answer, answered) = mpsc::channel();
        for _ in 0..2 {
            let answer = answer.clone();
            let reply = Box::new(move |got| answer.send(got).unwrap());
            verifier.check("hash".into(), b"password".to_vec(), reply);
        }
        assert_eq!(answered.try_recv(), Ok(Answer::Unavailable));
        drop(checks);
    }
}

//! Who the client is and what it does by itself.

use alloc::{string::String, vec::Vec};
use core::fmt;

use super::Text;
use crate::wire::{is_key, is_user};

/// What a client is started with.
#[derive(Clone, Eq, PartialEq)]
pub struct Options {
    /// The nick wanted, 1 to 64 bytes. If it is taken, others like it are tried.
    pub nick: String,
    /// The user name, 1 to 64 bytes.
    pub user: String,
    /// The real name, or anything else that others may read about the user; at most 256 bytes.
    pub real: String,
    /// The server's password, at most 400 bytes.
    pub password: Option<String>,
    /// Channels to join, each with its key after a space if it has one; at most 64.
    pub join: Vec<String>,
    /// Whether to connect again when a connection is lost or can't be made.
    pub reconnect: bool,
}

impl Options {
    /// The channels to join, with their keys.
    pub(super) fn channels(&self) -> Result<Vec<(Text, Option<Text>)>, OptionsError> {
        if self.join.len() > JOIN_MAX {
            return Err(OptionsError::TooManyChannels);
        }
        let parse = |item: &String| {
            let mut words = item.split(' ');
            let channel = words.next().filter(|name| is_key(name.as_bytes(), CHANNEL_MAX));
            let key = words.next();
            let is_good = key.is_none_or(|key| is_key(key.as_bytes(), KEY_MAX));
            match (channel, words.next()) {
                (Some(channel), None) if is_good => Ok((channel.into(), key.map(Text::from))),
                _ => Err(OptionsError::Channel(item.clone())),
            }
        };
        self.join.iter().map(parse).collect()
    }

    /// Whether everything can be sent.
    pub(super) fn check(&self) -> Result<(), OptionsError> {
        let nick = self.nick.as_bytes();
        if !is_user(nick, NICK_MAX) || !is_key(nick, NICK_MAX) {
            return Err(OptionsError::Nick(self.nick.clone()));
        }
        if !is_user(self.user.as_bytes(), NICK_MAX) {
            return Err(OptionsError::User(self.user.clone()));
        }
        if !is_text(&self.real, REAL_MAX) {
            return Err(OptionsError::Real);
        }
        match &self.password {
            Some(password) if password.is_empty() || !is_text(password, PASSWORD_MAX) => {
                Err(OptionsError::Password)
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Options {
    /// Without the password and the keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("nick", &self.nick).finish_non_exhaustive()
    }
}

/// Which option is wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum OptionsError {
    /// The nick is not a word, or too long.
    Nick(String),
    /// The user name is not a word, or too long.
    User(String),
    /// The real name is too long or has a line break in it.
    Real,
    /// The password is empty, too long or has a line break in it.
    Password,
    /// Not a channel, or not a channel and its key.
    Channel(String),
    /// Too many channels.
    TooManyChannels,
}

impl fmt::Display for OptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nick(nick) => write!(
                f,
                "{nick:?} can't be a nick: take 1 to {NICK_MAX} letters and digits, a letter first"
            ),
            Self::User(user) => {
                write!(f, "{user:?} can't be a user name: take 1 to {NICK_MAX} letters and digits")
            }
            Self::Real => {
                write!(f, "the real name must be one line of at most {REAL_MAX} bytes")
            }
            Self::Password => {
                write!(f, "the password must be one line of 1 to {PASSWORD_MAX} bytes")
            }
            Self::Channel(channel) => write!(
                f,
                "{channel:?} can't be joined: give a channel such as #rust, and its key after a \
                 space if it has one"
            ),
            Self::TooManyChannels => write!(f, "more than {JOIN_MAX} channels: join fewer"),
        }
    }
}

impl core::error::Error for OptionsError {}

fn is_text(text: &str, max: usize) -> bool {
    text.len() <= max && !text.bytes().any(|byte| matches!(byte, 0 | b'\r' | b'\n'))
}

const NICK_MAX: usize = 64;
const REAL_MAX: usize = 256;
const PASSWORD_MAX: usize = 400;
const JOIN_MAX: usize = 64;
const CHANNEL_MAX: usize = 200;
const KEY_MAX: usize = 200;

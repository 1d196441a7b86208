//! What a host can have the client do, and the lines that come of it.

use core::fmt;

use alloc::vec::Vec;

use super::negotiation::Capability;
use super::{Client, Event, Message, MessageKind, Text, split};
use crate::wire::{self, BODY_MAX, Encoder, FrameLimits, is_key};

/// Something that the user wants. It waits until we are registered, and until what was sent
/// before has left.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(missing_docs, reason = "the fields of each are its words")]
pub enum Command {
    /// Say a text, at most [`TEXT_MAX`](Self::TEXT_MAX) bytes, to a channel or a user. Each of its
    /// lines is a message of its own; one that is too long becomes several.
    Message { target: Text, text: Text },
    /// Tell what you do, as in `* alice waves`. Cut as a message is.
    Action { target: Text, text: Text },
    /// Say something that nothing automatic may answer. Cut as a message is.
    Notice { target: Text, text: Text },
    /// Join a channel. It is joined again after a lost connection, until it is left.
    Join { channel: Text, key: Option<Text> },
    /// Leave a channel.
    Part { channel: Text, reason: Option<Text> },
    /// Take another nick.
    Nick { nick: Text },
    /// List the members of a channel.
    Names { channel: Text },
    /// Change a channel's topic, or ask for it.
    Topic { channel: Text, topic: Option<Text> },
    /// List users that match a mask, or the members of a channel.
    Who { mask: Text },
    /// Ask about a user.
    Whois { nick: Text },
    /// List channels, all or those that match.
    List { mask: Option<Text> },
    /// Be away, or back.
    Away { reason: Option<Text> },
    /// Ask for [`Event::Pong`]: when it comes, the server has done all that was asked before.
    Ping { token: Text },
    /// Send what waits, say goodbye and never connect again. Ends with [`Event::Done`].
    Quit { reason: Option<Text> },
    /// Send a line as it is, at most 510 bytes (its tags 4096 more).
    Raw(Text),
}

/// Why a command was not carried out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CommandError {
    /// It can't be one word of a line: empty, or with a space, comma, control byte or leading
    /// colon in it, or too long.
    NotAWord(Text),
    /// There is nothing to say.
    NoText,
    /// A text over [`Command::TEXT_MAX`] bytes.
    TextTooLong,
    /// A line that is not of the protocol, or too long.
    NotALine,
    /// [`Client::wants_commands`] had said no, and what waits has reached its bound.
    QueueFull,
    /// The client has quit or given up.
    Over,
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAWord(word) => write!(
                f,
                "{word:?} can't be a name: give one word of at most {WORD_MAX} bytes without commas"
            ),
            Self::NoText => f.write_str("there is nothing to say: give a text"),
            Self::TextTooLong => {
                write!(f, "the text is over {} bytes: say it in parts", Command::TEXT_MAX)
            }
            Self::NotALine => f.write_str(
                "this is not a line of the protocol: give a command and its parameters, \
                 at most 510 bytes",
            ),
            Self::QueueFull => f.write_str("too many commands are waiting: try again later"),
            Self::Over => f.write_str("the connection is over: start again to connect"),
        }
    }
}

impl core::error::Error for CommandError {}

impl Command {
    /// The longest text of a message, in bytes.
    pub const TEXT_MAX: usize = 16 * 1024;

    /// Whether it could ever be carried out.
    pub(super) fn check(&self) -> Result<(), CommandError> {
        match self {
            Self::Message { target, text }
            | Self::Action { target, text }
            | Self::Notice { target, text } => {
                check_word(target)?;
                check_len(text)?;
                let is_blank = text.iter().all(|byte| matches!(byte, b'\r' | b'\n'));
                if is_blank { Err(CommandError::NoText) } else { Ok(()) }
            }
            Self::Join { channel, key } => {
                check_word(channel)?;
                key.as_ref().map_or(Ok(()), check_word)
            }
            Self::Part { channel: word, reason: text }
            | Self::Topic { channel: word, topic: text } => {
                check_word(word)?;
                text.as_ref().map_or(Ok(()), check_len)
            }
            Self::Nick { nick: word }
            | Self::Names { channel: word }
            | Self::Who { mask: word }
            | Self::Whois { nick: word }
            | Self::Ping { token: word } => check_word(word),
            Self::List { mask } => mask.as_ref().map_or(Ok(()), check_word),
            Self::Away { reason: text } | Self::Quit { reason: text } => {
                text.as_ref().map_or(Ok(()), check_len)
            }
            Self::Raw(line) => check_line(line),
        }
    }
}

impl Client {
    /// Carries out a command that was checked, while we are registered.
    pub(super) fn carry_out(&mut self, command: &Command) {
        match command {
            Command::Message { target, text } => self.say(MessageKind::Privmsg, target, text),
            Command::Action { target, text } => self.say(MessageKind::Action, target, text),
            Command::Notice { target, text } => self.say(MessageKind::Notice, target, text),
            Command::Join { channel, key } => self.join(channel, key.as_ref()),
            Command::Part { channel, reason } => self.send(b"PART", channel, reason.as_ref()),
            Command::Nick { nick } => {
                self.wanted_nick = nick.clone();
                self.send(b"NICK", nick, None);
            }
            Command::Names { channel } => self.send(b"NAMES", channel, None),
            Command::Topic { channel, topic } => self.send(b"TOPIC", channel, topic.as_ref()),
            Command::Who { mask } => self.send(b"WHO", mask, None),
            // The nick twice asks the server of the user, which knows since when they are idle.
            Command::Whois { nick } => {
                self.line(b"WHOIS").param(nick).param(nick);
            }
            Command::List { mask: Some(mask) } => self.send(b"LIST", mask, None),
            Command::List { mask: None } => {
                self.line(b"LIST");
            }
            Command::Away { reason } => {
                let mut line = self.line(b"AWAY");
                if let Some(reason) = reason {
                    line.trailing(reason);
                }
            }
            Command::Ping { token } => self.send(b"PING", token, None),
            Command::Quit { reason } => {
                self.line(b"QUIT").trailing(reason.as_deref().unwrap_or_default());
            }
            Command::Raw(line) => {
                if let Ok(mut message) = wire::Message::parse(line) {
                    message.source = None;
                    message.emit(&mut self.outbox);
                }
            }
        }
    }

    /// A line of a command, one word, and perhaps a text.
    fn send(&mut self, command: &[u8], word: &[u8], text: Option<&Text>) {
        let mut line = self.line(command);
        line.param(word);
        if let Some(text) = text {
            line.trailing(text);
        }
    }

    pub(super) fn join(&mut self, channel: &[u8], key: Option<&Text>) {
        if let Some(key) = key {
            self.keys.push_back((channel.into(), key.clone()));
            if self.keys.len() > KEYS_MAX {
                self.keys.pop_front();
            }
        }
        let mut line = self.line(b"JOIN");
        line.param(channel);
        if let Some(key) = key {
            line.param(key);
        }
    }

    /// Sends a text in as many lines as it needs when the server has put our prefix before it.
    fn say(&mut self, kind: MessageKind, target: &Text, text: &Text) {
        let command: &[u8] = if kind == MessageKind::Notice { b"NOTICE" } else { b"PRIVMSG" };
        let (opening, closing): (&[u8], &[u8]) =
            if kind == MessageKind::Action { (b"\x01ACTION ", b"\x01") } else { (b"", b"") };
        // `:nick!user@host PRIVMSG target :text`
        let around =
            1 + self.nick.len() + self.userhost_len + 1 + command.len() + 1 + target.len() + 2;
        let room = BODY_MAX.saturating_sub(around + opening.len() + closing.len()).max(PIECE_MIN);
        let echoed = self.negotiation.has(Capability::EchoMessage);
        for piece in split::pieces(text, room) {
            let mut framed = Vec::with_capacity(opening.len() + piece.len() + closing.len());
            framed.extend_from_slice(opening);
            framed.extend_from_slice(piece);
            framed.extend_from_slice(closing);
            Encoder::new(&mut self.outbox).command(command).param(target).trailing(&framed);
            if !echoed {
                self.events.push_back(Event::Message(Message {
                    from: self.nick.clone(),
                    target: target.clone(),
                    text: piece.into(),
                    kind,
                    time: self.now.wall,
                    me: true,
                    msgid: None,
                    history: false,
                }));
            }
        }
    }
}

/// A word that could be a name, without commas: those would make several of it.
fn check_word(word: &Text) -> Result<(), CommandError> {
    if is_key(word, WORD_MAX) { Ok(()) } else { Err(CommandError::NotAWord(word.clone())) }
}

fn check_len(text: &Text) -> Result<(), CommandError> {
    if text.len() <= Command::TEXT_MAX { Ok(()) } else { Err(CommandError::TextTooLong) }
}

fn check_line(line: &Text) -> Result<(), CommandError> {
    let message = wire::Message::parse(line).map_err(|_| CommandError::NotALine)?;
    let tags = message.tags.as_bytes().len();
    let body = line.len() - if tags > 0 { tags + 2 } else { 0 };
    let FrameLimits { tags: tags_max, body: body_max } = FrameLimits::FROM_CLIENT;
    let fits = tags + 2 <= tags_max && body <= body_max;
    if fits { Ok(()) } else { Err(CommandError::NotALine) }
}

/// The longest name of a channel, user or mask in a command, in bytes.
const WORD_MAX: usize = 200;

/// The shortest piece that a long text is cut into, however long the prefix is said to be.
const PIECE_MIN: usize = 100;

/// The most keys that are remembered until their channels are joined.
const KEYS_MAX: usize = 64;
